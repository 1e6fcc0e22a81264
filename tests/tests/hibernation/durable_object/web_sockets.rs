//! The WebSockets of a durable object without the agent layer: tags, selections, attachments.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{
    DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade, WebSockets,
};
use agents::prelude::{Agents, Close, Message, Result, json};
use agents::serde_json::Value;
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, NAP, param, secs};

/// An object that follows orders in JSON.
struct Room {
    recorder: Recorder,
}

impl Room {
    async fn help(&self, socket: &WebSocket) -> Result<()> {
        tokio::task::yield_now().await;
        socket.send("helped")
    }
}

impl DurableObject for Room {
    async fn start(&mut self, _: &ObjectContext) -> Result<()> {
        self.recorder.note("start");
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let tags = param(request.uri(), "tags").unwrap_or_default();
        let tags: Vec<_> = tags.split(',').filter(|tag| !tag.is_empty()).collect();
        let Some(upgrade) = WebSocketUpgrade::take(&mut request) else {
            return Ok((StatusCode::OK, "a room").into_response());
        };
        assert_eq!(Some(upgrade.id()), param(request.uri(), "_pk").as_deref());
        let socket = cx.accept_web_socket(upgrade, tags)?;
        if param(request.uri(), "greet").is_some() {
            socket.send("accepted")?;
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let order: Value = message.json()?;
        match order["do"].as_str().unwrap_or_default() {
            "find" => {
                let found = select(cx, &order["among"]);
                let ids: Vec<_> = found.list().iter().map(|socket| socket.id().to_owned()).collect();
                assert_eq!(found.count(), ids.len());
                socket.send(&json!(ids))
            }
            "say" => select(cx, &order["among"]).send(order["text"].as_str().unwrap_or_default()),
            "help" => self.help(socket).await,
            "say to others" => cx.get_web_sockets().except([socket]).send("others"),
            "tags" => socket.send(&json!({ "tags": cx.get_tags(socket), "uri": socket.uri() })),
            "attach" => match socket.serialize_attachment(&order["value"]) {
                Ok(()) => socket.send("attached"),
                Err(error) => socket.send(format!("{}: {error}", error.code())),
            },
            "attach twice" => {
                socket.serialize_attachment(&"first")?;
                socket.serialize_attachment(&"second")
            }
            "attach and panic" => {
                socket.serialize_attachment(&"lost")?;
                cx.get_web_sockets().send("lost")?;
                panic!("on purpose");
            }
            "attached" => socket.send(&json!(socket.deserialize_attachment::<Value>()?)),
            "attached number" => match socket.deserialize_attachment::<u32>() {
                Ok(number) => socket.send(&json!(number)),
                Err(_) => socket.send("no number"),
            },
            "close others" => {
                for other in cx.get_web_sockets().except([socket]) {
                    other.close(3000, "out")?;
                    assert!(!other.is_open());
                }
                socket.send(&json!(cx.get_web_sockets().count()))
            }
            other => socket.send(format!("what is {other:?}?")),
        }
    }

    async fn web_socket_close(&self, cx: &ObjectContext, socket: &WebSocket, close: Close) -> Result<()> {
        self.recorder.note(json!({
            "closed": socket.id(),
            "tags": socket.tags(),
            "attached": socket.deserialize_attachment::<Value>()?,
            "code": close.code,
            "left": cx.get_web_sockets().count(),
        }));
        Ok(())
    }
}

/// Narrows the selection step by step.
fn select(cx: &ObjectContext, among: &Value) -> WebSockets {
    let list = |name: &str| -> Option<Vec<String>> {
        let list = among[name].as_array()?;
        Some(list.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect())
    };
    let mut sockets = cx.get_web_sockets();
    for tag in list("tag").unwrap_or_default() {
        sockets = sockets.tag(tag);
    }
    if let Some(tags) = list("all") {
        sockets = sockets.all_tags(tags);
    }
    if let Some(tags) = list("any") {
        sockets = sockets.any_tag(tags);
    }
    sockets
}

fn room() -> (TestHost, TestObject, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || {
        let recorder = recorder.clone();
        Agents::new().register_object_with("room", move |_| Room { recorder: recorder.clone() })
    });
    let host = host.expect("the host starts");
    let object = host.object("room", "one");
    (host, object, notes)
}

