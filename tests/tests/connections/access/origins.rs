//! Pages of other origins: the pages that may connect, and the pages that may read the answer.

use agents::prelude::*;
use agents_tests::{Client, Received, TestServer, patient};
use reqwest::{Method, Response};

#[agent]
#[derive(Default)]
struct Porch;

#[agent]
impl Porch {
    #[hook]
    fn on_request(&self, request: Request) -> String {
        format!("same site: {}", ConnectRequest::from(&request).is_same_site())
    }
}

async fn ask(server: &TestServer, method: Method, origin: Option<&str>) -> Response {
    let mut request = reqwest::Client::new().request(method, server.url("/agents/porch/a"));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request = request.header("access-control-request-headers", "authorization,x-own");
    patient(request.send()).await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("text"))
}

const CORS: [&str; 4] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
];

#[tokio::test]
async fn s113_pages_of_foreign_origins_are_kept_out() {
    let agents = Agents::new().register::<Porch>().cors(true).origins(["https://App.example/"]);
    let server = TestServer::start(agents).await;
    let own = server.url("");
    for origin in ["https://app.example", &own] {
        let mut client = Client::connect(server.addr(), "/agents/porch/a", &[("origin", origin)]).await;
        client.greeting(false).await;
    }
    // This host name leads to the server and is not in the list.
    for (name, value) in [("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")] {
        let request = reqwest::Client::new().get(server.url("/agents/porch/a"));
        let request = request.header("host", "evil.example").header(name, value);
        assert_eq!(patient(request.send()).await.expect("an answer").status(), 403, "{name}");
    }
    let foreign = [("origin", "https://evil.example")];
    let mut page = Client::connect(server.addr(), "/agents/porch/a", &foreign).await;
    assert_eq!(page.next().await, Received::Close(4403, "origin not allowed".to_owned()));

    // An allowed page reads the answer, and may send cookies and the headers that it requests.
    for method in [Method::GET, Method::OPTIONS] {
        let allowed = ask(&server, method.clone(), Some("https://app.example")).await;
        assert_eq!(allowed.status(), 200);
        let seen = CORS.map(|name| header(&allowed, name).unwrap_or_default());
        let expected = [
            "https://app.example",
            "GET, POST, HEAD, OPTIONS, PUT, PATCH, DELETE",
            "authorization,x-own",
            "86400",
        ];
        assert_eq!(seen, expected, "{method}");
        assert_eq!(header(&allowed, "access-control-allow-credentials"), Some("true"));
        assert_eq!(header(&allowed, "vary"), Some("origin"));
        if method == Method::GET {
            assert_eq!(patient(allowed.text()).await.expect("a body"), "same site: true");
        }
    }
    // A page of our own, and a client that is not a page, need no CORS headers. A cache must still know that
    // the answer varies.
    for origin in [None, Some(&*own)] {
        let answer = ask(&server, Method::GET, origin).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "vary")), (200, Some("origin")));
        assert!(CORS.iter().all(|name| header(&answer, name).is_none()), "{origin:?}");
    }
    for (method, origin) in [(Method::GET, "https://evil.example"), (Method::OPTIONS, "null")] {
        let refused = ask(&server, method, Some(origin)).await;
        assert_eq!(refused.status(), 403);
        assert!(CORS.iter().all(|name| header(&refused, name).is_none()), "{origin}");
    }
    let refused = server.host().metrics().refused;
    assert_eq!(refused, 5, "one connection, four requests");
}

#[tokio::test]
async fn s113_without_a_list_any_page_reads_but_none_is_trusted() {
    let server = TestServer::start(Agents::new().register::<Porch>().cors(true)).await;
    for origin in [None, Some("https://evil.example")] {
        let answer = ask(&server, Method::GET, origin).await;
        let seen = CORS.map(|name| header(&answer, name).unwrap_or_default());
        // A star would not cover `Authorization`.
        let expected = ["*", "GET, POST, HEAD, OPTIONS, PUT, PATCH, DELETE", "authorization,x-own", "86400"];
        assert_eq!(seen, expected);
        assert_eq!(header(&answer, "vary"), Some("access-control-request-headers"));
        assert_eq!(header(&answer, "access-control-allow-credentials"), None);
        let body = patient(answer.text()).await.expect("a body");
        assert_eq!(body, format!("same site: {}", origin.is_none()));
    }
}

#[tokio::test]
async fn s113_what_is_no_origin_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    for origin in ["app.example", "*", "https://app.example/page"] {
        let agents = Agents::new().register::<Porch>().origins([origin]).data_dir(folder.path());
        let error = agents.start().expect_err("no origin");
        assert_eq!(error.code(), "origin");
        assert!(error.to_string().contains(origin), "{error}");
    }
}
