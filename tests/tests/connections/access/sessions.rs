//! Logins in a signed cookie, over a socket and over HTTP.

use std::time::Duration;

use agents::auth::Sessions;
use agents::axum::extract::{Query, State};
use agents::axum::response::IntoResponse;
use agents::axum::{Router, routing::post as route};
use agents::prelude::*;
use agents_tests::{Client, Received, TestServer, patient};

use crate::support::response_text::error_body;

#[wire]
#[derive(Clone)]
struct User {
    name: String,
}

#[agent(connection = User)]
#[derive(Default)]
struct Notes;

#[agent]
impl Notes {
    #[hook]
    fn authorize(&self, request: &ConnectRequest) -> Result<User, Refusal> {
        Ok(request.try_identity()?.unwrap_or(User { name: "a visitor".to_owned() }))
    }

    #[hook]
    fn on_request(&self, request: ConnectRequest) -> Result<String> {
        let user: Option<User> = request.try_identity()?;
        Ok(user.map_or_else(|| "a visitor".to_owned(), |user| user.name))
    }

    #[callable]
    fn who(&self, conn: &Connection<Self>) -> Result<String> {
        Ok(conn.state()?.name.clone())
    }
}

async fn login(
    State(sessions): State<Sessions<User>>,
    request: ConnectRequest,
    Query(user): Query<User>,
) -> Result<impl IntoResponse, Refusal> {
    let lifetime = Duration::from_secs(if user.name == "late" { 0 } else { 60 });
    Ok((sessions.set(&request, &user, lifetime)?, "welcome"))
}

async fn logout(
    State(sessions): State<Sessions<User>>,
    request: ConnectRequest,
) -> Result<impl IntoResponse, Refusal> {
    sessions.clear(&request)
}

fn sessions(keys: &[&str]) -> Sessions<User> {
    Sessions::new(keys).expect("keys")
}

fn agents(sessions: &Sessions<User>) -> Agents {
    let routes = Router::new()
        .route("/login", route(login))
        .route("/logout", route(logout))
        .with_state(sessions.clone());
    Agents::new().register::<Notes>().authorize(sessions.required()).routes(routes)
}

/// Sends a request and returns the status, the text and the cookie that the answer sets.
async fn send(
    server: &TestServer,
    method: reqwest::Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String, Option<String>) {
    let mut request = reqwest::Client::new().request(method, server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = patient(request.send()).await.expect("an answer");
    let status = response.status().as_u16();
    let cookie = response.headers().get("set-cookie").map(|value| value.to_str().expect("text").to_owned());
    (status, patient(response.text()).await.expect("a body"), cookie)
}

/// Logs in and returns the cookie as a browser sends it.
async fn logged_in(server: &TestServer, name: &str) -> String {
    let (status, text, cookie) =
        send(server, reqwest::Method::POST, &format!("/login?name={name}"), &[]).await;
    assert_eq!((status, &*text), (200, "welcome"));
    let cookie = cookie.expect("a cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// Asserts the refusal of a cookie over HTTP and over a socket.
async fn refused(server: &TestServer, headers: &[(&str, &str)], (status, code, reason): (u16, &str, &str)) {
    let (got, text, _) = send(server, reqwest::Method::GET, "/agents/notes/one", headers).await;
    assert_eq!((got, text), (status, error_body(code, reason)));
    let mut client = Client::connect(server.addr(), "/agents/notes/one", headers).await;
    assert_eq!(client.next().await, Received::Close(4000 + status, reason.to_owned()));
}

const OLD: &str = "an old key of thirty-two bytes ...";
const NEW: &str = "a new key of thirty-two bytes ....";

#[tokio::test]
async fn a_login_opens_sockets_and_requests_until_it_expires() {
    let server = TestServer::start(agents(&sessions(&[NEW]))).await;
    refused(&server, &[], (401, "unauthorized", "log in first")).await;
    let cookie = logged_in(&server, "ada").await;
    let headers = [("cookie", &*cookie)];
    let mut client = Client::connect(server.addr(), "/agents/notes/one", &headers).await;
    client.greeting(false).await;
    assert_eq!(client.call("who", json!([])).await, "ada");
    let (status, text, _) = send(&server, reqwest::Method::GET, "/agents/notes/one", &headers).await;
    assert_eq!((status, &*text), (200, "ada"));

    let late = logged_in(&server, "late").await;
    refused(&server, &[("cookie", &late)], (401, "unauthorized", "the session has expired")).await;
    let (status, _, cleared) = send(&server, reqwest::Method::POST, "/logout", &headers).await;
    assert_eq!(
        (status, &*cleared.expect("a cookie")),
        (200, "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    );
}

#[tokio::test]
async fn only_our_signature_counts_and_keys_can_be_exchanged() {
    let old = TestServer::start(agents(&sessions(&[OLD]))).await;
    let cookie = logged_in(&old, "ada").await;
    // Both keys are valid while sessions of the old one live.
    let both = TestServer::start(agents(&sessions(&[NEW, OLD]))).await;
    let mut client = Client::connect(both.addr(), "/agents/notes/one", &[("cookie", &cookie)]).await;
    client.greeting(false).await;
    assert_eq!(client.call("who", json!([])).await, "ada");
    let fresh = logged_in(&both, "bob").await;
    let new = TestServer::start(agents(&sessions(&[NEW]))).await;
    let mut client = Client::connect(new.addr(), "/agents/notes/one", &[("cookie", &fresh)]).await;
    client.greeting(false).await;
    assert_eq!(client.call("who", json!([])).await, "bob");
    let invalid = (401, "unauthorized", "the session is not valid");
    refused(&new, &[("cookie", &cookie)], invalid).await;
    // The identity of one user with the signature of another.
    let (content, _) = cookie.split_once('.').expect("a signature");
    let (_, signature) = fresh.split_once('.').expect("a signature");
    refused(&both, &[("cookie", &format!("{content}.{signature}"))], invalid).await;
}

#[tokio::test]
async fn a_foreign_page_cannot_use_a_session_nor_log_in_nor_out() {
    let server = TestServer::start(agents(&sessions(&[NEW]))).await;
    let cookie = logged_in(&server, "ada").await;
    let headers = [("cookie", &*cookie), ("origin", "http://evil.example")];
    refused(&server, &headers, (403, "forbidden", "a cookie is not accepted from a foreign page")).await;
    for path in ["/login?name=eve", "/logout"] {
        let (status, _, cookie) = send(&server, reqwest::Method::POST, path, &headers).await;
        assert_eq!((status, cookie), (403, None), "{path}");
    }
}

#[tokio::test]
async fn visitors_without_a_valid_session_come_in_if_it_is_optional() {
    let sessions = sessions(&[NEW]);
    let server = TestServer::start(agents(&sessions).authorize(sessions.optional())).await;
    let late = logged_in(&server, "late").await;
    let ada = logged_in(&server, "ada").await;
    for (cookie, name) in [(None, "a visitor"), (Some(&*late), "a visitor"), (Some(&*ada), "ada")] {
        let headers: Vec<_> = cookie.map(|cookie| ("cookie", cookie)).into_iter().collect();
        let mut client = Client::connect(server.addr(), "/agents/notes/one", &headers).await;
        client.greeting(false).await;
        assert_eq!(client.call("who", json!([])).await, name);
    }
}
