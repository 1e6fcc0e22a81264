//! Event timeouts, work beside handlers, and deletion of all data, for objects and for agents.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, NAP, body, secs};

struct Clerk {
    recorder: Recorder,
}

impl DurableObject for Clerk {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        match WebSocketUpgrade::take(&mut request) {
            Some(upgrade) => drop(cx.accept_web_socket(upgrade, ["clerk"])?),
            None => return Ok(stored(cx)?.to_string().into_response()),
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let text = message.text().unwrap_or_default().to_owned();
        match text.split_once(' ').unwrap_or((&text, "")) {
            ("limit", seconds) => {
                let limit = seconds.parse().map(secs)?;
                match cx.set_web_socket_event_timeout(Some(limit)) {
                    Ok(()) => socket.send(format!("{:?}", cx.get_web_socket_event_timeout())),
                    Err(error) => socket.send(error.code()),
                }
            }
            ("limit?", _) => socket.send(format!("{:?}", cx.get_web_socket_event_timeout())),
            ("slow", seconds) => {
                cx.storage().put("begun", &true)?;
                tokio::time::sleep(secs(seconds.parse()?)).await;
                cx.storage().put("ended", &true)?;
                socket.send("done")
            }
            ("background", seconds) => {
                let (cx, recorder) = (cx.clone(), self.recorder.clone());
                let time = secs(seconds.parse()?);
                let object = cx.clone();
                object.spawn(async move {
                    tokio::time::sleep(time).await;
                    cx.storage().put("background", &true)?;
                    cx.get_web_sockets().send("background")?;
                    recorder.note("background");
                    Ok(())
                })
            }
            ("fill", _) => {
                cx.sql().execute_batch("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)")?;
                cx.storage().put("key", &"value".to_owned())?;
                cx.set_alarm(secs(60))?;
                cx.set_web_socket_auto_response("ping", "pong")?;
                cx.set_web_socket_event_timeout(Some(secs(5)))?;
                socket.serialize_attachment(&"mine")?;
                socket.send("filled")
            }
            ("wipe", how) => {
                cx.delete_all()?;
                if how == "and panic" {
                    panic!("on purpose");
                }
                if how == "and write" {
                    cx.storage().put("after", &true)?;
                }
                socket.send("wiped")
            }
            ("mine", _) => socket.send(&json!(socket.deserialize_attachment::<Value>()?)),
            _ => socket.send(text.clone()),
        }
    }

    async fn web_socket_error(&self, cx: &ObjectContext, socket: &WebSocket, error: Error) -> Result<()> {
        self.recorder.note(error.code());
        cx.storage().put("error", &true)?;
        socket.send(error.code())
    }

    async fn alarm(&self, _: &ObjectContext, _: AlarmInfo) -> Result<()> {
        self.recorder.note("alarm");
        Ok(())
    }
}

/// Returns all stored data of the object.
fn stored(cx: &ObjectContext) -> Result<Value> {
    let tables: Vec<String> = cx.sql().query("SELECT name FROM sqlite_master WHERE name = 't'", ())?;
    let keys: Vec<(String, Value)> = cx.storage().list(agents::storage::KvRange::all())?;
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    Ok(json!({
        "tables": tables,
        "keys": keys,
        "alarm": cx.get_alarm()?.is_some(),
        "pair": cx.get_web_socket_auto_response(),
        "limit": cx.get_web_socket_event_timeout().is_some(),
    }))
}

async fn clerk() -> (TestHost, TestObject, TestConnection, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || {
        let clerk = recorder.clone();
        let agents = Agents::new().register::<Patient>().env(recorder.clone());
        agents.register_object_with("clerk", move |_| Clerk { recorder: clerk.clone() })
    });
    let host = host.expect("the host starts");
    let object = host.object("clerk", "one");
    let client = object.connect("").await;
    (host, object, client, notes)
}

async fn told(client: &mut TestConnection, text: &str) -> String {
    client.send(text).await;
    client.next().await.text()
}

async fn all(object: &TestObject) -> Value {
    let text = body(object.get("").await).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// S198, S200
#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped() {
    let (host, object, mut client, mut notes) = clerk().await;
    assert_eq!(told(&mut client, "limit 2").await, "Some(2s)");
    assert_eq!(told(&mut client, "slow 1").await, "done");
    let started = host.now();
    client.send("slow 10").await;
    client.send("slow 1").await;
    assert_eq!(client.next().await.text(), "done", "other handlers continue");
    assert_eq!(client.next().await.text(), "event_timeout");
    assert!((2000..2010).contains(&(host.now() - started)));
    host.advance(secs(20)).await;
    assert_eq!(notes.so_far(), ["event_timeout"]);
    assert_eq!(all(&object).await["keys"], json!(["begun", "ended", "error"]));
    assert_eq!(told(&mut client, "still here").await, "still here");
}

