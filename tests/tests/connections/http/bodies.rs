//! Bodies of requests and responses, which are streamed in both directions.

use std::convert::Infallible;
use std::time::Duration;

use agents::axum::body::{Body, HttpBody};
use agents::axum::extract::Query;
use agents::axum::response::IntoResponse;
use agents::axum::{Form, Json, RequestExt};
use agents::bytes::Bytes;
use agents::http;
use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::TestHost;
use agents_tests::{Recorder, TestServer, patient, recorder};
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::captured_log;
use crate::support::response_text;

const MIB: usize = 1 << 20;

#[wire]
struct Item {
    name: String,
    count: u32,
}

#[agent(env = Recorder)]
#[derive(Default)]
struct Depot;

#[agent]
impl Depot {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let path = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        Ok(match path.as_str() {
            "echo" => Response::new(request.into_body().into()),
            "ignore" => "ignored".into_response(),
            "json" => {
                let Json(item) = request.map(Body::from).extract::<Json<Item>, _>().await?;
                format!("{} {}", item.name, item.count).into_response()
            }
            "plain-json" => {
                let item: Item = request.into_body().json().await?;
                format!("{} {}", item.name, item.count).into_response()
            }
            "lent" => {
                let (kind, length) =
                    (kind_of(&request).await.to_owned(), HttpBody::size_hint(request.body()).exact());
                let bytes = request.into_body().bytes(100_000).await?;
                format!("{kind} {length:?} {}", bytes.len()).into_response()
            }
            "form" => {
                let Form(item) = request.map(Body::from).extract::<Form<Item>, _>().await?;
                item.name.into_response()
            }
            "query" => {
                let Query(item) = request.map(Body::from).extract::<Query<Item>, _>().await?;
                if item.count == 0 {
                    Err(Error::internal("a secret"))?;
                }
                item.name.into_response()
            }
            "empty" => http::StatusCode::NO_CONTENT.into_response(),
            _ => {
                let mut body = request.into_body();
                let (mut bytes, mut first) = (0, true);
                while let Some(piece) = body.chunk().await.transpose() {
                    let piece = piece.inspect_err(|error| cx.env().note(error.to_string()))?;
                    bytes += piece.len();
                    if std::mem::take(&mut first) {
                        cx.env().note("first");
                    }
                    if path == "slow" {
                        tokio::time::sleep(Duration::from_secs(40)).await;
                    }
                }
                bytes.to_string().into_response()
            }
        })
    }
}

/// Returns the content type of a request that its handler still uses.
async fn kind_of(request: &Request) -> &str {
    tokio::task::yield_now().await;
    request.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("unknown")
}

fn depot(recorder: Recorder, body_bytes: usize) -> Agents {
    let mut limits = Limits::default();
    limits.body_bytes = body_bytes;
    Agents::new().register::<Depot>().env(recorder).limits(limits)
}

fn start(recorder: Recorder, body_bytes: usize) -> TestHost {
    TestHost::start(move || depot(recorder.clone(), body_bytes)).expect("a host")
}

fn pieces(count: usize, len: usize) -> Body {
    let piece = Bytes::from(vec![b'x'; len]);
    Body::from_stream(stream::iter((0..count).map(move |_| Ok::<_, Infallible>(piece.clone()))))
}

fn post(path: &str, body: Body) -> http::Request<Body> {
    http::Request::post(format!("/agents/depot/one/{path}")).body(body).expect("a request")
}

