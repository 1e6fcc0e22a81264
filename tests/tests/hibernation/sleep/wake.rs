//! Events that wake an agent, and events that do not.

use agents::prelude::*;
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{body, frame, secs};

#[wire]
#[derive(Clone)]
struct Guest {
    user_id: String,
}

#[agent(connection = Guest, env = Recorder)]
#[derive(Default)]
struct Sleeper;

#[agent]
impl Sleeper {
    #[hook]
    async fn on_start(&self, cx: &Context<Self>) {
        // Each event that wakes the agent waits for this start.
        tokio::time::sleep(secs(1)).await;
        cx.env().note("start");
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        conn.set_state(Guest { user_id: "ada".to_owned() })
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        let what = String::from_utf8_lossy(message.as_bytes()).into_owned();
        cx.env().note(format!("message {what}"));
        conn.send(format!("woken by {what}"))
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()> {
        let user = conn.state()?.user_id.clone();
        cx.env().note(format!("close {} {} {} {user}", close.code, close.reason, close.was_clean));
        Ok(())
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().note(format!("error {}", error.error().code()));
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> &'static str {
        cx.env().note("request");
        "awake"
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>) -> Result<()> {
        cx.env().note("alarm");
        cx.broadcast("it is time")
    }

    #[callable]
    fn alarm_in(&self, cx: &Context<Self>, seconds: u64) -> Result<()> {
        cx.object().set_alarm(secs(seconds))
    }

    #[callable]
    fn answer_by_itself(&self, cx: &Context<Self>, request: String, response: String) -> Result<()> {
        cx.object().set_web_socket_auto_response(request, response)
    }

    #[callable]
    fn answer_no_more(&self, cx: &Context<Self>) -> Result<()> {
        cx.object().clear_web_socket_auto_response()
    }

    #[callable]
    fn answered(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
    ) -> (Option<(String, String)>, Option<u64>) {
        let object = cx.object();
        let socket = object.get_web_sockets().tag(conn.id()).list().pop();
        let at = socket.and_then(|socket| object.get_web_socket_auto_response_timestamp(&socket));
        (object.get_web_socket_auto_response(), at)
    }
}

fn start() -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || Agents::new().register::<Sleeper>().env(recorder.clone()));
    (host.expect("the host starts"), notes)
}

