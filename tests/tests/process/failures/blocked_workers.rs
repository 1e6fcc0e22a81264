//! Handlers and statements that block their thread. Other clients are still served, and the process ends on
//! request.

use std::path::Path;
use std::time::Duration;

use agents_tests::Received;
use serde_json::json;

use crate::conformance::Program;

/// Starts a server with this number of worker threads.
async fn start(data: &Path, workers: &str, limits: &str) -> Program {
    let variables = [("TOKIO_WORKER_THREADS", workers), ("CONFORMANCE_LIMITS", limits)];
    Program::start_on(data, "127.0.0.1:0", &[], &variables).await.0
}

/// Waits until the log contains a text.
async fn logged(program: &mut Program, text: &str) -> String {
    for _ in 0..1000 {
        let log = program.stderr();
        if log.contains(text) {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("`{text}` is not in the log: {}", program.stderr());
}

#[tokio::test]
async fn a_handler_that_blocks_its_thread_holds_up_no_other_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("TOKIO_WORKER_THREADS", "2")];
    let metrics = ["--metrics-addr", "127.0.0.1:0"];
    let (mut program, said) =
        Program::start_on(&folder.path().join("data"), "127.0.0.1:0", &metrics, &variables).await;
    let url = said.trim_end().strip_prefix("metrics on ").expect("the address of the metrics");
    for round in 0..5 {
        let mut held = program.join(&format!("/agents/test-counter/held-{round}")).await;
        // Waits until all workers are idle: one of them polls I/O, and the handler will block that worker.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let call = held.start_call("hold", json!([])).await;
        // New connections, starts of agents, and plain requests: a host whose sockets are not polled could
        // serve none of them.
        let mut other = program.join(&format!("/agents/test-counter/other-{round}")).await;
        for count in 1..=5 {
            assert_eq!(other.call("increment", json!([])).await, count);
        }
        assert_eq!(program.get("/plain").await.0, 200);
        other.call("letGo", json!([])).await;
        let answer = held.answer(&call).await;
        assert_eq!(answer["result"], true, "others were served while it blocked, in round {round}");
    }

    let mut held = program.join("/agents/test-counter/named").await;
    let call = held.start_call("hold", json!([])).await;
    let log = logged(&mut program, "name=\"named\"").await;
    assert!(log.contains("held its thread") && log.contains("\"hold\""), "{log}");
    assert!(log.contains("spawn_blocking"), "{log}");
    let mut other = program.join("/agents/test-counter/other").await;
    other.call("letGo", json!([])).await;
    held.answer(&call).await;
    let log = program.stderr();
    assert_eq!(log.matches("name=\"named\"").count(), 1, "one line: {log}");
    let text = reqwest::get(url).await.expect("an answer").text().await.expect("a body");
    assert!(!text.contains("\nagents_turns_blocked_total 0\n"), "{text}");
}

#[tokio::test]
async fn a_handler_that_blocks_its_thread_does_not_keep_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = start(&folder.path().join("data"), "2", "grace_ms=500").await;
    let mut held = program.join("/agents/test-counter/held").await;
    let mut other = program.join("/agents/test-counter/other").await;
    held.start_call("hold", json!([])).await;
    logged(&mut program, "held its thread").await;
    program.signal("TERM");
    assert_eq!(other.next().await, Received::Close(1001, "server shutting down".to_owned()));
    // The close comes before the handler ends, because the handler would answer.
    assert_eq!(held.next().await, Received::Close(1001, "server shutting down".to_owned()));
    drop((held, other));
    let (status, stderr) = program.exit().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("abandoned"), "{stderr}");
}

#[tokio::test]
async fn a_disk_that_does_not_answer_does_not_keep_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = start(&folder.path().join("data"), "2", "grace_ms=500").await;
    let mut writer = program.join("/agents/test-counter/writer").await;
    let mut idle = program.join("/agents/test-counter/idle").await;
    for client in [&mut writer, &mut idle] {
        assert_eq!(client.call("increment", json!([])).await, 1);
        client.drain().await;
    }
    assert_eq!(program.get("/disk/hang").await, (200, "it hangs".to_owned()));
    writer.start_call("increment", json!([])).await;
    program.signal("TERM");
    // A call that waits for the disk is not answered.
    for client in [&mut writer, &mut idle] {
        assert_eq!(client.next().await, Received::Close(1001, "server shutting down".to_owned()));
    }
    drop((writer, idle));
    let (status, stderr) = program.exit().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("the disk does not answer") && stderr.contains("test-counter/writer"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_slow_statement_holds_up_no_other_agent_on_the_only_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = start(&folder.path().join("data"), "1", "statement_ms=6000").await;
    let mut slow = program.join("/agents/test-counter/slow").await;
    let mut other = program.join("/agents/test-counter/other").await;
    let call = slow.start_call("endlessQuery", json!([])).await;
    let served = async {
        for count in 1..=5 {
            assert_eq!(other.call("increment", json!([])).await, count);
        }
        program.join("/agents/test-counter/new").await
    };
    tokio::select! {
        biased;
        answer = slow.answer(&call) => panic!("the others waited for the statement: {answer}"),
        _ = served => {}
    }
    let answer = slow.answer(&call).await;
    assert_eq!(answer["success"], false, "the statement ran until it was stopped: {answer}");
    assert_eq!(other.call("increment", json!([])).await, 6);
}

#[tokio::test]
async fn metrics_wait_for_no_statement_and_hold_up_no_new_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let variables = [("TOKIO_WORKER_THREADS", "2"), ("CONFORMANCE_LIMITS", "statement_ms=30000")];
    let (program, said) =
        Program::start_on(&data, "127.0.0.1:0", &["--metrics-addr", "127.0.0.1:0"], &variables).await;
    let url = said.trim_end().strip_prefix("metrics on ").expect("the address of the metrics");
    let mut slow = program.join("/agents/test-counter/slow").await;
    let call = slow.start_call("endlessQuery", json!([])).await;
    let served = async {
        for round in 0..3 {
            let text = reqwest::get(url).await.expect("an answer").text().await.expect("a body");
            assert!(text.contains("agents_commits_total"), "{text}");
            // The requests reach every part of the map of agents.
            for n in 0..100 {
                program.get(&format!("/agents/test-counter/{round}-{n}")).await;
            }
        }
    };
    tokio::select! {
        biased;
        answer = slow.answer(&call) => panic!("the others waited for the statement: {answer}"),
        () = served => {}
    }
}
