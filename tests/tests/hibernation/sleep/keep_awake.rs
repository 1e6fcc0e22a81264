//! Reasons that keep an agent awake, and their report in the status.

use std::sync::{Arc, Mutex, OnceLock};

use agents::Host;
use agents::axum::body::Body;
use agents::bytes::Bytes;
use agents::limits::Limits;
use agents::object::{KeepAwake, PinnedBy};
use agents::prelude::*;
use agents::testing::{StillAwake, TestConnection, TestHost, TestObject};
use futures_util::stream;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::support::{NAP, frame, millis, secs};

#[derive(Default)]
struct Outside {
    host: OnceLock<Host>,
    go: Notify,
}

/// An agent that can be kept awake in every possible way.
#[agent(env = Arc<Outside>)]
#[derive(Default)]
struct Insomniac {
    guards: Mutex<Vec<KeepAwake>>,
}

#[agent]
impl Insomniac {
    #[hook]
    async fn on_start(&self, cx: &Context<Self>) {
        if cx.name() == "slow" {
            cx.env().go.notified().await;
        }
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Response {
        let outside = cx.env().clone();
        let pieces = stream::unfold((outside, 0), |(outside, piece)| async move {
            if piece == 1 {
                outside.go.notified().await;
            }
            let bytes = Ok::<_, std::io::Error>(Bytes::from_static(b"piece "));
            (piece < 2).then_some((bytes, (outside, piece + 1)))
        });
        Response::new(Body::from_stream(pieces))
    }

    #[callable]
    async fn wait(&self, cx: &Context<Self>) {
        cx.env().go.notified().await;
    }

    #[callable]
    async fn wait_in_pieces(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(1)?;
        cx.env().go.notified().await;
        out.send(2)
    }

    #[callable]
    fn spawn(&self, cx: &Context<Self>, count: u32) -> Result<()> {
        for _ in 0..count {
            let outside = cx.env().clone();
            cx.spawn(async move { outside.go.notified().await })?;
        }
        Ok(())
    }

    #[callable]
    fn keep_awake(&self, cx: &Context<Self>, reason: String) -> Result<()> {
        self.guards.lock().expect("no panic").push(cx.keep_awake(reason)?);
        Ok(())
    }

    #[callable]
    fn release(&self, index: usize) {
        drop(self.guards.lock().expect("no panic").remove(index));
    }

    /// Writes, and reads its own status before the write is committed.
    #[callable]
    fn look_while_writing(&self, cx: &Context<Self>) -> Result<Vec<String>> {
        cx.storage().put("key", &1)?;
        let host = cx.env().host.get().ok_or_else(|| Error::msg("no host"))?;
        let status = host.status("insomniac", cx.name()).ok_or_else(|| Error::msg("no status"))?;
        Ok(status.pinned_by.iter().map(ToString::to_string).collect())
    }
}

async fn insomniac() -> (TestHost, Arc<Outside>, TestObject, TestConnection) {
    let outside = Arc::new(Outside::default());
    let env = outside.clone();
    let host = TestHost::start(move || {
        let mut limits = Limits::default();
        limits.start_timeout = secs(3600);
        Agents::new().register::<Insomniac>().env(env.clone()).limits(limits)
    });
    let host = host.expect("the host starts");
    let object = host.agent::<Insomniac>("one");
    let mut client = object.connect("").await;
    client.greeting().await;
    (host, outside, object, client)
}

fn pins(object: &TestObject) -> Vec<PinnedBy> {
    object.status().expect("it is known").pinned_by
}

/// Checks that the object is awake for these reasons only, for any length of time.
async fn kept_awake(client: &mut TestConnection, object: &TestObject, by: &[PinnedBy]) {
    assert_eq!(pins(object), by);
    client.stay(secs(600)).await;
    assert!(object.is_awake(), "{by:?}");
    assert_eq!(pins(object), by);
    assert_eq!(object.hibernate().await, Err(StillAwake { pinned_by: by.to_vec() }));
}

/// Checks that the object hibernates when no reason keeps it awake.
async fn falls_asleep(client: &mut TestConnection, object: &TestObject) {
    client.stay(secs(1)).await;
    assert_eq!(pins(object), []);
    assert!(object.is_awake());
    client.stay(NAP).await;
    assert!(!object.is_awake());
    assert_eq!(pins(object), [], "asleep");
}

// S75
#[tokio::test(start_paused = true)]
async fn handlers_that_wait() {
    let (host, outside, object, mut client) = insomniac().await;
    let first = client.start_call("wait", ()).await;
    let second = client.start_call("wait", ()).await;
    host.advance(secs(1)).await;
    kept_awake(&mut client, &object, &[PinnedBy::Handlers(2)]).await;
    outside.go.notify_one();
    client.answer(&first).await;
    assert_eq!(pins(&object), [PinnedBy::Handlers(1)]);
    outside.go.notify_one();
    client.answer(&second).await;
    falls_asleep(&mut client, &object).await;
}

// S74, S106
#[tokio::test(start_paused = true)]
async fn spawned_tasks() {
    let (_host, outside, object, mut client) = insomniac().await;
    client.call::<()>("spawn", (3,)).await;
    kept_awake(&mut client, &object, &[PinnedBy::Tasks(3)]).await;
    outside.go.notify_waiters();
    falls_asleep(&mut client, &object).await;
}

// S75
#[tokio::test(start_paused = true)]
async fn a_response_that_streams() {
    let (_host, outside, object, mut client) = insomniac().await;
    let response = object.get("").await;
    kept_awake(&mut client, &object, &[PinnedBy::Streams(1)]).await;
    outside.go.notify_one();
    assert_eq!(crate::support::body(response).await, "piece piece ");
    falls_asleep(&mut client, &object).await;
}

// S75
#[tokio::test(start_paused = true)]
async fn a_response_that_is_no_longer_read() {
    let (_host, outside, object, mut client) = insomniac().await;
    let response = object.get("").await;
    client.stay(secs(60)).await;
    assert_eq!(pins(&object), [PinnedBy::Streams(1)]);
    drop(response);
    outside.go.notify_one();
    falls_asleep(&mut client, &object).await;
}

// S75
#[tokio::test(start_paused = true)]
async fn a_call_that_streams() {
    let (host, outside, object, mut client) = insomniac().await;
    let call = client.start_call("waitInPieces", ()).await;
    assert_eq!(client.json().await["result"], 1);
    host.advance(secs(1)).await;
    kept_awake(&mut client, &object, &[PinnedBy::Handlers(1)]).await;
    outside.go.notify_one();
    assert_eq!(client.answer(&call).await["done"], true);
    falls_asleep(&mut client, &object).await;
}

// S106
#[tokio::test(start_paused = true)]
async fn guards_until_the_last_is_dropped() {
    let (_host, _outside, object, mut client) = insomniac().await;
    client.call::<()>("keepAwake", ("a game",)).await;
    client.call::<()>("keepAwake", ("a call",)).await;
    let (game, call) = (PinnedBy::KeepAwake("a game".to_owned()), PinnedBy::KeepAwake("a call".to_owned()));
    kept_awake(&mut client, &object, &[game, call.clone()]).await;
    client.call::<()>("release", (0,)).await;
    kept_awake(&mut client, &object, &[call]).await;
    client.call::<()>("release", (0,)).await;
    falls_asleep(&mut client, &object).await;
}

// S106
#[tokio::test(start_paused = true)]
async fn a_guard_ends_with_the_life_it_belongs_to() {
    let (_host, _outside, object, mut client) = insomniac().await;
    client.call::<()>("keepAwake", ("a game",)).await;
    object.crash().await;
    drop(client);
    let mut client = object.connect("").await;
    client.greeting().await;
    falls_asleep(&mut client, &object).await;
}

// S68
#[tokio::test(start_paused = true)]
async fn a_start_that_waits() {
    let (host, outside, _, _client) = insomniac().await;
    let object = host.agent::<Insomniac>("slow");
    let mut client = object.connect("").await;
    client.stay(secs(1)).await;
    kept_awake(&mut client, &object, &[PinnedBy::Change]).await;
    outside.go.notify_one();
    client.greeting().await;
    falls_asleep(&mut client, &object).await;
}

// S75
#[tokio::test(start_paused = true)]
async fn writes_that_are_not_on_the_disk() {
    let (host, outside, object, mut client) = insomniac().await;
    assert!(outside.host.set(host.host().clone()).is_ok());
    let pins_inside: Vec<String> = client.call("lookWhileWriting", ()).await;
    assert!(pins_inside.contains(&"a commit".to_owned()), "{pins_inside:?}");
    falls_asleep(&mut client, &object).await;
}

// S63
#[tokio::test(start_paused = true)]
async fn all_reasons_are_shown_together() {
    let (host, outside, object, mut client) = insomniac().await;
    client.call::<()>("spawn", (1,)).await;
    client.call::<()>("keepAwake", ("a game",)).await;
    client.start_call("wait", ()).await;
    let _response = object.get("").await;
    host.advance(secs(1)).await;
    let expected = [
        PinnedBy::Handlers(1),
        PinnedBy::Tasks(1),
        PinnedBy::Streams(1),
        PinnedBy::KeepAwake("a game".to_owned()),
    ];
    assert_eq!(pins(&object), expected);
    let error = object.hibernate().await.unwrap_err().to_string();
    for part in ["1 running handlers", "1 spawned tasks", "1 open streams", "a guard: a game"] {
        assert!(error.contains(part), "{error}");
    }
    outside.go.notify_waiters();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_on_after_its_close_keeps_no_object_awake() {
    let (host, _, object, client) = insomniac().await;
    client.close(None).await;
    let mut rude = object.connect("").await;
    rude.greeting().await;
    // The answer is larger than the transport's buffer, so that the connection does not end at once.
    rude.start_call(&"x".repeat(500_000), ()).await;
    let mut way = rude.into_transport();
    host.advance(millis(1)).await;
    way.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await.expect("sending");
    host.advance(millis(1)).await;
    // A message, then bytes that are not a valid frame.
    way.write_all(&[frame(0x81, b"hello"), frame(0x83, b"")].concat()).await.expect("sending");
    host.advance(secs(600)).await;
    drop(way);
    host.advance(secs(600)).await;
    assert_eq!(object.status().map(|status| (status.connections, status.pinned_by)), None);
    assert!(!object.is_awake());
}
