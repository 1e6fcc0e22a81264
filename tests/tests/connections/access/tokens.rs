//! Signed tokens in handshakes and requests: read access and write access.

use std::time::Duration;

use agents::auth::Tokens;
use agents::axum::response::IntoResponse;
use agents::prelude::*;
use agents_tests::{Client, Received, TestServer, patient};

use crate::support::response_text::error_body;

#[wire]
#[derive(Clone)]
struct Claims {
    sub: String,
    can_write: bool,
}

#[wire]
#[derive(Clone, Default)]
struct Page {
    text: String,
}

/// A document: all clients with a token read it, and some of them write it.
#[agent(state = Page, connection = Claims, env = Tokens<Claims>)]
#[derive(Default)]
struct Wiki;

#[agent]
impl Wiki {
    #[hook]
    fn authorize(&self, cx: &Context<Self>, request: &ConnectRequest) -> Result<Claims, Refusal> {
        cx.env().verify(request)
    }

    #[hook]
    fn should_connection_be_readonly(&self, conn: &Connection<Self>) -> Result<bool> {
        Ok(!conn.state()?.can_write)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Response {
        match cx.env().verify(&ConnectRequest::from(&request)) {
            Ok(claims) => claims.sub.into_response(),
            Err(refusal) => refusal.into_response(),
        }
    }

    #[callable]
    fn write(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.set_state(Page { text })
    }

    #[callable]
    fn who(&self, conn: &Connection<Self>) -> Result<String> {
        Ok(conn.state()?.sub.clone())
    }
}

fn tokens() -> Tokens<Claims> {
    Tokens::hs256("a secret of thirty-two bytes ...").expect("a key").audience("wiki").cookie("session")
}

fn token(sub: &str, can_write: bool) -> String {
    tokens().sign(&Claims { sub: sub.to_owned(), can_write }, Duration::from_secs(60)).expect("a token")
}

fn agents() -> Agents {
    Agents::new().register::<Wiki>().env(tokens()).origins(["https://app.example"])
}

async fn ask(server: &TestServer, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = reqwest::Client::new().get(server.url("/agents/wiki/one"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = patient(request.send()).await.expect("an answer");
    (response.status().as_u16(), patient(response.text()).await.expect("a body"))
}

#[tokio::test]
async fn s20_s176_the_token_says_who_may_write() {
    let server = TestServer::start(agents()).await;
    let mut writer = server.join(&format!("/agents/wiki/one?token={}", token("ada", true)), true).await;
    let mut reader = server.join(&format!("/agents/wiki/one?token={}", token("bob", false)), true).await;
    assert_eq!(writer.call("who", json!([])).await, "ada");
    assert_eq!(reader.call("who", json!([])).await, "bob");
    assert_eq!(reader.call_error("write", json!(["mine"])).await, "Connection is readonly");
    writer.call("write", json!(["ours"])).await;
    let state = reader.json().await;
    assert_eq!(state["state"], json!({ "text": "ours" }));
    // The token may also be in a header or in a cookie, for sockets and for requests.
    let (bearer, cookie) =
        (format!("Bearer {}", token("eve", false)), format!("session={}", token("eve", false)));
    for header in [("authorization", &*bearer), ("cookie", &*cookie)] {
        let mut client = Client::connect(server.addr(), "/agents/wiki/one", &[header]).await;
        client.greeting(true).await;
        assert_eq!(client.call("who", json!([])).await, "eve");
        assert_eq!(ask(&server, &[header]).await, (200, "eve".to_owned()));
    }
}

#[tokio::test]
async fn s176_bad_tokens_are_refused_with_a_reason() {
    let server = TestServer::start(agents()).await;
    let good = token("ada", true);
    let other_key = Tokens::hs256("another secret of thirty-two bytes").expect("a key").audience("wiki");
    let other_key = other_key.sign(&json!({ "sub": "x" }), Duration::from_secs(60)).expect("a token");
    let elsewhere = Tokens::hs256("a secret of thirty-two bytes ...").expect("a key").audience("blog");
    let elsewhere = elsewhere.sign(&json!({ "sub": "x" }), Duration::from_secs(60)).expect("a token");
    // The token is signed with that secret for `wiki`, and it expired in 2001.
    let expired = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJzdWIiOiJhZGEiLCJhdWQiOiJ3aWtpIiwiZXhwIjoxMDAwMDAwMDAwLCJjYW5Xcml0ZSI6dHJ1ZX0.",
        "HJRSNzS9NkEHCO8HeK2IW5oGQfb0apRPKX9zJiKIOjk"
    );
    for (token, reason) in [
        ("", "a token is required"),
        ("nonsense", "the token is not valid"),
        (&good[..good.len() - 8], "the token is not valid"),
        (&*other_key, "the token is not valid"),
        (&*elsewhere, "the token is for another audience"),
        (expired, "the token has expired"),
    ] {
        let mut client = server.connect(&format!("/agents/wiki/one?token={token}")).await;
        assert_eq!(client.next().await, Received::Close(4401, reason.to_owned()), "{token}");
        let bearer = format!("Bearer {token}");
        assert_eq!(
            ask(&server, &[("authorization", &bearer)]).await,
            (401, error_body("unauthorized", reason)),
            "{token}"
        );
    }
}

#[tokio::test]
async fn s113_a_cookie_is_taken_from_our_pages_alone() {
    let cookie = format!("session={}", token("ada", true));
    let own_header = format!("Bearer {}", token("ada", true));
    // With a list of origins, the host itself refuses foreign pages. Without a list, the cookie must not be
    // accepted.
    let server = TestServer::start(Agents::new().register::<Wiki>().env(tokens())).await;
    let own = server.url("");
    let refused = "a cookie is not accepted from a foreign page".to_owned();
    for (page, taken) in [
        (("origin", &*own), true),
        (("origin", "https://app.example"), false),
        (("origin", "null"), false),
        (("sec-fetch-site", "cross-site"), false),
        (("sec-fetch-site", "same-origin"), true),
    ] {
        let headers = [("cookie", &*cookie), page];
        let mut client = Client::connect(server.addr(), "/agents/wiki/one", &headers).await;
        let answer = ask(&server, &headers).await;
        if taken {
            client.greeting(true).await;
            assert_eq!(answer, (200, "ada".to_owned()));
        } else {
            assert_eq!(client.next().await, Received::Close(4403, refused.clone()), "{page:?}");
            assert_eq!(answer, (403, error_body("forbidden", &refused)), "{page:?}");
            // A token that the page itself sends is accepted.
            assert_eq!(ask(&server, &[("authorization", &own_header), page]).await.0, 200);
        }
    }
    // A page in the list may use the cookie.
    let server = TestServer::start(agents()).await;
    let headers = [("cookie", &*cookie), ("origin", "https://app.example")];
    Client::connect(server.addr(), "/agents/wiki/one", &headers).await.greeting(true).await;
    assert_eq!(ask(&server, &headers).await, (200, "ada".to_owned()));
}

/// An agent that trusts the host: its only hook reads the identity.
#[agent(connection = Claims)]
#[derive(Default)]
struct Inner;

#[agent]
impl Inner {
    #[hook]
    fn authorize(&self, request: &ConnectRequest) -> Result<Claims, Refusal> {
        Ok(request.identity()?)
    }

    #[callable]
    fn who(&self, conn: &Connection<Self>) -> Result<String> {
        Ok(conn.state()?.sub.clone())
    }
}

#[tokio::test]
async fn s176_one_line_asks_everybody_for_a_token() {
    let agents = Agents::new().register::<Inner>().authorize(tokens().required());
    let server = TestServer::start(agents).await;
    let path = format!("/agents/inner/one?token={}", token("ada", true));
    let mut client = server.join(&path, false).await;
    assert_eq!(client.call("who", json!([])).await, "ada");
    let mut client = server.connect("/agents/inner/one").await;
    assert_eq!(client.next().await, Received::Close(4401, "a token is required".to_owned()));
    let (status, _) = crate::support::response_text::get(&server, "/agents/inner/one").await;
    assert_eq!(status, 401);
    let (status, body) = crate::support::response_text::get(&server, &path).await;
    assert_eq!((status, body.as_str()), (404, "Not implemented"), "it came as far as the agent");
}