async fn order(client: &mut TestConnection, order: Value) {
    client.send(order.to_string()).await;
}

/// Opens four sockets: without tags, with one of the two tags each, and with both.
async fn four(object: &TestObject) -> Vec<TestConnection> {
    let mut clients = Vec::new();
    for query in ["_pk=none", "_pk=a&tags=a", "_pk=b&tags=b", "_pk=ab&tags=a,b"] {
        clients.push(object.connect(query).await);
    }
    clients
}

/// Returns selections and the ids of the sockets that they contain.
fn truth_table() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!({}), &["none", "a", "b", "ab"]),
        (json!({ "tag": ["a"] }), &["a", "ab"]),
        (json!({ "tag": ["b"] }), &["b", "ab"]),
        (json!({ "tag": ["a", "b"] }), &["ab"]),
        (json!({ "tag": ["ghost"] }), &[]),
        (json!({ "all": ["a", "b"] }), &["ab"]),
        (json!({ "all": ["b", "a", "a"] }), &["ab"]),
        (json!({ "all": ["a", "ghost"] }), &[]),
        (json!({ "all": [] }), &["none", "a", "b", "ab"]),
        (json!({ "any": ["a", "b"] }), &["a", "b", "ab"]),
        (json!({ "any": ["a", "ghost"] }), &["a", "ab"]),
        (json!({ "any": ["ghost"] }), &[]),
        (json!({ "any": [] }), &[]),
        (json!({ "tag": ["a"], "any": ["b"] }), &["ab"]),
        (json!({ "all": ["b"], "any": ["a", "b"] }), &["b", "ab"]),
    ]
}

// S185, S202: the socket is accepted and belongs to the gateway. The connect does not keep the object awake,
// and the next handler waits for another method.
#[tokio::test(start_paused = true)]
async fn after_the_accept_the_object_may_sleep_at_once() {
    let (host, object, mut notes) = room();
    let mut client = object.connect("_pk=a&tags=red").await;
    object.hibernate().await.unwrap();
    assert!(!object.is_awake());
    assert_eq!(notes.so_far(), ["start"]);
    order(&mut client, json!({ "do": "help" })).await;
    assert_eq!(client.next().await.text(), "helped");
    host.shutdown().await;
}

// S187, S194, S195, S196
#[tokio::test(start_paused = true)]
async fn sockets_are_found_by_their_tags_awake_and_after_sleep() {
    let (_host, object, _notes) = room();
    let mut clients = four(&object).await;
    for sleeps in [false, true] {
        for (among, expected) in truth_table() {
            if sleeps {
                object.hibernate().await.unwrap();
            }
            order(&mut clients[0], json!({ "do": "find", "among": among })).await;
            assert_eq!(clients[0].json().await, json!(expected), "{among}, sleeps: {sleeps}");
        }
    }
}

// S197, S198
#[tokio::test(start_paused = true)]
async fn a_message_reaches_whom_its_tags_mean_awake_and_after_sleep() {
    let (_host, object, _notes) = room();
    let mut clients = four(&object).await;
    for sleeps in [false, true] {
        for (among, expected) in truth_table() {
            if sleeps {
                object.hibernate().await.unwrap();
            }
            order(&mut clients[0], json!({ "do": "say", "among": among, "text": "it" })).await;
            order(&mut clients[0], json!({ "do": "say", "text": "end" })).await;
            for (client, id) in clients.iter_mut().zip(["none", "a", "b", "ab"]) {
                if expected.contains(&id) {
                    assert_eq!(client.next().await.text(), "it", "{among} {id}");
                }
                assert_eq!(client.next().await.text(), "end", "{among} {id}");
            }
        }
    }
    object.hibernate().await.unwrap();
    order(&mut clients[1], json!({ "do": "say to others" })).await;
    for index in [0, 2, 3] {
        assert_eq!(clients[index].next().await.text(), "others");
    }
    order(&mut clients[1], json!({ "do": "say", "text": "end" })).await;
    assert_eq!(clients[1].next().await.text(), "end");
}

