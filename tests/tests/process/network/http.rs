//! Bytes on a port that no browser sends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conformance::Program;

/// Sends bytes and returns the status and the whole answer. The status is `None` if the server closes without
/// an answer.
pub(crate) async fn raw(addr: SocketAddr, request: &[u8]) -> (Option<u16>, String) {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    // The server may close before it has read all bytes.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    // A reset after the answer does not discard the bytes that were read.
    let start = String::from_utf8_lossy(&request[..request.len().min(100)]);
    let _ = read.unwrap_or_else(|_| panic!("neither an answer nor the end: {start:?}"));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let line = answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 "));
    let status = line.and_then(|rest| rest.get(..3)?.parse().ok());
    (status, answer)
}

/// Sends a GET request with an unchanged target.
pub(crate) async fn get(addr: SocketAddr, target: &[u8]) -> (Option<u16>, String) {
    let request = [b"GET ", target, b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"].concat();
    raw(addr, &request).await
}

/// The headers of a handshake, including the final empty line.
const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

#[tokio::test]
async fn floods_and_garbage_are_refused_and_the_server_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(&folder.path().join("data")).await;
    let path = "GET /agents/test-counter/a HTTP/1.1\r\nHost: test\r\n";
    let many: String = (0..5_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("5,000 headers", format!("{path}{many}\r\n").into(), &[431]),
        ("a header of 2 MiB", format!("{path}x: {}\r\n\r\n", "y".repeat(2 << 20)).into(), &[431]),
        ("headers without an end", format!("{path}x: {}", "y".repeat(2 << 20)).into(), &[431]),
        ("a target of 2 MiB", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(2 << 20)).into(), &[414, 431]),
        ("a header name of bytes", format!("{path}x y\u{1}: z\r\n\r\n").into(), &[400]),
        ("a header value with NUL", format!("{path}x: \0\r\n\r\n").into(), &[400]),
        ("no method", b"\r\n\r\n / \r\n\r\n".to_vec(), &[400]),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n".to_vec(), &[400, 505]),
        ("HTTP/2 without being asked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[400, 505]),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20), &[400]),
        ("two lengths", format!("{path}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab").into(), &[400]),
        ("a negative length", format!("{path}Content-Length: -1\r\n\r\n").into(), &[400]),
        (
            "a handshake of HTTP/1.0",
            format!("{}{HANDSHAKE}", path.replace("HTTP/1.1", "HTTP/1.0")).into(),
            &[400],
        ),
        (
            "a handshake without a connection",
            format!("{path}{}", HANDSHAKE.replace("Connection: Upgrade\r\n", "")).into(),
            &[400],
        ),
        (
            "a handshake with a short key",
            format!("{path}{}", HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs")).into(),
            &[400],
        ),
        ("no host", b"GET /plain HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), &[400]),
        (
            "two hosts",
            b"GET /plain HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_vec(),
            &[400],
        ),
        (
            "a host that is not valid",
            b"GET /plain HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n".to_vec(),
            &[400],
        ),
        ("a handshake that posts", format!("{}{HANDSHAKE}", path.replace("GET", "POST")).into(), &[400]),
        ("broken chunks", format!("{path}Transfer-Encoding: chunked\r\n\r\nzz\r\n").into(), &[400]),
    ];
    for (what, request, statuses) in cases {
        let (status, answer) = raw(program.addr(), &request).await;
        // The server may close without an answer if the bytes are not HTTP.
        assert!(status.is_none_or(|status| statuses.contains(&status)), "{what}: {answer}");
        assert!(!answer.contains("panicked"), "{what}: {answer}");
        assert_eq!(program.get("/plain").await, (200, "plain".to_owned()), "after {what}");
    }
    assert!(program.is_running());
    assert!(!program.stderr().contains("panicked"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let client = reqwest::Client::new();
    let url = program.url("/agents/test-counter/a");
    let answer = client.post(&url).body(vec![b'x'; 1 << 20]).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let length = format!("Content-Length: {}\r\n", 33 << 20);
    let mut request =
        format!("POST /agents/test-counter/a HTTP/1.1\r\nHost: test\r\n{length}\r\n").into_bytes();
    request.resize(request.len() + (33 << 20), b'x');
    let (status, _) = raw(program.addr(), &request).await;
    assert!(status.is_none_or(|status| status == 413), "{status:?}");
    assert_eq!(program.get("/plain").await.0, 200);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_413_before_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let head = "POST /agents/test-counter/a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    for length in [(32 << 20) + 1, u64::MAX / 2] {
        let request = format!("{head}Content-Length: {length}\r\n\r\n");
        assert_eq!(raw(program.addr(), request.as_bytes()).await.0, Some(413), "{length}");
    }
}

#[tokio::test]
async fn a_bad_handshake_is_an_http_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let handshake = |method: &str, headers: &str| {
        format!(
            "{method} /agents/test-counter/a HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
             Connection: close, Upgrade\r\n{headers}\r\n"
        )
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    for (method, headers, status) in [
        ("GET", version.to_owned(), 400),
        ("POST", format!("{version}{key}Content-Length: 0\r\n"), 400),
        ("GET", format!("Sec-WebSocket-Version: 12\r\n{key}"), 426),
        ("GET", key.to_owned(), 426),
    ] {
        let (got, answer) = raw(program.addr(), handshake(method, &headers).as_bytes()).await;
        assert_eq!(got, Some(status), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control"), "{answer}");
    }
}

#[tokio::test]
async fn connections_that_say_nothing_hold_no_other_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let mut silent = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(program.addr()).await.expect("a connection");
        // Some clients stop in the middle of a request, and some never begin.
        let part = &b"GET /agents/test-counter/a HTTP/1.1\r\nHost: te"[..n % 46];
        stream.write_all(part).await.expect("a part");
        silent.push(stream);
    }
    assert_eq!(program.get("/plain").await, (200, "plain".to_owned()));
    let mut client = program.join("/agents/test-counter/a").await;
    assert_eq!(client.call("increment", serde_json::json!([])).await, 1);
}

#[tokio::test]
async fn before_http_1_1_no_host_is_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let (status, answer) = raw(program.addr(), b"GET /plain HTTP/1.0\r\n\r\n").await;
    assert_eq!(status, Some(200), "{answer}");
}
