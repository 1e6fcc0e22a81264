//! Events that wait for an object whose activation fails: its next activation handles them.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::prelude::{Agents, Close, Error, Message, Result};
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::secs;

struct Door {
    recorder: Recorder,
}

impl DurableObject for Door {
    async fn start(&mut self, _: &ObjectContext) -> Result<()> {
        self.recorder.note("start");
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let Some(upgrade) = WebSocketUpgrade::take(&mut request) else { return Ok("here".into_response()) };
        let slow = upgrade.id() == "slow";
        cx.accept_web_socket(upgrade, ["door"])?.send("welcome")?;
        if slow {
            tokio::time::sleep(secs(60)).await;
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(&self, cx: &ObjectContext, _: &WebSocket, message: Message) -> Result<()> {
        match message.text() {
            // No other event is handled in the meantime.
            Some("fail alone") => {
                cx.block_concurrency_while(async {
                    tokio::time::sleep(secs(3)).await;
                    Err(Error::msg("on purpose"))
                })
                .await
            }
            _ => Err(cx.abort("on purpose")),
        }
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, close: Close) -> Result<()> {
        self.recorder.note(format!("{} ends with {}", socket.id(), close.code));
        Ok(())
    }
}

async fn door() -> (TestHost, TestObject, TestConnection, Notes) {
    let (recorder, mut notes) = recorder();
    let host = TestHost::start(move || {
        let recorder = recorder.clone();
        Agents::new().register_object_with("door", move |_| Door { recorder: recorder.clone() })
    });
    let host = host.expect("the host starts");
    let object = host.object("door", "one");
    let client = join(&object, "failing").await;
    assert_eq!(notes.so_far(), ["start"]);
    (host, object, client, notes)
}

async fn join(object: &TestObject, id: &str) -> TestConnection {
    let mut client = object.connect(&format!("_pk={id}")).await;
    assert_eq!(client.next().await.text(), "welcome");
    client
}

/// Returns the closes that the next activation handles, sorted by name.
async fn ends(client: &mut TestConnection, notes: &mut Notes) -> Vec<String> {
    let end = client.next().await;
    assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
    client.stay(secs(5)).await;
    let mut told: Vec<String> =
        notes.so_far().iter().filter_map(|note| note.as_str().map(str::to_owned)).collect();
    assert_eq!(told.remove(0), "start");
    told.sort();
    told
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_while_a_life_fails_is_heard_by_the_next_one() {
    let (_host, object, mut client, mut notes) = door().await;
    let leaving = join(&object, "leaving").await;
    client.send("fail alone").await;
    client.stay(secs(1)).await;
    leaving.close(Some((4000, "bye"))).await;
    assert_eq!(ends(&mut client, &mut notes).await, ["failing ends with 1011", "leaving ends with 4000"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_for_a_connect_handler_is_heard_by_the_next_life() {
    let (_host, object, mut client, mut notes) = door().await;
    let leaving = join(&object, "slow").await;
    leaving.close(Some((4000, "bye"))).await;
    client.stay(secs(1)).await;
    assert!(notes.so_far().is_empty(), "its connect handler still runs");
    client.send("fail").await;
    assert_eq!(ends(&mut client, &mut notes).await, ["failing ends with 1011", "slow ends with 4000"]);
}
