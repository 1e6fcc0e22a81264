//! Refusals of WebSockets by a durable object, and the effects of its errors.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::prelude::{Agents, Close, Error, Message, Result};
use agents::testing::{Received, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{body, param, secs};

/// An object that refuses each client in the way that the query names.
struct Door {
    recorder: Recorder,
}

impl DurableObject for Door {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let how = param(request.uri(), "how").unwrap_or_default();
        let Some(upgrade) = WebSocketUpgrade::take(&mut request) else {
            return match how.as_str() {
                "fail" => Err(Error::msg("not today")),
                "panic" => panic!("on purpose"),
                _ => Ok((StatusCode::IM_A_TEAPOT, "plain").into_response()),
            };
        };
        match how.as_str() {
            "not-found" => return Ok((StatusCode::NOT_FOUND, "no such room").into_response()),
            "teapot" => return Ok(StatusCode::IM_A_TEAPOT.into_response()),
            "unavailable" => return Ok((StatusCode::SERVICE_UNAVAILABLE, "x".repeat(500)).into_response()),
            "ok" => return Ok((StatusCode::OK, "hello").into_response()),
            "refuse" => cx.refuse_web_socket(upgrade, 4001, "not you")?,
            "fail-before" => return Err(Error::msg("not today")),
            "panic-before" => panic!("on purpose"),
            "fail-after" => {
                cx.accept_web_socket(upgrade, ["in"])?.send("in")?;
                return Err(Error::msg("changed my mind"));
            }
            "panic-after" => {
                cx.accept_web_socket(upgrade, ["in"])?.send("in")?;
                panic!("on purpose");
            }
            "panic-much-later" => {
                cx.accept_web_socket(upgrade, ["in"])?.send("in")?;
                tokio::time::sleep(secs(1)).await;
                panic!("on purpose");
            }
            "twice" => {
                let socket = cx.accept_web_socket(upgrade.clone(), ["in"])?;
                let again = cx.accept_web_socket(upgrade, ["in"]);
                socket.send(again.err().map(|error| error.code()).unwrap_or("accepted again"))?;
            }
            "accept-refused" => {
                cx.refuse_web_socket(upgrade.clone(), 4001, "not you")?;
                cx.accept_web_socket(upgrade, ["in"])?;
            }
            _ => drop(cx.accept_web_socket(upgrade, ["in"])?),
        }
        // The response after an accepted WebSocket does not matter.
        Ok(StatusCode::NOT_FOUND.into_response())
    }

    async fn web_socket_message(
        &self,
        _: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        socket.send(message)
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, close: Close) -> Result<()> {
        self.recorder.note(format!("{} {}", socket.id(), close.code));
        Ok(())
    }
}

fn door() -> (TestHost, TestObject, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || {
        let recorder = recorder.clone();
        Agents::new().register_object_with("door", move |_| Door { recorder: recorder.clone() })
    });
    let host = host.expect("the host starts");
    let object = host.object("door", "one");
    (host, object, notes)
}

// S191
#[tokio::test(start_paused = true)]
async fn what_is_not_accepted_is_closed_with_the_status() {
    let (host, object, mut notes) = door();
    for (how, code, reason) in [
        ("not-found", 4404, "no such room"),
        ("teapot", 4418, "I'm a teapot"),
        ("unavailable", 4503, "xxx"),
        ("ok", 4500, "hello"),
        ("refuse", 4001, "not you"),
        ("fail-before", 4400, "not today"),
        ("panic-before", 4500, "Internal error (id "),
        ("accept-refused", 4001, "not you"),
    ] {
        let mut client = object.connect(&format!("how={how}")).await;
        client.try_send("hello?").await;
        let end = client.next().await;
        let Received::Close(got, text) = &end else { panic!("{how}: {end:?}") };
        assert_eq!(*got, code, "{how}: {end:?}");
        assert!(text.starts_with(reason) && text.len() <= 123, "{how}: {end:?}");
        host.advance(secs(1)).await;
        assert_eq!(object.connections(), [], "{how}");
    }
    let ends = notes.so_far();
    let [only] = &ends[..] else { panic!("only one client was accepted: {ends:?}") };
    assert!(
        only.as_str().is_some_and(|end| end.ends_with(" 4001")),
        "the socket that was accepted after its refusal: {only}"
    );
    object.hibernate().await.expect("nothing is left over");
}

// S191
#[tokio::test(start_paused = true)]
async fn an_error_after_the_accept_closes_with_1011() {
    let (host, object, mut notes) = door();
    for (how, reason) in [("fail-after", "changed my mind"), ("panic-much-later", "Internal error (id ")] {
        let mut client = object.connect(&format!("_pk={how}&how={how}")).await;
        assert_eq!(client.next().await.text(), "in", "{how}");
        let end = client.next().await;
        let Received::Close(1011, text) = &end else { panic!("{how}: {end:?}") };
        assert!(text.starts_with(reason), "{how}: {end:?}");
        assert_eq!(client.next().await, Received::Dropped);
        host.advance(secs(1)).await;
        assert_eq!(notes.so_far(), [format!("{how} 1011")], "the close of an accepted socket is reported");
    }
    // A panic in the turn of the accept undoes the accept.
    let mut client = object.connect("how=panic-after").await;
    let end = client.next().await;
    assert!(matches!(&end, Received::Close(1011 | 4500, _)), "{end:?}");
    host.advance(secs(1)).await;
    assert_eq!(object.connections(), []);
}

// S190, S192
#[tokio::test(start_paused = true)]
async fn an_upgrade_is_accepted_once() {
    let (_host, object, _notes) = door();
    let mut client = object.connect("how=twice").await;
    assert_eq!(client.next().await.text(), "already_accepted");
    client.send("hello").await;
    assert_eq!(client.next().await.text(), "hello", "the first accept stays valid");
    assert_eq!(object.connections().len(), 1);
}

// S191
#[tokio::test(start_paused = true)]
async fn plain_requests_have_their_answers() {
    let (_host, object, _notes) = door();
    let answer = object.get("").await;
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(body(answer).await, "plain");
    let answer = object.get("how=fail").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body(answer).await, r#"{"code":"error","message":"not today"}"#);
    let answer = object.get("how=panic").await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body(answer).await.starts_with(r#"{"code":"internal","message":"Internal error (id "#));
}

// S201
#[tokio::test(start_paused = true)]
async fn an_object_without_handlers_answers_404() {
    #[derive(Default)]
    struct Bare;
    impl DurableObject for Bare {}

    let host = TestHost::start(|| Agents::new().register_object::<Bare>("bare").hints(false)).unwrap();
    let object = host.object("bare", "one");
    assert_eq!(object.get("").await.status(), StatusCode::NOT_FOUND);
    let mut client = object.connect("").await;
    assert_eq!(client.next().await, Received::Close(4404, "Not implemented".to_owned()));
}