async fn join(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

/// Returns an agent that hibernates with one client.
async fn asleep() -> (TestHost, TestObject, TestConnection, Notes) {
    let (host, mut notes) = start();
    let object = host.agent::<Sleeper>("one");
    let client = join(&object).await;
    object.hibernate().await.unwrap();
    assert_eq!(notes.so_far(), ["start"]);
    (host, object, client, notes)
}

// S68, S186
#[tokio::test(start_paused = true)]
async fn a_message_wakes() {
    let (_host, _object, mut client, mut notes) = asleep().await;
    client.send("text").await;
    assert_eq!(client.next().await.text(), "woken by text");
    assert_eq!(notes.so_far(), ["start", "message text"]);
    let (_host, _object, mut client, mut notes) = asleep().await;
    client.send_bytes(b"bytes".to_vec()).await;
    assert_eq!(client.next().await.text(), "woken by bytes");
    assert_eq!(notes.so_far(), ["start", "message bytes"]);
}

// S62, S203
#[tokio::test(start_paused = true)]
async fn a_close_wakes_and_the_hook_knows_who_left() {
    let (_host, object, client, mut notes) = asleep().await;
    assert_eq!(client.close(Some((3001, "bye"))).await, Received::Close(3001, "bye".to_owned()));
    assert_eq!(notes.next().await, "start");
    assert_eq!(notes.next().await, "close 3001 bye true ada");
    assert_eq!(object.connections(), []);

    let (_host, object, client, mut notes) = asleep().await;
    drop(client);
    assert_eq!(notes.next().await, "start");
    assert_eq!(notes.next().await, "close 1006  false ada");
    assert_eq!(object.connections(), []);
}

// S200
#[tokio::test(start_paused = true)]
async fn a_broken_frame_wakes_the_error_hook() {
    let (_host, object, client, mut notes) = asleep().await;
    let mut transport = client.into_transport();
    // The frame has no mask.
    transport.write_all(&[0x81, 1, b'x']).await.unwrap();
    assert_eq!(notes.next().await, "start");
    assert_eq!(notes.next().await, "error protocol");
    let close = notes.next().await;
    let close = close.as_str().unwrap();
    assert!(close.starts_with("close 1002 ") && close.ends_with(" false ada"), "{close}");
    assert_eq!(object.connections(), []);
}

// S186
#[tokio::test(start_paused = true)]
async fn a_request_wakes() {
    let (_host, object, _client, mut notes) = asleep().await;
    assert_eq!(body(object.get("").await).await, "awake");
    assert_eq!(notes.so_far(), ["start", "request"]);
}

// S186
#[tokio::test(start_paused = true)]
async fn a_new_client_wakes() {
    let (_host, object, _client, mut notes) = asleep().await;
    let _other = join(&object).await;
    assert_eq!(notes.so_far(), ["start"]);
    assert_eq!(object.connections().len(), 2);
}

// S105, S187
#[tokio::test(start_paused = true)]
async fn an_alarm_wakes_and_reaches_a_client_that_never_spoke() {
    let (host, mut notes) = start();
    let object = host.agent::<Sleeper>("one");
    let mut listener = join(&object).await;
    let mut client = join(&object).await;
    client.call::<()>("alarmIn", (40,)).await;
    drop(client);
    listener.stay(secs(39)).await;
    assert!(!object.is_awake());
    assert_eq!(listener.next().await.text(), "it is time");
    assert_eq!(notes.so_far(), ["start", "close 1006  false ada", "start", "alarm"]);
}

// S67, S189
#[tokio::test(start_paused = true)]
async fn pings_in_either_direction_wake_no_object() {
    let (host, object, mut client, mut notes) = asleep().await;
    let wakes = object.status().unwrap().metrics.wakes;
    // The host pings a client that has been silent for 30 s.
    client.stay(secs(3600)).await;
    assert_eq!(object.connections().len(), 1);
    let mut transport = client.into_transport();
    for _ in 0..20 {
        transport.write_all(&frame(0x89, b"hi")).await.unwrap();
        let mut pong = [0; 4];
        transport.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"\x8a\x02hi");
        transport.write_all(&frame(0x8a, b"unasked")).await.unwrap();
        host.advance(secs(20)).await;
    }
    assert!(!object.is_awake());
    assert_eq!(object.status().unwrap().metrics.wakes, wakes);
    assert!(notes.so_far().is_empty());
    // The connection is still open.
    transport.write_all(&frame(0x81, b"hello")).await.unwrap();
    assert_eq!(notes.next().await, "start");
    assert_eq!(notes.next().await, "message hello");
}

// S11, S203
#[tokio::test(start_paused = true)]
async fn a_client_that_dies_silently_wakes_the_close_hook() {
    let (_host, object, client, mut notes) = asleep().await;
    // The test host would answer pings for the client, so the time passes without it.
    tokio::time::sleep(secs(60)).await;
    assert_eq!(notes.so_far(), ["start", "close 1006  false ada"]);
    assert_eq!(object.connections(), []);
    drop(client);
}

