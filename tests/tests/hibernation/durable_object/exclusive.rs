//! `block_concurrency_while` and `abort`: work that runs alone, and activations that end.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::prelude::{Agents, Error, Message, Result, json};
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{millis, secs};

/// An object that follows the messages of its clients: a word, and possibly an argument.
struct Desk {
    recorder: Recorder,
}

impl Desk {
    async fn step(&self, name: &str, time: u64) {
        self.recorder.note(format!("{name} begins"));
        tokio::time::sleep(secs(time)).await;
        self.recorder.note(format!("{name} ends"));
    }
}

impl DurableObject for Desk {
    async fn start(&mut self, cx: &ObjectContext) -> Result<()> {
        let name = cx.name().to_owned();
        cx.block_concurrency_while(async {
            if name == "slow" {
                tokio::time::sleep(secs(2)).await;
            }
            self.recorder.note("start");
            Ok(())
        })
        .await
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        match WebSocketUpgrade::take(&mut request) {
            Some(upgrade) => drop(cx.accept_web_socket(upgrade, ["desk"])?),
            None => return Ok(format!("{:?}", cx.storage().get::<String>("key")?).into_response()),
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let text = message.text().unwrap_or_default();
        match text {
            "slow" => self.step("slow", 1).await,
            "section" => {
                cx.block_concurrency_while(async {
                    self.step("section", 3).await;
                    Ok(())
                })
                .await?;
            }
            "nested" => {
                let inner = cx
                    .block_concurrency_while(async {
                        self.step("outer", 1).await;
                        let inner = cx
                            .block_concurrency_while(async {
                                self.step("inner", 1).await;
                                Ok(7)
                            })
                            .await?;
                        self.step("outer again", 1).await;
                        Ok(inner)
                    })
                    .await?;
                socket.send(&json!(inner))?;
            }
            "two sections" => {
                for _ in 0..2 {
                    cx.block_concurrency_while(async {
                        self.step("section", 1).await;
                        Ok(())
                    })
                    .await?;
                }
            }
            "fail" => {
                cx.block_concurrency_while(async {
                    cx.storage().put("key", &"kept".to_owned())?;
                    tokio::time::sleep(secs(1)).await;
                    cx.storage().put("key", &"lost".to_owned())?;
                    socket.send("lost")?;
                    Err::<(), _>(Error::msg("on purpose"))
                })
                .await?;
            }
            "for ever" => {
                let forever = async {
                    std::future::pending::<()>().await;
                    Ok(())
                };
                let error = cx.block_concurrency_while(forever).await.err();
                self.recorder.note(error.map(|error| error.code()).unwrap_or_default());
            }
            "panic" => {
                cx.block_concurrency_while(async {
                    cx.storage().put("key", &"lost".to_owned())?;
                    panic!("on purpose");
                    #[expect(unreachable_code, reason = "the type of the section")]
                    Ok(())
                })
                .await?;
            }
            "abort" => {
                cx.storage().put("key", &"lost".to_owned())?;
                socket.send("lost")?;
                return Err(cx.abort("on purpose"));
            }
            "write" => {
                cx.storage().put("key", &"kept".to_owned())?;
                socket.send("written")?;
            }
            other => {
                self.recorder.note(other);
                socket.send(other)?;
            }
        }
        Ok(())
    }
}

fn start() -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || {
        let recorder = recorder.clone();
        Agents::new().register_object_with("desk", move |_| Desk { recorder: recorder.clone() })
    });
    (host.expect("the host starts"), notes)
}

async fn desk() -> (TestHost, TestObject, [TestConnection; 2], Notes) {
    let (host, mut notes) = start();
    let object = host.object("desk", "one");
    let clients = [object.connect("").await, object.connect("").await];
    host.advance(millis(1)).await;
    assert_eq!(notes.so_far(), ["start"]);
    (host, object, clients, notes)
}

/// Checks that the object was restarted: its sockets are closed, and the next event starts it.
async fn restarted(object: &TestObject, clients: &mut [TestConnection], notes: &mut Notes) {
    for client in clients {
        let end = client.next().await;
        assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
    }
    assert_eq!(object.connections(), []);
    notes.so_far();
    let mut client = object.connect("").await;
    client.send("works again").await;
    assert_eq!(client.next().await.text(), "works again");
    assert_eq!(notes.so_far(), ["start", "works again"]);
}

async fn key(object: &TestObject) -> String {
    crate::support::body(object.get("").await).await
}

// S106
#[tokio::test(start_paused = true)]
async fn no_other_work_runs_beside_a_section() {
    let (host, object, mut clients, mut notes) = desk().await;
    // The second half of the handler begins after a second and waits for the section.
    clients[0].send("slow").await;
    clients[1].send("section").await;
    host.advance(millis(1)).await;
    clients[0].send("message").await;
    host.advance(millis(2900)).await;
    assert_eq!(notes.so_far(), ["slow begins", "section begins"]);
    assert!(object.hibernate().await.is_ok(), "the object hibernates after all of these handlers");
    let told = notes.so_far();
    assert_eq!(told[0], "section ends");
    assert!(told.contains(&json!("slow ends")) && told.contains(&json!("message")), "{told:?}");
    assert_eq!(clients[0].next().await.text(), "message");
}

