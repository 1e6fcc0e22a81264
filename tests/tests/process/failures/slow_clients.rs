//! Slow clients, and idle clients that occupy connection slots.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conformance::Program;
use crate::network::http::raw;

/// Waits until the server has ended a connection, and returns the received text.
async fn over(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await;
    // A reset also ends the connection.
    let _ = read.expect("the server ends it");
    String::from_utf8_lossy(&said).into_owned()
}

/// Starts a server with limits, and returns the address of its metrics.
async fn start(data: &Path, limits: &str) -> (Program, String) {
    let (program, said) = Program::start_limited(data, &["--metrics-addr", "127.0.0.1:0"], limits).await;
    let metrics = said.trim().strip_prefix("metrics on ").expect("the address of the metrics");
    (program, metrics.to_owned())
}

/// Returns the number of times that a limit was reached.
async fn reached(metrics: &str, limit: &str) -> u64 {
    let text = reqwest::get(metrics).await.expect("an answer").text().await.expect("a body");
    let sample = format!("agents_limit_reached_total{{limit=\"{limit}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&sample)?.parse().ok());
    value.unwrap_or_else(|| panic!("no {limit} in {text}"))
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, metrics) = start(&folder.path().join("data"), "handshake_ms=500").await;
    let mut client = program.join("/agents/test-counter/a").await;
    let connect = || async { TcpStream::connect(program.addr()).await.expect("a connection") };
    let (mut silent, mut half, mut trickle, mut idle) =
        (connect().await, connect().await, connect().await, connect().await);
    half.write_all(b"GET /agents/test-counter/a HTTP/1.1\r\nHost: te").await.expect("a part");
    idle.write_all(b"GET /plain HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("a request");
    // Single bytes do not extend the time limit, which is for the whole head.
    for byte in b"GET / HTTP/1.1\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" {
        if trickle.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for stream in [&mut silent, &mut half, &mut trickle] {
        let said = over(stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    let said = over(&mut idle).await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.ends_with("plain"),
        "answered, then too long idle: {said}"
    );
    assert!(reached(&metrics, "handshake_timeout").await >= 3);
    // Neither an open socket nor a new client is affected.
    assert_eq!(client.call("increment", serde_json::json!([])).await, 1);
    assert_eq!(program.get("/plain").await.0, 200);
}

#[tokio::test]
async fn those_who_hold_places_without_asking_make_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, metrics) = start(&folder.path().join("data"), "http_connections=5").await;
    let mut client = program.join("/agents/test-counter/a").await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(program.addr()).await.expect("a connection"));
    }
    for _ in 0..20 {
        assert_eq!(program.get("/plain").await, (200, "plain".to_owned()));
    }
    let mut other = program.join("/agents/test-counter/a").await;
    for client in [&mut client, &mut other] {
        client.call("increment", serde_json::json!([])).await;
    }
    assert_eq!(over(&mut silent[0]).await, "", "the oldest one is gone");
    assert!(reached(&metrics, "http_connections").await >= 15);
}

#[tokio::test]
async fn a_head_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, metrics) = start(&folder.path().join("data"), "").await;
    let request = |len: usize, count: usize| {
        let headers: String = (0..count).map(|n| format!("x-{n}: {}\r\n", "y".repeat(len / count))).collect();
        format!("GET /plain HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")
    };
    for (len, count, status) in [(15_000, 10, 200), (17_000, 10, 431), (1000, 95, 200), (1000, 101, 431)] {
        let (got, answer) = raw(program.addr(), request(len, count).as_bytes()).await;
        assert_eq!(got, Some(status), "{len} bytes in {count} headers: {answer}");
    }
    // A connection is counted when it ends. That may be after its client has read the answer.
    while reached(&metrics, "header_bytes").await < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reached(&metrics, "header_bytes").await, 2);
}

#[tokio::test]
async fn an_unread_answer_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, metrics) = start(&folder.path().join("data"), "write_ms=500").await;
    let mut deaf = TcpStream::connect(program.addr()).await.expect("a connection");
    let mut slow = TcpStream::connect(program.addr()).await.expect("a connection");
    for stream in [&mut deaf, &mut slow] {
        stream.write_all(b"GET /endless HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("a request");
    }
    let mut buffer = vec![0; 1 << 20];
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    while reached(&metrics, "write_timeout").await == 0 {
        assert!(tokio::time::Instant::now() < until, "the server still waits");
        assert!(slow.read(&mut buffer).await.expect("one that reads goes on") > 0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..10 {
        assert!(slow.read(&mut buffer).await.expect("one that reads goes on") > 0);
    }
    // The client can still read the bytes in flight, and then the connection ends.
    over(&mut deaf).await;
    assert_eq!(program.get("/plain").await.0, 200);
}

#[tokio::test]
async fn those_who_asked_once_and_stay_make_room_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, metrics) = start(&folder.path().join("data"), "http_connections=5").await;
    let mut idlers = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(program.addr()).await.expect("a connection");
        stream.write_all(b"GET /plain HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("sending");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        idlers.push(stream);
    }
    // Without this rule, each idle client could keep its connection forever with a request every few seconds.
    for _ in 0..5 {
        assert_eq!(program.get("/plain").await, (200, "plain".to_owned()));
    }
    assert!(reached(&metrics, "http_connections").await >= 1);
}