async fn text(response: Response) -> String {
    let bytes = agents::axum::body::to_bytes(response.into_body(), MIB).await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn s5_a_large_body_passes_through_a_small_window() {
    let host = start(recorder().0, 300 * MIB);
    let response = host.request(post("echo", pieces(200, MIB))).await;
    let mut body = response.into_body().into_data_stream();
    let (mut bytes, mut most) = (0, 0);
    while let Some(piece) = body.next().await {
        bytes += piece.expect("a piece").len();
        most = most.max(host.host().metrics().incoming_bytes);
    }
    assert_eq!(bytes, 200 * MIB);
    // The window of the request and the piece that waits for room in it, and the window of the response, whose
    // pieces count until they have left.
    assert!(most <= (256 + 64 + 256) * 1024, "{most}");
    assert!(most > 0, "nothing was counted");
    drop(body);
    host.agent::<Depot>("one").hibernate().await.expect("asleep");
    assert_eq!(host.host().metrics().incoming_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn s5_a_handler_that_is_slow_is_not_the_fault_of_its_client() {
    let host = start(recorder().0, 300 * MIB);
    let response = host.request(post("slow", pieces(30, 30_000))).await;
    assert_eq!((response.status().as_u16(), text(response).await), (200, "900000".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn s5_a_body_that_stops_behind_its_start_is_408_and_an_error_where_it_is_read() {
    let (recorder, mut notes) = recorder();
    let host = start(recorder, 300 * MIB);
    let start = Bytes::from(vec![0; 100_000]);
    let body = stream::iter([Ok::<_, Infallible>(start)]).chain(stream::pending());
    let response = host.request(post("count", Body::from_stream(body))).await;
    assert_eq!(response.status(), 408);
    assert_eq!(notes.next().await, "first");
    assert_eq!(notes.next().await, "The body took too long");
}

#[tokio::test(start_paused = true)]
async fn s5_a_body_that_grows_too_large_is_413_and_an_error_where_it_is_read() {
    let (recorder, mut notes) = recorder();
    let host = start(recorder, MIB);
    assert_eq!(host.request(post("count", pieces(16, MIB / 16))).await.status(), 200);
    assert_eq!(host.request(post("count", pieces(17, MIB / 16))).await.status(), 413);
    assert_eq!(notes.next().await, "first");
    assert_eq!(notes.next().await, "first");
    assert_eq!(notes.next().await, "the body has more than 1048576 bytes");
}

#[tokio::test]
async fn s5_a_client_that_breaks_off_is_an_error_where_its_body_is_read() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(depot(recorder, 300 * MIB)).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.expect("a connection");
    let head = "POST /agents/depot/one/count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![b'x'; 200_000]).await.expect("sent");
    assert_eq!(notes.next().await, "first");
    captured_log::keep();
    drop(stream);
    assert_eq!(notes.next().await, "the body broke off");
    // The handler that read the body has ended when the next request is answered. A client that breaks off
    // does not fill the log.
    let (status, _) = response_text::post(&server, "/agents/depot/one/count", "x").await;
    assert_eq!(status, 200);
    assert_eq!(captured_log::errors_with("the body broke off"), Vec::<String>::new());
}

#[tokio::test]
async fn s5_an_unread_body_holds_nothing_up() {
    let server = TestServer::start(depot(recorder().0, 300 * MIB)).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.expect("a connection");
    let head = "POST /agents/depot/one/ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![b'x'; 100_000]).await.expect("sent");
    let mut answer = vec![0; 12];
    patient(stream.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn s5_a_client_that_asks_first_is_told_to_continue() {
    let server = TestServer::start(depot(recorder().0, 300 * MIB)).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.expect("a connection");
    let head = "POST /agents/depot/one/count HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\
                Expect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 25];
    patient(stream.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.expect("sent");
    let mut rest = String::new();
    patient(stream.read_to_string(&mut rest)).await.expect("an answer");
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with("\r\n\r\n3"), "{rest}");
    assert!(rest.contains("content-length: 1\r\n"), "{rest}");
}

#[tokio::test]
async fn s5_a_crash_in_the_middle_of_a_body_ends_the_request() {
    let (recorder, mut notes) = recorder();
    let host = start(recorder, 300 * MIB);
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![0; 100_000]))]).chain(stream::pending());
    let crash = async {
        assert_eq!(notes.next().await, "first");
        host.agent::<Depot>("one").crash().await;
    };
    let (response, ()) = tokio::join!(host.request(post("count", Body::from_stream(body))), crash);
    assert_eq!(response.status(), 500);
    assert_eq!(text(host.request(post("count", pieces(2, 100_000))).await).await, "200000");
}

#[tokio::test]
async fn x21_extractors_and_their_rejections_work_beside_other_errors() {
    let host = start(recorder().0, 300 * MIB);
    let json = |body: &'static str| {
        let mut request = post("json", body.into());
        request.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
        request
    };
    assert_eq!(text(host.request(json(r#"{"name":"a","count":2}"#)).await).await, "a 2");
    assert_eq!(host.request(json(r#"{"name":"a"}"#)).await.status(), 422);
    assert_eq!(host.request(json("{")).await.status(), 400);
    assert_eq!(host.request(post("json", "{}".into())).await.status(), 415);
    let mut form = post("form", "name=b&count=1".into());
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().expect("a value"));
    assert_eq!(text(host.request(form).await).await, "b");
    assert_eq!(text(host.request(post("query?name=c&count=1", Body::empty())).await).await, "c");
    assert_eq!(host.request(post("query?name=c", Body::empty())).await.status(), 400);
    let response = host.request(post("query?name=c&count=0", Body::empty())).await;
    assert_eq!(response.status(), 500);
    let shown = text(response).await;
    assert!(
        shown.starts_with(r#"{"code":"internal","message":"Internal error (id "#)
            && !shown.contains("secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_request_is_lent_over_an_await() {
    let host = start(recorder().0, MIB);
    let request = |body: Body| {
        let mut request = post("lent", body);
        request.headers_mut().insert("content-type", "text/plain".parse().expect("a value"));
        request
    };
    assert_eq!(text(host.request(request("abc".into())).await).await, "text/plain Some(3) 3");
    assert_eq!(text(host.request(request(Body::empty())).await).await, "text/plain Some(0) 0");
    // A body without a length is read up to the limit of its reader, and then refused.
    assert_eq!(text(host.request(request(pieces(2, 50_000))).await).await, "text/plain None 100000");
    assert_eq!(host.request(request(pieces(3, 50_000))).await.status(), 413);
    assert_eq!(host.request(request(pieces(3, MIB))).await.status(), 413);
}

#[tokio::test]
async fn a_body_is_read_as_json() {
    let host = start(recorder().0, 300 * MIB);
    let asked = async |body: Body| {
        let response = host.request(post("plain-json", body)).await;
        (response.status().as_u16(), text(response).await)
    };
    assert_eq!(asked(r#"{"name":"a","count":2}"#.into()).await, (200, "a 2".to_owned()));
    let long = "x".repeat(100_000);
    let whole = format!(r#"{{"name":"{long}","count":2}}"#);
    assert_eq!(asked(whole.into()).await, (200, format!("{long} 2")));
    let (status, said) = asked(r#"{"name":"a"}"#.into()).await;
    assert_eq!(status, 422);
    assert!(
        said.contains(r#""message":"the body is not of the expected form: missing field `count`"#),
        "{said}"
    );
    assert_eq!(asked("{".into()).await.0, 400);
    assert_eq!(
        asked(pieces(3, MIB)).await,
        (413, response_text::error_body("too_large", "the body has more than 2097152 bytes"))
    );
}

#[tokio::test]
async fn s5_a_response_without_a_body_says_no_length() {
    let host = start(recorder().0, 300 * MIB);
    let response = host.request(post("empty", Body::empty())).await;
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-length"));
    assert_ne!(response.body().size_hint().exact(), Some(1));
}