// S198
#[tokio::test(start_paused = true)]
async fn a_limit_holds_over_sleep_crash_and_restart() {
    let (mut host, _, mut client, _notes) = clerk().await;
    assert_eq!(told(&mut client, "limit?").await, "None");
    assert_eq!(told(&mut client, "limit 2").await, "Some(2s)");
    for loss in Loss::ALL {
        host = loss.happen(host, "clerk", "one").await;
        if loss != Loss::Hibernation {
            client = host.object("clerk", "one").connect("").await;
        }
        assert_eq!(told(&mut client, "slow 10").await, "event_timeout", "{loss:?}");
        assert_eq!(told(&mut client, "limit?").await, "Some(2s)", "{loss:?}");
    }
    assert_eq!(told(&mut client, "limit 604800").await, "Some(604800s)");
    assert_eq!(told(&mut client, "limit 604801").await, "invalid_timeout");
    assert_eq!(told(&mut client, "limit?").await, "Some(604800s)");
    assert_eq!(told(&mut client, "limit 0").await, "None", "no limit");
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_was_not_committed_is_forgotten_with_its_life() {
    let (host, object, mut client, _notes) = clerk().await;
    assert_eq!(told(&mut client, "limit 2").await, "Some(2s)");
    host.faults().fail_commits(1);
    client.send("limit 5").await;
    let end = client.next().await;
    assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
    let mut client = object.connect("").await;
    assert_eq!(told(&mut client, "limit?").await, "Some(2s)");
    assert_eq!(told(&mut client, "slow 3").await, "event_timeout");
}

/// An agent whose callers wait too long.
#[agent(env = Recorder)]
#[derive(Default)]
struct Patient;

#[agent]
impl Patient {
    #[callable]
    fn limit(&self, cx: &Context<Self>, seconds: u64) -> Result<()> {
        cx.object().set_web_socket_event_timeout(Some(secs(seconds)))
    }

    #[callable]
    async fn slow(&self, seconds: u64) -> u64 {
        tokio::time::sleep(secs(seconds)).await;
        seconds
    }

    #[callable]
    async fn slow_stream(&self, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(1)?;
        tokio::time::sleep(secs(10)).await;
        out.send(2)
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().note(error.error().code());
    }
}

// S198, S200
#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_answered_with_an_error() {
    let (host, _object, _client, mut notes) = clerk().await;
    let mut client = host.agent::<Patient>("one").connect("").await;
    client.greeting().await;
    client.call::<()>("limit", (2,)).await;
    assert_eq!(client.call::<u64>("slow", (1,)).await, 1);
    let error = client.call_error("slow", (10,)).await;
    assert!(!error.is_empty());
    assert_eq!(notes.next().await, "event_timeout");
    let call = client.start_call("slowStream", ()).await;
    let answer = client.answer(&call).await;
    assert_eq!((&answer["success"], client.json().await["result"].clone()), (&json!(false), json!(1)));
    assert_eq!(notes.next().await, "event_timeout");
    assert_eq!(client.call::<u64>("slow", (1,)).await, 1, "the connection goes on");
}

// S106
#[tokio::test(start_paused = true)]
async fn work_in_the_background_keeps_the_object_awake_until_it_is_done() {
    let (_host, object, mut client, mut notes) = clerk().await;
    client.send("background 60").await;
    client.stay(secs(59)).await;
    assert!(object.is_awake() && notes.so_far().is_empty());
    assert_eq!(client.next().await.text(), "background");
    assert_eq!(notes.so_far(), ["background"]);
    client.stay(NAP).await;
    assert!(!object.is_awake());
    assert_eq!(all(&object).await["keys"], json!(["background"]));
}

// S104, S106
#[tokio::test(start_paused = true)]
async fn wiping_takes_everything_but_the_connections() {
    for loss in Loss::ALL {
        let (host, object, mut client, mut notes) = clerk().await;
        let fresh = all(&object).await;
        assert_eq!(told(&mut client, "fill").await, "filled");
        let full = all(&object).await;
        let expected = json!({
            "tables": ["t"], "keys": ["key"], "alarm": true, "pair": ["ping", "pong"], "limit": true,
        });
        assert_eq!(full, expected);
        assert_eq!(told(&mut client, "ping").await, "pong");
        assert_eq!(told(&mut client, "wipe").await, "wiped");
        assert_eq!(all(&object).await, fresh);
        assert_eq!(told(&mut client, "ping").await, "ping", "the gateway has deleted the pair too");
        assert_eq!(told(&mut client, "mine").await, r#""mine""#, "the data of a connection stays");
        assert_eq!(told(&mut client, "limit?").await, "None");

        drop(client);
        host.advance(secs(1)).await;
        let host = loss.happen(host, "clerk", "one").await;
        assert_eq!(all(&host.object("clerk", "one")).await, fresh, "{loss:?}");
        host.advance(secs(100)).await;
        assert!(notes.so_far().is_empty(), "no alarm rings");
    }
}

// S104
#[tokio::test(start_paused = true)]
async fn wiping_counts_with_its_turn() {
    let (_host, object, mut client, _notes) = clerk().await;
    assert_eq!(told(&mut client, "fill").await, "filled");
    let full = all(&object).await;
    client.send("wipe and panic").await;
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(all(&object).await, full, "a panic undoes it");
    assert_eq!(told(&mut client, "ping").await, "pong");
    assert_eq!(told(&mut client, "wipe and write").await, "wiped");
    assert_eq!(all(&object).await["keys"], json!(["after"]), "a write after the deletion is kept");
}