// S190, S191, S193
#[tokio::test(start_paused = true)]
async fn tags_keep_their_order_and_lose_what_is_double() {
    let (_host, object, _notes) = room();
    let mut client = object.connect("_pk=x&tags=b,a,b,c,a&greet=1").await;
    assert_eq!(client.next().await.text(), "accepted");
    for _ in 0..2 {
        order(&mut client, json!({ "do": "tags" })).await;
        let told = json!({ "tags": ["b", "a", "c"], "uri": "/agents/room/one?_pk=x&tags=b,a,b,c,a&greet=1" });
        assert_eq!(client.json().await, told);
        object.hibernate().await.unwrap();
    }
}

// S193
#[tokio::test(start_paused = true)]
async fn tags_have_limits() {
    let (_host, object, _notes) = room();
    let list = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>().join(",");
    let mut client = object.connect(&format!("_pk=ten&tags={},t0&greet=1", list(10))).await;
    assert_eq!(client.next().await.text(), "accepted", "a double one does not count");
    let mut client = object.connect(&format!("_pk=long&tags={}&greet=1", "x".repeat(256))).await;
    assert_eq!(client.next().await.text(), "accepted");
    for tags in [list(11), "x".repeat(257)] {
        let mut client = object.connect(&format!("_pk=x&tags={tags}")).await;
        let end = client.next().await;
        assert!(matches!(end, Received::Close(4500, _)), "{end:?}");
    }
}

// S199, S205
#[tokio::test(start_paused = true)]
async fn an_attachment_is_any_value_and_the_last_one_counts() {
    let (host, object, mut notes) = room();
    let mut client = object.connect("_pk=me&tags=a").await;
    order(&mut client, json!({ "do": "attached" })).await;
    assert_eq!(client.json().await, json!(null), "nothing yet");
    for value in [
        json!(null),
        json!(true),
        json!(-1.5),
        json!("é\u{0}\n"),
        json!([1, [2, []]]),
        json!({ "user": { "name": "Ada", "roles": ["x"] }, "": 0 }),
    ] {
        order(&mut client, json!({ "do": "attach", "value": value })).await;
        assert_eq!(client.next().await.text(), "attached");
        host.advance(NAP).await;
        assert!(!object.is_awake());
        assert_eq!(object.connections()[0].attachment, Some(value.clone()));
        order(&mut client, json!({ "do": "attached" })).await;
        assert_eq!(client.json().await, value);
    }
    order(&mut client, json!({ "do": "attached number" })).await;
    assert_eq!(client.next().await.text(), "no number", "another type is an error and not a panic");
    order(&mut client, json!({ "do": "attach twice" })).await;
    order(&mut client, json!({ "do": "attached" })).await;
    assert_eq!(client.json().await, "second");
    notes.so_far();
    object.hibernate().await.unwrap();
    client.close(None).await;
    assert_eq!(notes.next().await, "start");
    let told = json!({ "closed": "me", "tags": ["a"], "attached": "second", "code": 1005, "left": 0 });
    assert_eq!(notes.next().await, told);
}

// S205
#[tokio::test(start_paused = true)]
async fn an_attachment_has_a_limit() {
    let (_host, object, _notes) = room();
    let mut client = object.connect("_pk=me").await;
    // Two bytes are the quotes.
    let most = "x".repeat(16 * 1024 - 2);
    order(&mut client, json!({ "do": "attach", "value": most })).await;
    assert_eq!(client.next().await.text(), "attached");
    order(&mut client, json!({ "do": "attach", "value": format!("{most}x") })).await;
    let error = client.next().await.text();
    assert!(error.starts_with("attachment_too_big: ") && error.contains("16384"), "{error}");
    assert!(error.contains("16385"), "{error}");
    object.hibernate().await.unwrap();
    order(&mut client, json!({ "do": "attached" })).await;
    assert_eq!(client.json().await, most, "the one before stays");
}

