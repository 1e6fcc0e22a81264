//! Paths without a name: the host finds the agent, for example by a session.

use agents::axum::{Router, routing::get as route};
use agents::prelude::*;
use agents_tests::{Client, Received, TestServer, patient};

use crate::support::captured_log;
use crate::support::response_text::{error_body, get};

#[agent]
#[derive(Default)]
struct Account;

#[agent]
impl Account {
    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> String {
        format!("{} {}", cx.name(), request.uri())
    }

    #[callable]
    fn where_am_i(&self, cx: &Context<Self>) -> String {
        cx.name().to_owned()
    }
}

#[agent]
#[derive(Default)]
struct Preferences;

#[agent]
impl Preferences {
    #[callable]
    fn where_am_i(&self, cx: &Context<Self>) -> String {
        cx.name().to_owned()
    }
}

/// Returns the user of a session.
async fn session(request: ConnectRequest) -> Result<String, Refusal> {
    match request.cookie("session") {
        Some("1") => Ok("ada".to_owned()),
        Some("2") => Ok("Bob L".to_owned()),
        Some("panic") => panic!("secret of the panic"),
        _ => Err(Refusal::unauthorized("log in first")),
    }
}

fn agents() -> Agents {
    Agents::new()
        .register::<Account>()
        .register::<Preferences>()
        .route_to::<Account>("/user", session)
        .route_to::<Preferences>("/user/settings", async |request: ConnectRequest| session(request).await)
}

async fn ask(server: &TestServer, path: &str, session: &str) -> (u16, String) {
    let request = reqwest::Client::new().get(server.url(path)).header("cookie", format!("session={session}"));
    let response = patient(request.send()).await.expect("an answer");
    (response.status().as_u16(), patient(response.text()).await.expect("a body"))
}

