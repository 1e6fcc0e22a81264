//! Messages: those that reach the message hook, and their unchanged content.

use agents::bytes::Bytes;
use agents::prelude::*;
use agents_tests::{Received, Recorder, TestServer, recorder};
use serde_json::Value;

#[agent(env = Recorder)]
#[derive(Default)]
struct Echo;

#[agent]
impl Echo {
    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        // There are exactly two kinds: this match has no wildcard, so it stops compiling if that changes
        // (S58).
        let kind = match &message {
            Message::Text(_) => "text",
            Message::Binary(_) => "binary",
        };
        cx.env().note(kind);
        conn.send(message)
    }
}

#[tokio::test]
async fn s9_what_is_no_protocol_frame_reaches_the_message_hook() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Echo>().env(recorder)).await;
    let mut client = server.join("/agents/echo/one", false).await;
    let texts = [
        "plain text",
        "",
        "ping",
        "null",
        "42",
        r#""rpc""#,
        "[1,2]",
        "{broken",
        r#"{"type":"unknown","a":1}"#,
        r#"{"a":1}"#,
        r#"{"type":"cf_agent_identity","name":"me","agent":"mine"}"#,
        r#"{"mcp":{},"type":"cf_agent_mcp_servers"}"#,
        r#"{"type":"cf_agent_state"}"#,
        r#"{"type":"rpc","id":1,"method":"m","args":[]}"#,
        r#"{"type":"rpc","id":"1","method":"m"}"#,
        r#"{"type":"rpc","id":"1","method":"m","args":{}}"#,
        r#"{"type":"rpc","id":"1","args":[]}"#,
    ];
    for text in texts {
        client.send(text).await;
        assert_eq!(client.next().await, Received::Text(text.to_owned()));
        assert_eq!(notes.so_far(), ["text"], "{text}");
    }
    // Bytes are never a frame of the protocol, no matter what they contain.
    for bytes in [&b""[..], &[0, 255], br#"{"type":"rpc","id":"1","method":"m","args":[]}"#] {
        client.send_bytes(bytes.to_vec()).await;
        assert_eq!(client.next().await, Received::Binary(bytes.to_vec()));
        assert_eq!(notes.so_far(), ["binary"]);
    }
}

#[tokio::test]
async fn s9_calls_and_states_do_not_reach_the_message_hook() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Echo>().env(recorder)).await;
    let mut client = server.join("/agents/echo/one", false).await;
    client.send(r#"{"type":"cf_agent_state","state":null,"extra":true}"#).await;
    client.send(r#"{"extra":0,"type":"rpc","id":"","method":"m","args":[]}"#).await;
    assert_eq!(client.json().await["error"], "Method m does not exist");
    client.send("the only message").await;
    assert_eq!(client.next().await.text(), "the only message");
    assert_eq!(notes.so_far(), ["text"]);
}

/// Returns bytes without a pattern that are the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect()
}

#[tokio::test]
async fn s55_text_arrives_as_it_was_sent() {
    let (recorder, _notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Echo>().env(recorder)).await;
    let mut client = server.join("/agents/echo/one", false).await;
    let big = "0123456789äöü漢字🦀👩‍👩‍👧".repeat(1 + (1 << 20) / 40);
    assert!(big.len() > 1 << 20);
    for text in ["🦀", "zero \0 inside", "line\r\nline", &big] {
        client.send(text).await;
        assert_eq!(client.next().await, Received::Text(text.to_owned()));
    }
}

#[tokio::test]
async fn s56_bytes_arrive_as_they_were_sent() {
    let (recorder, _notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Echo>().env(recorder)).await;
    let mut client = server.join("/agents/echo/one", false).await;
    // The lengths are around those at which a frame's header changes, and 1 MiB.
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
        let bytes = noise(length);
        client.send_bytes(bytes.clone()).await;
        assert_eq!(client.next().await, Received::Binary(bytes), "{length} bytes");
    }
}

#[agent]
#[derive(Default)]
struct Slicer;

#[agent]
impl Slicer {
    #[callable]
    fn slices(&self, conn: &Connection<Self>) -> Result<()> {
        let buffer: Vec<u8> = (0..16).collect();
        conn.send(&buffer[3..8])?;
        let shared = Bytes::from(buffer.clone());
        conn.send(shared.slice(14..))?;
        conn.send(buffer)?;
        conn.send(Message::Binary(shared.slice(..0)))
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        let length = message.binary().map(|bytes| bytes.len());
        conn.send(&json!({ "length": length, "bytes": message.as_bytes() }))
    }
}

#[tokio::test]
async fn s57_a_view_of_a_buffer_is_sent_alone() {
    let server = TestServer::start(Agents::new().register::<Slicer>()).await;
    let mut client = server.join("/agents/slicer/one", false).await;
    client.call("slices", json!([])).await;
    let whole: Vec<u8> = (0..16).collect();
    let expected = [vec![3, 4, 5, 6, 7], vec![14, 15], whole.clone(), vec![]];
    assert_eq!(client.drain().await, expected.map(Received::Binary));
    client.send_bytes(whole[3..8].to_vec()).await;
    assert_eq!(client.json().await, json!({ "length": 5, "bytes": [3, 4, 5, 6, 7] }));
}

#[wire]
#[derive(Clone)]
struct Command {
    name: String,
    #[serde(default)]
    times: u32,
}

/// The upload of the documentation: bytes are data, and text is a command.
#[agent]
#[derive(Default)]
struct FileAgent;

#[agent]
impl FileAgent {
    #[hook]
    async fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message {
            Message::Binary(bytes) => {
                let sum = bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
                conn.send(&json!({ "status": "received", "size": bytes.len(), "sum": sum }))
            }
            Message::Text(ref text) if text.starts_with("typed ") => {
                let command: Command = Message::from(&text[6..]).json()?;
                conn.send(&command)
            }
            text => conn.send(&json!({ "received": text.json::<Value>()? })),
        }
    }
}

#[tokio::test]
async fn s23_json_is_parsed_and_answered() {
    let server = TestServer::start(Agents::new().register::<FileAgent>()).await;
    let mut client = server.join("/agents/file-agent/one", false).await;
    client.send(r#"{"a":1}"#).await;
    assert_eq!(client.next().await.text(), r#"{"received":{"a":1}}"#);
    client.send(r#"typed {"name":"go"}"#).await;
    assert_eq!(client.next().await.text(), r#"{"name":"go","times":0}"#);
    // A message that cannot be parsed fails its hook and has no other effect.
    client.send("{broken").await;
    client.send(r#"typed {"times":1}"#).await;
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s58_s59_bytes_are_told_from_text() {
    let server = TestServer::start(Agents::new().register::<FileAgent>()).await;
    let mut client = server.join("/agents/file-agent/one", false).await;
    let upload = noise(100_000);
    let sum = upload.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    client.send_bytes(upload).await;
    assert_eq!(client.json().await, json!({ "status": "received", "size": 100_000, "sum": sum }));
    client.send("[1]").await;
    assert_eq!(client.json().await, json!({ "received": [1] }));
    client.send_bytes(b"[1]".to_vec()).await;
    let sum = u64::from(b'[') + u64::from(b'1') + u64::from(b']');
    assert_eq!(client.json().await, json!({ "status": "received", "size": 3, "sum": sum }));
}
