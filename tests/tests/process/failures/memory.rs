//! The memory that large messages may cost the process.

use std::path::Path;

use agents_tests::Received;
use futures_util::future::join_all;
use serde_json::json;

use crate::conformance::Program;

async fn start(data: &Path, limits: &str) -> Program {
    Program::start_on(data, "127.0.0.1:0", &[], &[("CONFORMANCE_LIMITS", limits)]).await.0
}

/// Returns a call with a large number of zeros as arguments. As values they take many times the size of their
/// text.
fn zeros(method: &str, count: usize, nested: bool) -> String {
    let list = format!("[{}0]", "0,".repeat(count - 1));
    let args = if nested { format!("[{list}]") } else { list };
    format!(r#"{{"type":"rpc","id":"1","method":"{method}","args":{args}}}"#)
}

#[tokio::test]
async fn clients_with_large_values_end_no_process_with_little_memory() {
    const MEMORY_MIB: u64 = 160;
    let folder = tempfile::tempdir().expect("a folder");
    let program = start(&folder.path().join("data"), &format!("memory_mib={MEMORY_MIB}")).await;
    let mut clients = Vec::new();
    for n in 0..30 {
        clients.push(program.join(&format!("/agents/test-counter/{n}")).await);
    }
    // Each call has half a megabyte.
    let text = zeros("keepForASecond", 250_000, true);
    let answers = join_all(clients.iter_mut().map(async |client| {
        client.send(&*text).await;
        match client.next().await {
            Received::Text(_) => true,
            Received::Close(1013, reason) if reason == "server is busy" => false,
            other => panic!("{other:?}"),
        }
    }));
    let answered = answers.await.into_iter().filter(|answered| *answered).count();
    assert!((1..30).contains(&answered), "{answered} calls were answered");
    let peak = program.peak_memory() >> 20;
    assert!(peak < MEMORY_MIB, "{peak} MiB");
    let mut late = program.join("/agents/test-counter/late").await;
    assert_eq!(late.call("increment", json!([])).await, 1);
}

#[tokio::test]
async fn arguments_that_a_method_does_not_take_cost_no_more_than_their_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = start(&folder.path().join("data"), "").await;
    let mut client = program.join("/agents/test-counter/a").await;
    client.call("increment", json!([])).await;
    client.next().await;
    let before = program.peak_memory();
    let text = zeros("letGo", 2_000_000, false);
    client.send(&*text).await;
    client.next().await;
    let more = program.peak_memory() - before;
    assert!(more < 6 * text.len() as u64, "{more} bytes for {}", text.len());
}
