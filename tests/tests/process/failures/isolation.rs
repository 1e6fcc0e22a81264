//! A failing agent does not affect other agents, and one process owns a data folder.

use agents_tests::Client;
use serde_json::json;

use crate::conformance::{self, Program};

async fn increment(client: &mut Client) -> i64 {
    client.call("increment", json!([])).await.as_i64().expect("a count")
}

#[tokio::test]
async fn panics_errors_and_endless_calls_disturb_no_other_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(&folder.path().join("data")).await;
    let mut bad = program.join("/agents/test-counter/bad").await;
    let mut beside = program.join("/agents/test-counter/bad").await;
    let mut elsewhere = program.join("/agents/test-counter/good").await;
    let mut other_class = program.connect("/agents/test-no-state/good").await;
    assert_eq!(increment(&mut bad).await, 1);
    // One call of a neighbour runs all the time and still gets its answer.
    let waiting = beside.start_call("slow", json!([1000])).await;
    for n in 0..50 {
        let endless = bad.start_call("slow", json!([86_400_000])).await;
        assert_eq!(endless, format!("call-{}", 2 + 3 * n));
        assert_eq!(bad.call_error("fail", json!(["on purpose"])).await, "on purpose");
        let text = bad.call_error("panics", json!([])).await;
        assert!(text.starts_with("Internal error (id ") && !text.contains("secret"), "{text}");
    }
    assert_eq!(beside.answer(&waiting).await["result"], 1000);
    assert_eq!(increment(&mut beside).await, 2, "the state is what it was");
    assert_eq!(increment(&mut bad).await, 3, "the connection, too");
    assert_eq!(increment(&mut elsewhere).await, 1);
    assert_eq!(other_class.call("ping", json!([])).await, "pong");
    let (status, body) = program.get("/agents/test-counter/bad?fail=1").await;
    assert_eq!((status, &*body), (400, r#"{"code":"error","message":"secret detail in the request hook"}"#));
    assert_eq!(program.get("/plain").await, (200, "plain".to_owned()));
    assert!(program.is_running());
    // The log contains the details that no client sees, under the id that the client received.
    let text = bad.call_error("panics", json!([])).await;
    let id = text.trim_start_matches("Internal error (id ").trim_end_matches(')').to_owned();
    let log = program.stderr();
    let line = log.lines().find(|line| line.contains(&id)).unwrap_or_else(|| panic!("no {id} in {log}"));
    assert!(line.contains("secret detail in a panic"), "{line}");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_refuses_to_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut first = Program::start(&data).await;
    let mut client = first.join("/agents/test-counter/a").await;
    assert_eq!(increment(&mut client).await, 1);
    let second = conformance::run(&["serve", "--addr", "127.0.0.1:0"], &data).await;
    let stderr = String::from_utf8(second.stderr).expect("UTF-8");
    assert!(!second.status.success());
    assert!(stderr.contains("in use by another process") && stderr.contains("data"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(second.stdout, b"", "no address was printed");
    assert_eq!(increment(&mut client).await, 2, "the first process still works");
    assert!(first.is_running());
    // When the first process has ended, killed or not, the folder is free.
    first.kill();
    let third = Program::start(&data).await;
    assert_eq!(increment(&mut third.join("/agents/test-counter/a").await).await, 3);
}

#[tokio::test]
async fn list_prints_the_agents() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::start(&data).await;
    for path in ["test-counter/b", "test-counter/a%20b", "test-counter/A", "loud-case/x", "test-game/g"] {
        program.connect(&format!("/agents/{path}")).await.drain().await;
    }
    // An agent that has stored no data has no database.
    let expected = "test-counter/A\ntest-counter/a%20b\ntest-counter/b\ntest-game/g\n";
    for _ in 0..2 {
        let listed = conformance::run(&["list"], &data).await;
        assert!(listed.status.success());
        assert_eq!(String::from_utf8(listed.stdout).expect("UTF-8"), expected);
    }
    program.kill();
    let listed = conformance::run(&["list"], &data).await;
    assert_eq!(String::from_utf8(listed.stdout).expect("UTF-8"), expected);

    // A damaged file is listed and marked as damaged.
    let file = |name: &str| data.join("test-counter").join(name);
    std::fs::write(file("b.sqlite"), "").expect("a damage");
    let whole = std::fs::read(file("%41.sqlite")).expect("a file");
    std::fs::write(file("%41.sqlite"), &whole[..whole.len() - 1]).expect("a damage");
    let long = format!("{}~{}.sqlite", "x".repeat(100), "0".repeat(64));
    std::fs::write(file(&long), "no database").expect("a damage");
    let listed = conformance::run(&["list"], &data).await;
    assert!(listed.status.success());
    let found = String::from_utf8(listed.stdout).expect("UTF-8");
    let damaged: Vec<_> = found.lines().filter(|line| line.ends_with(" (damaged)")).collect();
    assert_eq!(damaged.len(), 3, "{found}");
    assert!(
        found.contains("test-counter/A (damaged)\n") && found.contains("test-counter/b (damaged)\n"),
        "{found}"
    );
    assert!(found.contains("test-counter/a%20b\n"), "{found}");
    let log = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(log.contains("ERROR") && log.contains("b.sqlite"), "{log}");
}

#[tokio::test]
async fn what_cannot_be_served_is_said_and_not_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("a file");
    let data = folder.path().join("data");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken = taken.local_addr().map(|addr| (taken, addr.to_string())).expect("an address");
    for (args, data, word) in [
        (["serve", "--addr", "127.0.0.1:0"], &file, "file"),
        (["serve", "--addr", "nonsense"], &data, "nonsense"),
        (["serve", "--addr", &taken.1], &data, &taken.1),
        (["serve", "--nothing", "1"], &data, "--nothing"),
        (["dance", "--addr", "127.0.0.1:0"], &data, "dance"),
    ] {
        let output = conformance::run(&args, data).await;
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!output.status.success(), "{args:?}");
        assert!(stderr.contains(word) && !stderr.contains("panicked"), "{args:?}: {stderr}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "not a folder");
}