#[tokio::test]
async fn s1_a_path_of_its_own_leads_to_the_agent_of_a_session() {
    let server = TestServer::start(agents()).await;
    for path in ["/user", "/user/", "/user/more?_pk=me"] {
        for (session, name) in [("1", "ada"), ("2", "Bob%20L")] {
            let cookie = format!("session={session}");
            let mut client = Client::connect(server.addr(), path, &[("cookie", &cookie)]).await;
            let identity = client.json().await;
            assert_eq!((&identity["name"], &identity["agent"]), (&json!(name), &json!("account")));
            client.json().await;
            assert_eq!(client.call("whereAmI", json!([])).await, name);
            assert_eq!(ask(&server, path, session).await, (200, format!("{name} {path}")));
        }
        let mut stranger = server.connect(path).await;
        assert_eq!(stranger.next().await, Received::Close(4401, "log in first".to_owned()));
        assert_eq!(get(&server, path).await, (401, error_body("unauthorized", "log in first")));
        let (status, body) = ask(&server, path, "panic").await;
        assert_eq!(status, 500);
        assert!(body.starts_with(r#"{"code":"internal","message":"Internal error (id "#), "{body}");
    }
    // The longer path leads to another agent, and the address with a name still works.
    let mut client = Client::connect(server.addr(), "/user/settings", &[("cookie", "session=1")]).await;
    assert_eq!(client.json().await["agent"], "preferences");
    server.join("/agents/account/ada", false).await;
    for path in ["/users", "/", "/other/user"] {
        assert_eq!(ask(&server, path, "1").await, (404, "Not found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn s1_the_hook_is_asked_about_the_name_that_was_found() {
    let hook = async |incoming: AdmissionRequest| -> Result<Admission, Refusal> {
        match (incoming.is_for::<Account>(), incoming.name()) {
            (true, "ada") => Ok(Admission::pass()),
            (true, "Bob%20L") => Ok(Admission::pass().named("guest")),
            _ => Err(Refusal::forbidden("not here")),
        }
    };
    let server = TestServer::start(agents().authorize(hook)).await;
    assert_eq!(ask(&server, "/user", "1").await, (200, "ada /user".to_owned()));
    assert_eq!(ask(&server, "/user", "2").await, (200, "guest /user".to_owned()));
    assert_eq!(ask(&server, "/user/settings", "1").await, (403, error_body("forbidden", "not here")));
    assert_eq!(
        get(&server, "/user").await,
        (401, error_body("unauthorized", "log in first")),
        "the path is first"
    );
}

#[tokio::test]
async fn s1_the_way_by_name_can_be_closed() {
    let hook = async |incoming: AdmissionRequest| match incoming.named_by_client() {
        true => Err(Refusal::not_found("no such agent")),
        false => Ok(()),
    };
    let server = TestServer::start(agents().authorize(hook)).await;
    assert_eq!(ask(&server, "/user", "1").await, (200, "ada /user".to_owned()));
    for path in
        ["/agents/account/ada", "//agents//account/ada/", "/agents/account/ada/user", "/agents/account/%61da"]
    {
        assert_eq!(ask(&server, path, "1").await, (404, error_body("not_found", "no such agent")), "{path}");
        let mut client = Client::connect(server.addr(), path, &[("cookie", "session=1")]).await;
        assert_eq!(client.next().await, Received::Close(4404, "no such agent".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_unguarded_way_by_name_is_reported_at_the_start() {
    captured_log::keep();
    let start = async |agents: Agents| drop(TestServer::start(agents).await);
    start(
        agents().route_to::<Account>("/guarded-way", session).authorize(async |_: AdmissionRequest| Ok(())),
    )
    .await;
    assert_eq!(captured_log::lines_with("guarded-way"), Vec::<String>::new());
    start(agents().route_to::<Account>("/open-way", session)).await;
    assert_eq!(captured_log::lines_with("open-way").len(), 1);
}

#[tokio::test]
async fn s1_a_mounted_router_has_the_paths_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = agents().data_dir(folder.path()).start().expect("the host");
    let app = Router::new().route("/hello", route(|| async { "hello" })).merge(host.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { agents::axum::serve(listener, app).await.expect("serving") });
    for path in ["/user", "/user/", "/user/more/of/it"] {
        let mut client = Client::connect(addr, path, &[("cookie", "session=1")]).await;
        client.greeting(false).await;
        assert_eq!(client.call("whereAmI", json!([])).await, "ada", "{path}");
    }
    let mut client = Client::connect(addr, "/user/settings", &[("cookie", "session=1")]).await;
    assert_eq!(client.json().await["agent"], "preferences");
    let hello = patient(reqwest::get(format!("http://{addr}/hello"))).await.expect("an answer");
    assert_eq!(patient(hello.text()).await.expect("a body"), "hello");
}

#[tokio::test]
async fn s1_agents_go_before_routes_of_the_program() {
    let routes =
        Router::new().route("/user", route(|| async { "a page" })).route("/", route(|| async { "home" }));
    let server = TestServer::start(agents().routes(routes)).await;
    assert_eq!(ask(&server, "/user", "1").await, (200, "ada /user".to_owned()));
    assert_eq!(get(&server, "/").await, (200, "home".to_owned()));
}

#[tokio::test]
async fn a_path_that_cannot_be_served_is_told_at_the_start() {
    #[agent]
    #[derive(Default)]
    struct Unknown;
    #[agent]
    impl Unknown {}

    let folder = tempfile::tempdir().expect("a folder");
    let fails = |agents: Agents, word: &str| {
        let error = agents.data_dir(folder.path()).start().expect_err("it does not start");
        assert_eq!(error.code(), "route");
        assert!(error.to_string().contains(word), "{error}");
    };
    fails(agents().route_to::<Account>("/user/", session), "twice");
    fails(agents().route_to::<Account>("/agents/mine", session), "is reserved for agents");
    fails(agents().route_to::<Account>("user", session), "is not a path");
    fails(agents().route_to::<Account>("/{user}", session), "is not a path");
    fails(agents().route_to::<Account>("/", session), "every request");
    fails(agents().route_to::<Unknown>("/unknown", session), "`unknown`, which is not registered");
    fails(agents().route_to_object("/box", "box", session), "`box`");
}
