//! The `authorize` hook of the host, which runs for every request before an agent wakes.

use std::sync::Arc;
use std::time::Duration;

use agents::prelude::*;
use agents::testing::TestHost;
use agents_tests::{Client, Received, Recorder, TestServer, patient, recorder};
use tokio::sync::Notify;

use crate::support::response_text::{error_body, get, post};

#[wire]
#[derive(Clone)]
struct User {
    name: String,
    admin: bool,
}

/// An agent that keeps the user as the state of the connection.
#[agent(connection = User, env = Recorder)]
#[derive(Default)]
struct Club;

#[agent]
impl Club {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) {
        cx.env().note("woke");
    }

    #[hook]
    fn authorize(&self, request: &ConnectRequest) -> Result<User, Refusal> {
        let user: User = request.identity()?;
        match user.name.as_str() {
            "banned" => Err(Refusal::forbidden("not in this club")),
            _ => Ok(user),
        }
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        let user: User = ConnectRequest::from(&request).identity()?;
        Ok(format!("{} in {}", user.name, cx.name()))
    }

    #[callable]
    fn who(&self, conn: &Connection<Self>) -> Result<User> {
        conn.state().map(Arc::unwrap_or_clone)
    }

    #[callable]
    fn where_am_i(&self, cx: &Context<Self>) -> String {
        cx.name().to_owned()
    }
}

#[agent]
#[derive(Default)]
struct OpenHall;

#[agent]
impl OpenHall {
    #[hook]
    fn on_request(&self, request: Request) -> Result<String> {
        Ok(format!("{:?}", ConnectRequest::from(&request).try_identity::<User>()?.map(|user| user.name)))
    }
}

/// Finds users by a query parameter. All clients may enter the hall.
async fn authorize(incoming: AdmissionRequest) -> Result<Admission, Refusal> {
    incoming.env::<Recorder>()?.note(json!([
        incoming.class(),
        incoming.name(),
        incoming.is_handshake(),
        incoming.request().method().as_str(),
        incoming.request().uri(),
    ]));
    if incoming.is_for::<OpenHall>() {
        return Ok(Admission::pass());
    }
    let name = match incoming.request().query("user").as_deref() {
        None => return Err(Refusal::unauthorized("who are you?")),
        Some("evil") => return Err(Refusal::forbidden("not you")),
        Some("lost") => return Err(Refusal::not_found("no such club")),
        Some("busy") => return Err(Refusal::too_many("come back later")),
        Some("odd") => return Err(Refusal::bad_request("what?")),
        Some("own") => return Err(Refusal::new(4999, "for reasons")),
        Some("broken") => Err(std::io::Error::other("secret of the disk"))?,
        Some("panic") => panic!("secret of the panic"),
        Some(name) => name.to_owned(),
    };
    let admin = name == "root";
    Ok(Admission::pass().identity(&User { name, admin })?)
}

fn agents(recorder: Recorder) -> Agents {
    Agents::new().register::<Club>().register::<OpenHall>().env(recorder).authorize(authorize)
}

/// The clients that are refused: query, close code, status, reason.
const REFUSED: [(&str, u16, u16, &str); 8] = [
    ("", 4401, 401, "who are you?"),
    ("?user=evil", 4403, 403, "not you"),
    ("?user=lost", 4404, 404, "no such club"),
    ("?user=busy", 4429, 429, "come back later"),
    ("?user=odd", 4400, 400, "what?"),
    ("?user=own", 4999, 403, "for reasons"),
    ("?user=broken", 4500, 500, "Internal error (id "),
    ("?user=panic", 4500, 500, "Internal error (id "),
];

