//! The metrics for Prometheus on a separate address, which exists only if the program asks for it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::conformance::{self, Program};
use crate::network::http::raw;

/// Returns the value of a metric without labels.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    let value = line.and_then(|line| line.split(' ').nth(1)).and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

async fn scrape(url: &str) -> String {
    let answer = reqwest::get(url).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.text().await.expect("a body")
}

#[tokio::test]
async fn the_numbers_follow_what_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (program, said) = Program::start_with(&data, &["--metrics-addr", "127.0.0.1:0"]).await;
    let url = said.trim_end().strip_prefix("metrics on ").unwrap_or_else(|| panic!("{said:?}"));

    let before = scrape(url).await;
    for name in ["awake", "known", "connections", "wakes_total", "commits_total", "messages_received_total"] {
        assert_eq!(value(&before, &format!("agents_{name}")), 0.0, "{name}");
    }

    let mut ada = program.join("/agents/test-counter/metrics").await;
    let mut ben = program.join("/agents/test-counter/metrics").await;
    for count in 1..=3 {
        assert_eq!(ada.call("increment", json!([])).await, count);
        // Both clients receive the state.
        ben.next().await;
    }
    let open = scrape(url).await;
    for (name, number) in [
        ("awake", 1.0),
        ("known", 1.0),
        ("connections", 2.0),
        ("connections_opened_total", 2.0),
        ("connections_closed_total", 0.0),
        ("wakes_total", 1.0),
        ("messages_received_total", 3.0),
    ] {
        assert_eq!(value(&open, &format!("agents_{name}")), number, "{name}");
    }
    // There were three calls in sequence: each has a commit, an answer, and a state for both clients.
    assert!(value(&open, "agents_commits_total") >= 3.0, "{open}");
    assert!(value(&open, "agents_messages_sent_total") >= 9.0, "{open}");
    assert!(value(&open, "agents_connected_seconds_total") > 0.0, "{open}");
    assert!(value(&open, "agents_idle_seconds_total") > 0.0, "{open}");

    drop((ada, ben));
    let until = Instant::now() + Duration::from_secs(30);
    while value(&scrape(url).await, "agents_connections_closed_total") < 2.0 {
        assert!(Instant::now() < until, "the connections are still counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(value(&scrape(url).await, "agents_connections"), 0.0);

    // The address serves only metrics, and the address of the agents serves no metrics.
    let other =
        reqwest::get(url.replace("/metrics", "/agents/test-counter/metrics")).await.expect("an answer");
    assert_eq!(other.status().as_u16(), 404);
    assert_eq!(program.get("/metrics").await.0, 404);
    program.signal("TERM");
    let (status, stderr) = program.exit().await;
    assert!(status.success(), "{stderr}");
}

#[tokio::test]
async fn there_is_no_second_address_unless_it_is_asked_for_and_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (program, said) = Program::start_with(&data, &[]).await;
    assert_eq!(said, "");
    let taken = program.addr().to_string();
    let elsewhere = folder.path().join("other");
    let output =
        conformance::run(&["serve", "--addr", "127.0.0.1:0", "--metrics-addr", &taken], &elsewhere).await;
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success());
    assert!(stderr.contains(&taken) && !stderr.contains("panicked"), "{stderr}");
    assert_eq!(output.stdout, b"", "no address was printed");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let args = ["--metrics-addr", "127.0.0.1:0"];
    let (_program, said) = Program::start_limited(&data, &args, "handshake_ms=200").await;
    let url = said.trim_end().strip_prefix("metrics on ").unwrap_or_else(|| panic!("{said:?}"));
    let addr = url.trim_start_matches("http://").trim_end_matches("/metrics").parse().expect("an address");
    // Waits for the end of the connection, up to the time limit of a test.
    let (status, answer) = raw(addr, b"GET /metrics HTTP/1.1\r\nHost: te").await;
    assert!(matches!(status, None | Some(408)), "{answer}");
    let (status, answer) = raw(addr, b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status, Some(400), "{answer}");
    let text = scrape(url).await;
    assert!(text.contains("limit=\"handshake_timeout\"} 1\n"), "{text}");
}