// S205
#[tokio::test(start_paused = true)]
async fn an_attachment_is_undone_with_its_turn() {
    let (_host, object, mut notes) = room();
    let mut client = object.connect("_pk=me").await;
    order(&mut client, json!({ "do": "attach", "value": "kept" })).await;
    assert_eq!(client.next().await.text(), "attached");
    notes.so_far();
    order(&mut client, json!({ "do": "attach and panic" })).await;
    order(&mut client, json!({ "do": "attached" })).await;
    assert_eq!(client.json().await, "kept", "and nothing was sent");
    assert_eq!(notes.so_far(), ["start"], "a new value handles what comes after a panic");
    object.hibernate().await.unwrap();
    assert_eq!(object.connections()[0].attachment, Some(json!("kept")));
}

// S164, S199
#[tokio::test(start_paused = true)]
async fn a_socket_that_was_closed_here_is_not_listed() {
    let (host, object, mut notes) = room();
    let mut clients = four(&object).await;
    object.hibernate().await.unwrap();
    order(&mut clients[3], json!({ "do": "close others" })).await;
    assert_eq!(clients[3].json().await, 1);
    for client in &mut clients[..3] {
        assert_eq!(client.next().await, Received::Close(3000, "out".to_owned()));
        assert_eq!(client.next().await, Received::Dropped);
    }
    host.advance(secs(1)).await;
    let told: Vec<_> = notes.so_far().into_iter().filter(|note| note["code"] == 3000).collect();
    assert_eq!(told.len(), 3, "every close is reported once");
    assert_eq!(object.connections().len(), 1);
}

// S71, S194
#[tokio::test(start_paused = true)]
async fn a_crash_and_a_restart_leave_no_socket_behind() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, object, _notes) = room();
        let mut clients = four(&object).await;
        let host = loss.happen(host, "room", "one").await;
        for client in &mut clients {
            assert!(matches!(client.end().await, Received::Close(1011 | 1001, _)));
        }
        let mut client = host.object("room", "one").connect("_pk=new").await;
        order(&mut client, json!({ "do": "find", "among": {} })).await;
        assert_eq!(client.json().await, json!(["new"]), "{loss:?}");
    }
}

// S62, S186, S203
#[tokio::test(start_paused = true)]
async fn a_last_message_in_front_of_a_close_is_handled() {
    let (_host, object, mut notes) = room();
    let mut witness = object.connect("_pk=witness").await;
    let mut client = object.connect("_pk=me").await;
    object.hibernate().await.unwrap();
    notes.so_far();
    order(&mut client, json!({ "do": "say", "text": "my last words" })).await;
    client.close(Some((1000, ""))).await;
    assert_eq!(witness.next().await.text(), "my last words");
    assert_eq!(notes.next().await, "start");
    assert_eq!(notes.next().await["closed"], "me");
}

// S204
#[tokio::test(start_paused = true)]
async fn an_object_reaches_thousands_of_sockets_after_sleep() {
    let (_host, object, _notes) = room();
    let mut clients = Vec::new();
    for n in 0..2_000 {
        clients.push(object.connect(&format!("_pk={n}&tags=t{}", n % 1_000)).await);
    }
    object.hibernate().await.unwrap();
    order(&mut clients[0], json!({ "do": "find", "among": { "tag": ["t7"] } })).await;
    assert_eq!(clients[0].json().await, json!(["7", "1007"]));
    object.hibernate().await.unwrap();
    order(&mut clients[1_999], json!({ "do": "say", "text": "to all" })).await;
    for client in &mut clients {
        assert_eq!(client.next().await.text(), "to all");
    }
    assert_eq!(object.connections().len(), 2_000);
}
