//! SIGTERM: running handlers may finish, their answers are sent first, and then all connections are closed.

use agents_tests::{Client, Received};
use serde_json::{Value, json};

use crate::conformance::Program;

fn goodbye() -> Received {
    Received::Close(1001, "server shutting down".to_owned())
}

/// Returns all JSON frames until the end, and the end.
async fn rest(client: &mut Client) -> (Vec<Value>, Received) {
    let mut frames = Vec::new();
    loop {
        match client.next().await {
            frame @ Received::Text(_) => frames.push(frame.json()),
            end => return (frames, end),
        }
    }
}

#[tokio::test]
async fn a_running_call_finishes_and_its_answer_comes_before_the_close() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::start(&data).await;
    let mut slow = program.join("/agents/test-counter/slow").await;
    let mut writer = program.join("/agents/test-counter/writer").await;
    let mut streamer = program.join("/agents/test-counter/streamer").await;
    let mut idle = program.join("/agents/test-counter/slow").await;
    let call = slow.start_call("slow", json!([1500])).await;
    let write = writer.start_call("deferredWrite", json!([1000])).await;
    let stream = streamer.start_call("streamNumbers", json!([100])).await;
    // Each handler has started when a later message is answered.
    slow.drain().await;
    writer.drain().await;
    let before = streamer.drain().await.len();
    program.signal("TERM");

    let answer = json!({ "type": "rpc", "id": call, "success": true, "done": true, "result": 1500 });
    assert_eq!(rest(&mut slow).await, (vec![answer], goodbye()));
    let answer = json!({ "type": "rpc", "id": write, "success": true, "done": true, "result": 1 });
    let state = json!({ "type": "cf_agent_state", "state": { "count": 1 } });
    assert_eq!(rest(&mut writer).await, (vec![state, answer], goodbye()));
    let (frames, end) = rest(&mut streamer).await;
    assert_eq!(before + frames.len(), 101, "all chunks and the result");
    assert_eq!(
        frames.last().map(|frame| (&frame["id"], &frame["result"])),
        Some((&json!(stream), &json!(100)))
    );
    assert_eq!(end, goodbye());
    assert_eq!(rest(&mut idle).await, (vec![], goodbye()));
    let addr = program.addr();
    let (status, stderr) = program.exit().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(reqwest::get(format!("http://{addr}/plain")).await.is_err(), "the port is closed");

    // A write that was acknowledged after the signal is stored.
    let program = Program::start(&data).await;
    let mut client = program.connect("/agents/test-counter/writer").await;
    assert_eq!(client.greeting(true).await, Some(json!({ "count": 1 })));
}

#[tokio::test]
async fn a_call_that_never_returns_does_not_keep_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let mut stuck = program.join("/agents/test-counter/a").await;
    let mut other = program.join("/agents/test-counter/b").await;
    stuck.start_call("slow", json!([86_400_000])).await;
    stuck.drain().await;
    program.signal("TERM");
    assert_eq!(other.next().await, goodbye());
    assert_eq!(stuck.next().await, goodbye(), "the call has no answer");
    assert_eq!(program.exit().await.0.code(), Some(0));
}

#[tokio::test]
async fn an_idle_process_stops_on_either_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["TERM", "INT"] {
        let program = Program::start(&folder.path().join("data")).await;
        let mut client = program.join("/agents/test-counter/a").await;
        program.signal(signal);
        assert_eq!(client.next().await, goodbye());
        let (status, stderr) = program.exit().await;
        assert_eq!(status.code(), Some(0));
        assert!(stderr.lines().all(|line| line.contains(" INFO agents::host: ")), "no warnings: {stderr}");
        assert!(stderr.contains(&format!("stopped reason=\"SIG{signal}\"")), "{stderr}");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_keep_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    // One client never answers the close frame, and another never sends a request.
    let mute = program.join("/agents/test-counter/a").await.into_stream();
    let nothing = tokio::net::TcpStream::connect(program.addr()).await.expect("a connection");
    program.signal("TERM");
    assert_eq!(program.exit().await.0.code(), Some(0));
    drop((mute, nothing));
}
