//! Closing by the client, by the agent, and by a lost connection.

use agents::limits::Limits;
use agents::prelude::*;
use agents_tests::{Notes, Received, Recorder, TestServer, recorder};

#[wire]
#[derive(Clone)]
struct Guest {
    user_id: String,
}

#[agent(env = Recorder, connection = Guest)]
#[derive(Default)]
struct Lounge;

#[agent]
impl Lounge {
    #[hook]
    fn on_connect(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Result<()> {
        match req.query("user") {
            Some(user) => conn.set_state(Guest { user_id: user.into_owned() }),
            None => Ok(()),
        }
    }

    /// Handles `close CODE REASON` and `close`. The agent closes from here and not from a call, so that no
    /// answer is mixed in.
    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        let words: Vec<_> = message.text().unwrap_or_default().splitn(3, ' ').collect();
        conn.send("before")?;
        match words[..] {
            ["close", code, reason] => conn.close(code.parse()?, reason)?,
            _ => conn.close_without_code()?,
        }
        conn.send("after")
    }

    #[callable]
    fn close_me(&self, conn: &Connection<Self>, code: u16, reason: String) -> Result<()> {
        conn.close(code, reason)
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()> {
        let guest = conn.try_state()?;
        let user = guest.as_ref().map(|guest| &guest.user_id);
        let there: Vec<_> = cx.connections().map(|conn| conn.id().to_owned()).collect();
        cx.env().note(json!({
            "id": conn.id(),
            "close": [close.code, close.reason, close.was_clean],
            "user": user,
            "there": there,
        }));
        // A message to a closed connection is dropped and is not an error.
        conn.send("too late")?;
        cx.broadcast(&json!({ "event": "user-left", "userId": user }))
    }
}

async fn lounge() -> (TestServer, Notes) {
    let (recorder, notes) = recorder();
    (TestServer::start(Agents::new().register::<Lounge>().env(recorder)).await, notes)
}

#[tokio::test]
async fn s10_the_close_hook_gets_the_code_and_reason_of_the_client() {
    let (server, mut notes) = lounge().await;
    for (frame, code, reason) in [
        (Some((3001, "bye")), 3001, "bye"),
        (Some((1000, "")), 1000, ""),
        (Some((4999, "é🦀")), 4999, "é🦀"),
        (None, 1005, ""),
    ] {
        let client = server.join("/agents/lounge/one?_pk=me", false).await;
        assert_eq!(client.close(frame).await, Received::Close(code, reason.to_owned()));
        let note = notes.next().await;
        assert_eq!(note["close"], json!([code, reason, true]));
        assert_eq!(note["id"], "me");
    }
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s10_a_connection_that_drops_is_closed_with_1006_once() {
    let (server, mut notes) = lounge().await;
    let mut watcher = server.join("/agents/lounge/one", false).await;
    let client = server.join("/agents/lounge/one?_pk=lost", false).await;
    drop(client.into_stream());
    let note = notes.next().await;
    assert_eq!(note["close"], json!([1006, "", false]));
    assert_eq!(note["id"], "lost");
    assert_eq!(watcher.json().await["event"], "user-left");
    watcher.drain().await;
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s30_codes_and_reasons_reach_the_client_behind_what_was_sent() {
    let (server, mut notes) = lounge().await;
    let long = "x".repeat(123);
    for (code, reason) in [(1000, "done"), (1011, ""), (3000, "é🦀"), (4001, "Unauthorized"), (4999, &long)]
    {
        let mut client = server.join("/agents/lounge/one", false).await;
        client.send(format!("close {code} {reason}")).await;
        assert_eq!(client.next().await.text(), "before");
        // `after` is missing, because a message to a closed connection is dropped.
        assert_eq!(client.next().await, Received::Close(code, reason.to_owned()));
        // The client answers with the same frame, and the connection ends.
        assert_eq!(client.next().await, Received::Dropped);
        let note = notes.next().await;
        assert_eq!(note["close"], json!([code, reason, true]));
    }
    let mut client = server.join("/agents/lounge/one", false).await;
    client.send("close").await;
    assert_eq!(client.next().await.text(), "before");
    assert_eq!(client.next().await, Received::Close(1005, String::new()));
    assert_eq!(client.next().await, Received::Dropped);
    let note = notes.next().await;
    assert_eq!(note["close"], json!([1005, "", true]));
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s30_what_cannot_be_sent_is_an_error() {
    let (server, mut notes) = lounge().await;
    let mut client = server.join("/agents/lounge/one", false).await;
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 5000, 65535] {
        let error = client.call_error("closeMe", json!([code, ""])).await;
        assert!(error.contains(&code.to_string()), "{error}");
    }
    for reason in ["x".repeat(124), "é".repeat(62)] {
        let error = client.call_error("closeMe", json!([4000, reason])).await;
        assert!(error.contains("123"), "{error}");
    }
    // The connection is unchanged.
    assert_eq!(client.drain().await, []);
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s35_a_connection_without_state_closes_without_state() {
    let (server, mut notes) = lounge().await;
    server.join("/agents/lounge/one", false).await.close(None).await;
    assert_eq!(notes.next().await["user"], json!(null));
    server.join("/agents/lounge/one?user=ada", false).await.close(None).await;
    assert_eq!(notes.next().await["user"], "ada");
}

#[tokio::test]
async fn s61_the_others_hear_who_left() {
    let (server, mut notes) = lounge().await;
    let mut stays = server.join("/agents/lounge/one?user=bob&_pk=b", false).await;
    let leaves = server.join("/agents/lounge/one?user=ada&_pk=a", false).await;
    let mut elsewhere = server.join("/agents/lounge/two?user=eve", false).await;
    assert_eq!(leaves.close(Some((1000, ""))).await, Received::Close(1000, String::new()));
    assert_eq!(stays.json().await, json!({ "event": "user-left", "userId": "ada" }));
    assert_eq!(notes.next().await["there"], json!(["b"]), "the one that closes is not listed");
    assert_eq!(elsewhere.drain().await, []);
    assert_eq!(stays.drain().await, []);
}

#[tokio::test]
async fn s10_a_message_over_the_limit_closes_with_1009() {
    let (recorder, mut notes) = recorder();
    let mut limits = Limits::default();
    limits.message_bytes = 1000;
    let server = TestServer::start(Agents::new().register::<Lounge>().env(recorder).limits(limits)).await;
    let mut client = server.join("/agents/lounge/one", false).await;
    client.send("x".repeat(1001)).await;
    let Received::Close(1009, reason) = client.next().await else { panic!("no close with 1009") };
    assert!(!reason.is_empty());
    let note = notes.next().await;
    assert_eq!(note["close"], json!([1009, reason, false]));

    let mut client = server.join("/agents/lounge/one", false).await;
    client.send(format!("close 4000 {}", "x".repeat(989))).await;
    assert_eq!(client.next().await.text(), "before", "1000 bytes are not too many");
}