// S106
#[tokio::test(start_paused = true)]
async fn requests_and_new_clients_wait_for_a_section() {
    let (host, object, mut clients, mut notes) = desk().await;
    clients[0].send("section").await;
    host.advance(secs(1)).await;
    let mut late = object.connect("").await;
    late.send("late").await;
    assert_eq!(key(&object).await, "None");
    assert_eq!(late.next().await.text(), "late");
    assert_eq!(notes.so_far(), ["section begins", "section ends", "late"]);
}

// S106
#[tokio::test(start_paused = true)]
async fn sections_nest() {
    let (_host, _object, mut clients, mut notes) = desk().await;
    clients[0].send("nested").await;
    clients[1].send("message").await;
    assert_eq!(clients[0].json().await, 7);
    assert_eq!(clients[1].next().await.text(), "message");
    let expected = [
        "outer begins",
        "outer ends",
        "inner begins",
        "inner ends",
        "outer again begins",
        "outer again ends",
        "message",
    ];
    assert_eq!(notes.so_far(), expected);
}

// S106
#[tokio::test(start_paused = true)]
async fn sections_of_two_handlers_follow_each_other() {
    let (host, _object, mut clients, mut notes) = desk().await;
    clients[0].send("two sections").await;
    clients[1].send("two sections").await;
    host.advance(secs(6)).await;
    let told = notes.so_far();
    let (begins, ends) = (json!("section begins"), json!("section ends"));
    assert_eq!(told.len(), 8, "{told:?}");
    for pair in told.chunks(2) {
        assert_eq!(pair, [begins.clone(), ends.clone()], "{told:?}");
    }
}

// S106
#[tokio::test(start_paused = true)]
async fn a_section_that_fails_restarts_the_object() {
    let (_host, object, mut clients, mut notes) = desk().await;
    clients[0].send("fail").await;
    restarted(&object, &mut clients, &mut notes).await;
    assert_eq!(key(&object).await, r#"Some("kept")"#, "what was committed stays, the rest is undone");
}

// S106
#[tokio::test(start_paused = true)]
async fn a_section_has_thirty_seconds() {
    let (_host, object, mut clients, mut notes) = desk().await;
    clients[0].send("for ever").await;
    clients[0].stay(secs(29)).await;
    assert!(notes.so_far().is_empty());
    clients[0].stay(secs(2)).await;
    assert_eq!(notes.so_far(), ["section_timeout"]);
    restarted(&object, &mut clients, &mut notes).await;
}

// S106, S178: clients that were not let in before the failure do not share it.
#[tokio::test(start_paused = true)]
async fn a_client_that_comes_while_an_object_is_about_to_fail_is_let_in_by_its_next_life() {
    let (_host, object, mut clients, mut notes) = desk().await;
    clients[0].send("for ever").await;
    clients[0].stay(secs(5)).await;
    let mut late = object.connect("").await;
    late.send("early").await;
    let mut later = object.connect("").await;
    clients[0].stay(secs(26)).await;
    assert_eq!(late.next().await.text(), "early", "a message sent before the accept is handled after it");
    later.send("hello").await;
    assert_eq!(later.next().await.text(), "hello");
    for client in &mut clients {
        assert!(matches!(client.next().await, Received::Close(1011, _)));
    }
    assert_eq!(notes.so_far(), ["section_timeout", "start", "early", "hello"]);
    assert_eq!(object.connections().len(), 2);
}

// S106
#[tokio::test(start_paused = true)]
async fn a_section_that_panics_ends() {
    let (_host, object, mut clients, mut notes) = desk().await;
    clients[0].send("panic").await;
    clients[1].send("message").await;
    assert_eq!(clients[1].next().await.text(), "message", "no event waits for a section that has ended");
    assert_eq!(notes.so_far(), ["start", "message"]);
    assert_eq!(key(&object).await, "None");
}

// S106
#[tokio::test(start_paused = true)]
async fn a_start_may_be_a_section() {
    let (host, mut notes) = start();
    let object = host.object("desk", "slow");
    let mut client = object.connect("").await;
    client.send("message").await;
    host.advance(secs(1)).await;
    assert!(notes.so_far().is_empty());
    assert_eq!(client.next().await.text(), "message");
    assert_eq!(notes.so_far(), ["start", "message"]);
}

// S106
#[tokio::test(start_paused = true)]
async fn abort_undoes_what_was_not_committed_and_restarts() {
    let (_host, object, mut clients, mut notes) = desk().await;
    clients[1].send("write").await;
    assert_eq!(clients[1].next().await.text(), "written");
    clients[0].send("slow").await;
    clients[0].send("abort").await;
    restarted(&object, &mut clients, &mut notes).await;
    assert_eq!(key(&object).await, r#"Some("kept")"#);
    assert!(notes.so_far().is_empty(), "the handler that ran is dropped");
}
