//! What routes of the program find in a request: the host, the client, and values of middleware.

use agents::auth::{Admission, AdmissionRequest};
use agents::axum::extract::Query;
use agents::axum::{Extension, Router, routing::get as route};
use agents::prelude::*;
use agents::{Host, axum};
use agents_tests::{Client, TestServer, patient};
use tokio::net::TcpListener;

use crate::support::response_text::get;

#[agent]
#[derive(Default)]
struct Greeter;

#[agent]
impl Greeter {
    #[callable]
    fn greet(&self, cx: &View<Self>, name: String) -> String {
        format!("{name}, this is {}", cx.name())
    }

    #[hook]
    fn on_request(&self, request: ConnectRequest) -> Result<String> {
        request.identity()
    }
}

#[wire]
struct Name {
    name: String,
}

async fn greet(host: Host, Query(Name { name }): Query<Name>) -> Result<String> {
    host.get::<Greeter>("door").greet(name).await
}

async fn sender(request: ConnectRequest) -> String {
    let ip = request.client_ip().map(|ip| ip.to_string()).unwrap_or_default();
    format!("{ip} {}", request.is_same_site())
}

#[tokio::test]
async fn a_route_finds_the_host_and_the_facts_about_the_sender() {
    let routes = Router::new().route("/greet", route(greet)).route("/sender", route(sender));
    let agents = Agents::new()
        .register::<Greeter>()
        .routes(routes)
        .trusted_proxies(["127.0.0.1"])
        .origins(["https://app.example"]);
    let server = TestServer::start(agents).await;
    assert_eq!(get(&server, "/greet?name=Ada").await, (200, "Ada, this is door".to_owned()));
    for (origin, same) in [("https://app.example", true), ("https://evil.example", false)] {
        let request = reqwest::Client::new()
            .get(server.url("/sender"))
            .header("x-forwarded-for", "192.0.2.7")
            .header("origin", origin);
        let answer = patient(request.send()).await.expect("an answer");
        assert_eq!(patient(answer.text()).await.expect("a body"), format!("192.0.2.7 {same}"));
    }
}

#[derive(Clone)]
struct Tenant(&'static str);

#[tokio::test]
async fn the_hook_of_the_host_sees_what_middleware_has_put_into_a_request() {
    async fn authorize(incoming: AdmissionRequest) -> Result<Admission, Refusal> {
        let tenant =
            incoming.request().extension::<Tenant>().ok_or_else(|| Refusal::forbidden("no tenant"))?;
        let Query(Name { name }) = incoming.request().extract().await?;
        Ok(Admission::pass().identity(&format!("{name} of {}", tenant.0))?)
    }
    let folder = tempfile::tempdir().expect("a folder");
    let agents = Agents::new().register::<Greeter>().authorize(authorize).data_dir(folder.path());
    let host = agents.start().expect("the host");
    let app = Router::new()
        .route("/greet", route(greet))
        .merge(host.router())
        .layer(Extension(Tenant("acme")))
        .layer(Extension(host));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serving") });
    let text = async |path: &str| {
        let answer = patient(reqwest::get(format!("http://{addr}{path}"))).await.expect("an answer");
        (answer.status().as_u16(), patient(answer.text()).await.expect("a body"))
    };
    assert_eq!(text("/greet?name=Ada").await, (200, "Ada, this is door".to_owned()));
    assert_eq!(text("/agents/greeter/a?name=Ada").await, (200, "Ada of acme".to_owned()));
    let (status, body) = text("/agents/greeter/a").await;
    assert_eq!(status, 400);
    assert!(body.starts_with(r#"{"code":"invalid","message":"Failed to deserialize query string"#), "{body}");
    Client::connect(addr, "/agents/greeter/a?name=Ada", &[]).await.greeting(false).await;
}
