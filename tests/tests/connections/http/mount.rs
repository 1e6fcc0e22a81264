//! A host inside a program that has its own routes.

use std::net::SocketAddr;

use agents::axum::routing::get;
use agents::axum::{self, Router};
use agents::prelude::*;
use agents_tests::{Client, Received};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::captured_log;

#[agent]
#[derive(Default)]
struct Greeter;

#[agent]
impl Greeter {
    #[callable]
    fn greet(&self, cx: &View<Self>, name: String) -> String {
        format!("{name}, this is {}", cx.name())
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serving") });
    addr
}

async fn get_text(addr: SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{addr}{path}")).await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

async fn greets(addr: SocketAddr) {
    let mut client = Client::connect(addr, "/agents/greeter/door", &[]).await;
    client.greeting(false).await;
    assert_eq!(client.call("greet", json!(["Ada"])).await, "Ada, this is door");
}

#[tokio::test]
async fn a_router_is_merged_into_an_app_and_stops_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let host =
        Agents::new().register::<Greeter>().hints(false).data_dir(folder.path()).start().expect("the host");
    let app = Router::new().route("/hello", get(|| async { "hello" })).merge(host.router());
    let addr = serve(app).await;
    greets(addr).await;
    assert_eq!(get_text(addr, "/hello").await, (200, "hello".to_owned()));
    assert_eq!(get_text(addr, "/agents/greeter/door").await, (404, "Not implemented".to_owned()));

    let mut client = Client::connect(addr, "/agents/greeter/door", &[]).await;
    client.greeting(false).await;
    let (end, ()) = tokio::join!(client.end(), host.shutdown());
    assert_eq!(end, Received::Close(1001, "server shutting down".to_owned()));
    assert_eq!(get_text(addr, "/hello").await.0, 200, "the app still answers");
    assert_eq!(get_text(addr, "/agents/greeter/door").await.0, 503);
}

#[tokio::test]
async fn a_service_answers_what_the_app_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let host =
        Agents::new().register::<Greeter>().hints(false).data_dir(folder.path()).start().expect("the host");
    let app = Router::new().route("/hello", get(|| async { "hello" })).fallback_service(host.service());
    let addr = serve(app).await;
    greets(addr).await;
    assert_eq!(get_text(addr, "/hello").await, (200, "hello".to_owned()));
    assert_eq!(get_text(addr, "/nowhere").await, (404, "Not found".to_owned()));
    assert_eq!(get_text(addr, "/agents/unknown/x").await, (400, "Invalid request".to_owned()));
}

#[agent]
#[derive(Default)]
struct Lingering;

#[agent]
impl Lingering {
    #[hook]
    async fn on_hibernate(&self) {
        std::future::pending::<()>().await;
    }

    #[callable]
    async fn wait(&self) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn a_goodbye_or_a_call_without_end_does_not_keep_the_host() {
    for call in [false, true] {
        let mut limits = agents::limits::Limits::default();
        limits.shutdown_grace = std::time::Duration::from_millis(50);
        let agents = Agents::new().register::<Lingering>().limits(limits);
        let server = agents_tests::TestServer::start(agents).await;
        let mut client = server.join("/agents/lingering/a", false).await;
        if call {
            client.start_call("wait", json!([])).await;
        }
        client.drain().await;
        let (end, ()) = tokio::join!(client.end(), server.shutdown());
        assert_eq!(end, Received::Close(1001, "server shutting down".to_owned()));
    }
}

#[tokio::test]
async fn a_host_says_why_it_does_not_start() {
    struct Config;
    #[agent(env = Config)]
    #[derive(Default)]
    struct NeedsConfig;
    #[agent]
    impl NeedsConfig {}

    let folder = tempfile::tempdir().expect("a folder");
    let host = |agents: Agents| agents.data_dir(folder.path()).start();
    let error = host(Agents::new().register::<NeedsConfig>()).expect_err("no env");
    assert_eq!(error.code(), "no_env");
    let error = host(Agents::new().register::<Greeter>().register::<Greeter>()).expect_err("one name");
    assert_eq!(error.code(), "class_name");
    let first = host(Agents::new().register::<NeedsConfig>().env(Config)).expect("it starts");
    let error = host(Agents::new().register::<Greeter>()).expect_err("one folder, two hosts");
    assert_eq!(error.code(), "storage_locked");
    drop(first);
}

#[tokio::test]
async fn limits_of_addresses_that_cannot_hold_are_told_once() {
    captured_log::keep();
    let logged = || captured_log::errors_with("the limits per address have no effect").len();
    let host = |agents: Agents| {
        let folder = tempfile::tempdir().expect("a folder");
        let host = agents.register::<Greeter>().data_dir(folder.path()).start().expect("the host");
        (folder, host)
    };
    // The first host has no limits for addresses, and the second server passes the addresses of its clients.
    let (_open, unlimited) = host(Agents::new());
    greets(serve(Router::new().merge(unlimited.router())).await).await;
    let (_known, limited) = host(Agents::new().limits(agents::limits::Limits::internet_facing()));
    let app = limited.router().into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serving") });
    greets(addr).await;
    assert_eq!(logged(), 0);
    let (_unknown, limited) = host(Agents::new().limits(agents::limits::Limits::internet_facing()));
    let addr = serve(Router::new().merge(limited.router())).await;
    for _ in 0..3 {
        greets(addr).await;
        assert_eq!(get_text(addr, "/agents/greeter/door").await.0, 404);
    }
    assert_eq!(logged(), 1);
}