// S84
#[tokio::test(start_paused = true)]
async fn an_auto_response_wakes_no_object_and_is_remembered() {
    let (host, object, mut client, mut notes) = asleep().await;
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "woken by ping", "no auto-response is set yet");
    client.call::<()>("answerByItself", ("ping", "pong")).await;
    assert_eq!(object.connections()[0].answered_at, None);
    object.hibernate().await.unwrap();
    notes.so_far();
    for _ in 0..3 {
        host.advance(secs(20)).await;
        client.send("ping").await;
        assert_eq!(client.next().await.text(), "pong");
        assert_eq!(object.connections()[0].answered_at, Some(host.now()));
    }
    let answered_at = host.now();
    assert!(!object.is_awake() && notes.so_far().is_empty());
    host.advance(secs(20)).await;
    let pair = ("ping".to_owned(), "pong".to_owned());
    let answered: (Option<(String, String)>, Option<u64>) = client.call("answered", ()).await;
    assert_eq!(answered, (Some(pair), Some(answered_at)));
    // The gateway also answers while the agent is awake, and stops when the agent unsets the pair.
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "pong");
    client.call::<()>("answerNoMore", ()).await;
    object.hibernate().await.unwrap();
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "woken by ping");
    let answered: (Option<(String, String)>, Option<u64>) = client.call("answered", ()).await;
    assert_eq!((answered.0, answered.1.is_some()), (None, true), "the time stays");
}

// S84
#[tokio::test(start_paused = true)]
async fn only_the_same_text_is_answered() {
    let (_host, object, mut client, _notes) = asleep().await;
    client.call::<()>("answerByItself", ("ping", "pong")).await;
    for other in ["Ping", "ping ", "pin", "pong", ""] {
        object.hibernate().await.unwrap();
        client.send(other).await;
        assert_eq!(client.next().await.text(), format!("woken by {other}"));
    }
    object.hibernate().await.unwrap();
    client.send_bytes(b"ping".to_vec()).await;
    assert_eq!(client.next().await.text(), "woken by ping", "binary never matches");
    // The last pair is used. An empty text is a valid text.
    client.call::<()>("answerByItself", ("", "nothing")).await;
    object.hibernate().await.unwrap();
    client.send("").await;
    assert_eq!(client.next().await.text(), "nothing");
    assert!(!object.is_awake());
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "woken by ping");
}

// S84
#[tokio::test(start_paused = true)]
async fn an_auto_response_is_kept_over_a_restart_and_a_crash() {
    let (host, object, mut client, _notes) = asleep().await;
    client.call::<()>("answerByItself", ("ping", "pong")).await;
    object.crash().await;
    let mut client = join(&object).await;
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "pong");
    let host = host.restart().await.unwrap();
    let object = host.agent::<Sleeper>("one");
    let mut client = join(&object).await;
    object.hibernate().await.unwrap();
    client.send("ping").await;
    assert_eq!(client.next().await.text(), "pong");
    assert!(!object.is_awake());
}

// S84
#[tokio::test(start_paused = true)]
async fn an_auto_response_has_limits() {
    let (_host, object, mut client, _notes) = asleep().await;
    let (most, more) = ("x".repeat(2048), "x".repeat(2049));
    let wide = "é".repeat(1025);
    for pair in [(&more, &most), (&most, &more), (&wide, &most)] {
        let error = client.call_error("answerByItself", pair).await;
        assert!(
            error.contains("2048") && error.contains(&pair.0.len().max(pair.1.len()).to_string()),
            "{error}"
        );
    }
    let answered: (Option<(String, String)>, Option<u64>) = client.call("answered", ()).await;
    assert_eq!(answered, (None, None));
    client.call::<()>("answerByItself", (&most, &most)).await;
    object.hibernate().await.unwrap();
    client.send(most.clone()).await;
    assert_eq!(client.next().await.text(), most);
    assert!(!object.is_awake());
}

// S188
#[tokio::test(start_paused = true)]
async fn a_response_that_is_read_late_wakes_no_object() {
    let (host, object, _client, mut notes) = asleep().await;
    let response = object.get("").await;
    let dropped = object.get("").await;
    host.advance(secs(20)).await;
    assert!(!object.is_awake());
    notes.so_far();
    assert_eq!(body(response).await, "awake");
    drop(dropped);
    host.advance(secs(1)).await;
    assert!(!object.is_awake() && notes.so_far().is_empty());
    assert_eq!(object.status().unwrap().metrics.wakes, 2);
}