#[tokio::test]
async fn s113_strangers_are_refused_before_an_agent_wakes() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(agents(recorder)).await;
    for (query, code, status, reason) in REFUSED {
        let path = format!("/agents/club/one{query}");
        let mut client = server.connect(&path).await;
        let Received::Close(got, text) = client.next().await else { panic!("no close: {query}") };
        assert_eq!(got, code, "{query}");
        assert!(text.starts_with(reason) && !text.contains("secret"), "{text}");
        assert_eq!(client.next().await, Received::Dropped);
        for (got, text) in [get(&server, &path).await, post(&server, &path, "x").await] {
            assert_eq!(got, status, "{query}");
            assert!(text.contains(&format!(r#","message":"{reason}"#)) && !text.contains("secret"), "{text}");
        }
        // The hook saw all three requests. The agent saw none.
        for (handshake, method) in [(true, "GET"), (false, "GET"), (false, "POST")] {
            assert_eq!(notes.next().await, json!(["club", "one", handshake, method, path]));
        }
    }
    assert_eq!(notes.so_far(), [] as [&str; 0]);
    assert!(server.host().status("club", "one").is_none());
    assert_eq!(server.host().metrics().refused, 24);
    // The hook is not called for addresses without an agent.
    assert_eq!(get(&server, "/agents/unknown/x").await.0, 400);
    assert_eq!(get(&server, "/elsewhere").await.0, 404);
    assert_eq!(notes.so_far(), [] as [&str; 0]);
}

#[tokio::test]
async fn s8_s22_the_identity_reaches_the_agent() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(agents(recorder)).await;
    let mut ada = server.join("/agents/club/one?user=ada", false).await;
    assert_eq!(ada.call("who", json!([])).await, json!({ "name": "ada", "admin": false }));
    let mut root = server.join("/agents/club/one?user=root", false).await;
    assert_eq!(root.call("who", json!([])).await, json!({ "name": "root", "admin": true }));
    assert_eq!(get(&server, "/agents/club/two?user=ada").await, (200, "ada in two".to_owned()));
    // The connect hook of the agent runs afterwards.
    let mut banned = server.connect("/agents/club/one?user=banned").await;
    assert_eq!(banned.next().await, Received::Close(4403, "not in this club".to_owned()));
    // Without an identity from the hook, the agent sees no identity.
    assert_eq!(get(&server, "/agents/open-hall/x?user=ada").await, (200, "None".to_owned()));
    assert!(!notes.so_far().is_empty());
}

#[tokio::test(start_paused = true)]
async fn s8_the_identity_survives_hibernation_as_state() {
    let (recorder, _notes) = recorder();
    let host = TestHost::start(move || agents(recorder.clone())).expect("the host");
    let mut ada = host.connect("/agents/club/one?user=ada").await;
    ada.greeting().await;
    host.agent::<Club>("one").hibernate().await.expect("it sleeps");
    assert!(!host.agent::<Club>("one").is_awake());
    let who: User = ada.call("who", ()).await;
    assert_eq!((who.name.as_str(), who.admin), ("ada", false));
}

#[tokio::test]
async fn an_agent_that_expects_an_identity_gets_one_or_refuses_all_clients() {
    let (recorder, _notes) = recorder();
    // A program without the hook must not let any client in.
    let server = TestServer::start(Agents::new().register::<Club>().env(recorder.clone())).await;
    let mut client = server.connect("/agents/club/one?user=ada").await;
    let Received::Close(4500, reason) = client.next().await else { panic!("no close with 4500") };
    assert!(reason.starts_with("Internal error (id "), "{reason}");
    assert_eq!(get(&server, "/agents/club/one?user=ada").await.0, 500);

    // The identity has another type. Afterwards, the hook runs in a host without its env.
    let other = async |_: AdmissionRequest| Ok(Admission::pass().identity("only a name")?);
    let server = TestServer::start(Agents::new().register::<Club>().env(recorder).authorize(other)).await;
    let mut client = server.connect("/agents/club/one").await;
    assert!(matches!(client.next().await, Received::Close(4500, _)));
    let server = TestServer::start(Agents::new().register::<OpenHall>().authorize(authorize)).await;
    let (status, body) = get(&server, "/agents/open-hall/x").await;
    assert_eq!(status, 500);
    assert!(body.starts_with(r#"{"code":"internal","message":"Internal error (id "#), "{body}");
}

#[tokio::test]
async fn the_hook_leads_to_an_agent_of_another_name() {
    let (recorder, _notes) = recorder();
    let hook = async |incoming: AdmissionRequest| -> Result<Admission, Refusal> {
        let user = User { name: "ada".to_owned(), admin: false };
        let admission = Admission::pass().identity(&user)?;
        Ok(match incoming.request().query("as") {
            Some(name) => admission.named(name),
            None => admission,
        })
    };
    let server = TestServer::start(Agents::new().register::<Club>().env(recorder).authorize(hook)).await;
    let long = "x".repeat(1025);
    for (asked, name) in [
        ("%61da", "ada"),
        ("Ada+L", "Ada%20L"),
        ("a%2Fb", "a%2Fb"),
        // The escaped percent sign makes this a different name than the one above.
        ("a%252Fb", "a%252Fb"),
        ("..%2F..%2Fx", "..%2F..%2Fx"),
        ("%00", "%00"),
    ] {
        let mut client = server.connect(&format!("/agents/club/me?as={asked}")).await;
        assert_eq!(client.json().await["name"], name);
        client.json().await;
        assert_eq!(client.call("whereAmI", json!([])).await, name);
        let direct = format!("/agents/club/{name}");
        let mut client = server.join(&direct, false).await;
        assert_eq!(client.call("whereAmI", json!([])).await, name, "the same agent by its address");
        let answer = get(&server, &format!("/agents/club/me?as={asked}")).await;
        assert_eq!(answer, (200, format!("ada in {name}")));
    }
    for (asked, reason) in [("", "Invalid name"), ("..", "Invalid name"), (&*long, "Name too long")] {
        let path = format!("/agents/club/me?as={asked}");
        let mut client = server.connect(&path).await;
        assert_eq!(client.next().await, Received::Close(4400, reason.to_owned()));
        assert_eq!(get(&server, &path).await, (400, error_body("invalid", reason)));
    }
    assert!(server.host().status("club", "me").is_none(), "the agent never existed");
}

#[tokio::test]
async fn handshakes_are_refused_with_a_status_on_request() {
    let (recorder, _notes) = recorder();
    let agents = agents(recorder).refuse_handshakes(true).origins(["https://app.example"]);
    let server = TestServer::start(agents).await;
    let refused = async |path: &str, headers: &[(&str, &str)]| {
        let error = Client::try_connect(server.addr(), path, headers).await.expect_err("it was refused");
        match *error {
            tokio_tungstenite::tungstenite::Error::Http(response) => {
                let body = response.body().clone().unwrap_or_default();
                (response.status().as_u16(), String::from_utf8(body).expect("text"))
            }
            other => panic!("{path}: {other}"),
        }
    };
    for (query, _, status, reason) in REFUSED {
        let (got, text) = refused(&format!("/agents/club/one{query}"), &[]).await;
        assert_eq!(got, status, "{query}");
        assert!(text.contains(&format!(r#","message":"{reason}"#)) && !text.contains("secret"), "{text}");
    }
    let foreign = [("origin", "https://evil.example")];
    let good = "/agents/club/one?user=ada";
    assert_eq!(refused(good, &foreign).await, (403, error_body("forbidden", "origin not allowed")));
    assert_eq!(
        refused("/agents/unknown/one", &[]).await,
        (404, error_body("not_found", "unknown agent class"))
    );
    assert_eq!(refused("/agents/club/..", &[]).await, (400, error_body("invalid", "Invalid name")));
    assert_eq!(server.host().metrics().refused, 11);
    // A refusal by the agent still comes after the handshake.
    let mut banned = server.connect("/agents/club/one?user=banned").await;
    assert_eq!(banned.next().await, Received::Close(4403, "not in this club".to_owned()));
    server.join(good, false).await;
}

#[tokio::test]
async fn s113_preflights_have_no_token_and_refusals_can_be_read() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(agents(recorder).cors(true)).await;
    let client = reqwest::Client::new();
    let request = client.request(reqwest::Method::OPTIONS, server.url("/agents/club/one"));
    let preflight = patient(request.send()).await.expect("an answer");
    assert_eq!(
        (preflight.status().as_u16(), &preflight.headers()["access-control-allow-origin"]),
        (200, &"*".parse().expect("a value"))
    );
    assert_eq!(notes.so_far(), [] as [&str; 0]);
    let refused = patient(client.get(server.url("/agents/club/one")).send()).await.expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    // Without CORS, an OPTIONS request is an ordinary request.
    let (recorder, _notes) = crate::access::admission::recorder();
    let server = TestServer::start(agents(recorder)).await;
    let request = client.request(reqwest::Method::OPTIONS, server.url("/agents/club/one"));
    assert_eq!(patient(request.send()).await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn a_slow_hook_holds_up_no_other_client() {
    let (started, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hook = {
        let (started, go) = (started.clone(), go.clone());
        move |incoming: AdmissionRequest| {
            let (started, go) = (started.clone(), go.clone());
            async move {
                if incoming.name() == "slow" {
                    started.notify_one();
                    go.notified().await;
                }
                Ok::<_, Refusal>(())
            }
        }
    };
    let server = TestServer::start(Agents::new().register::<OpenHall>().authorize(hook)).await;
    let slow = server.join("/agents/open-hall/slow", false);
    tokio::pin!(slow);
    tokio::select! {
        _ = &mut slow => panic!("the hook has not decided"),
        () = started.notified() => {}
    }
    server.join("/agents/open-hall/quick", false).await;
    assert_eq!(get(&server, "/agents/open-hall/quick").await.0, 200);
    go.notify_one();
    slow.await;

    // A client that is admitted after the host has stopped is refused with a status.
    let late = Client::try_connect(server.addr(), "/agents/open-hall/slow", &[]);
    tokio::pin!(late);
    tokio::select! {
        _ = &mut late => panic!("the hook has not decided"),
        () = started.notified() => {}
    }
    patient(server.host().shutdown()).await;
    go.notify_one();
    match *late.await.expect_err("it was refused") {
        tokio_tungstenite::tungstenite::Error::Http(response) => assert_eq!(response.status(), 503),
        other => panic!("{other}"),
    }
}

/// Sends a request in the form of HTTP/2: the host is in the URI.
#[tokio::test(start_paused = true)]
async fn s113_the_host_in_the_uri_counts_as_well() {
    let host = TestHost::start(|| {
        Agents::new().register::<OpenHall>().origins(["https://app.example"]).authorize(
            async |incoming: AdmissionRequest| match incoming.request().is_same_site() {
                true => Ok(()),
                false => Err(Refusal::forbidden("a foreign page")),
            },
        )
    })
    .expect("the host");
    for (origin, status) in [("https://127.0.0.1", 200), ("https://evil.example", 403)] {
        let request = agents::http::Request::get("https://127.0.0.1/agents/open-hall/x");
        let request = request.header("origin", origin).body(Default::default()).expect("a request");
        assert_eq!(host.request(request).await.status(), status, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_without_end_refuses_after_ten_seconds() {
    let host = TestHost::start(|| {
        Agents::new()
            .register::<OpenHall>()
            .authorize(async |_: AdmissionRequest| -> Result<(), Refusal> { std::future::pending().await })
    })
    .expect("the host");
    let before = tokio::time::Instant::now();
    let mut client = host.connect("/agents/open-hall/x").await;
    let reason = "the program did not decide in time".to_owned();
    assert_eq!(client.next().await, Received::Close(4503, reason));
    assert!(before.elapsed() >= Duration::from_secs(10));
    let request = agents::http::Request::get("/agents/open-hall/x").body(Default::default());
    assert_eq!(host.request(request.expect("a request")).await.status(), 503);
    assert_eq!(host.host().metrics().limits[agents::limits::Limit::HandshakeTimeout], 2);
}

/// A list of guests, which decides about the rooms.
#[agent]
#[derive(Default)]
struct GuestList;

#[agent]
impl GuestList {
    #[callable(internal)]
    fn admits(&self, cx: &Context<Self>, guest: String) -> Result<bool> {
        match cx.called_by() {
            Some(agents::class::CallOrigin::Host) => Ok(guest == "ada"),
            other => Err(Error::msg(format!("called by {other:?}"))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_decides_about_the_admission_to_another_one() {
    let (recorder, _notes) = recorder();
    let host = TestHost::start(move || {
        Agents::new().register::<GuestList>().register::<Club>().env(recorder.clone()).authorize(
            async |incoming: AdmissionRequest| {
                let name = incoming.request().query("name").unwrap_or_default().into_owned();
                if !incoming.agent::<GuestList>("main").admits(name.clone()).await? {
                    return Err(Refusal::forbidden("not on the list"));
                }
                Ok(Admission::pass().identity(&User { name, admin: false })?)
            },
        )
    })
    .unwrap();
    let club = host.agent::<Club>("rust");
    let mut eve = club.connect("name=eve").await;
    assert_eq!(eve.end().await, Received::Close(4403, "not on the list".to_owned()));
    assert!(club.status().is_none(), "the club was not asked");
    let mut ada = club.connect("name=ada").await;
    assert_eq!(ada.call::<String>("whereAmI", ()).await, "rust");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_test_sends_headers() {
    let host = TestHost::start(|| {
        Agents::new().register::<OpenHall>().authorize(async |incoming: AdmissionRequest| {
            match incoming.request().cookie("session") {
                Some("ada") => Ok(()),
                _ => Err(Refusal::unauthorized("no cookie")),
            }
        })
    })
    .unwrap();
    let mut without = host.connect("/agents/open-hall/main").await;
    assert_eq!(without.end().await, Received::Close(4401, "no cookie".to_owned()));
    let mut with = host.connect_with("/agents/open-hall/main", &[("cookie", "session=ada")]).await;
    assert_eq!(with.greeting().await, None);
}
