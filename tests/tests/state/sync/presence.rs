//! Presence: the clients of an agent, and the messages between them.

use std::collections::BTreeMap;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Client, TestServer};

#[wire]
#[derive(Clone)]
struct Guest {
    name: String,
    last_seen: u64,
}

#[wire]
#[serde(tag = "type")]
enum Said {
    Presence { users: BTreeMap<String, Guest> },
    Join { user: String, timestamp: u64 },
    Message { user: String, text: String, timestamp: u64 },
    Leave { user: String, timestamp: u64 },
}

/// A lobby. A client without a name is `Anonymous`, and `?token=bad` is refused.
#[agent(connection = Guest)]
#[derive(Default)]
struct Lobby;

#[agent]
impl Lobby {
    #[hook]
    fn should_send_protocol_messages(&self) -> bool {
        false
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>, req: &ConnectRequest) -> Result<()> {
        if req.query("token").as_deref() == Some("bad") {
            return conn.close(4001, "unauthorized");
        }
        let name = req.query("name").map_or("Anonymous".to_owned(), |name| name.into_owned());
        conn.set_state(Guest { name: name.clone(), last_seen: 0 })?;
        let presence = self.presence(cx)?;
        conn.send(&presence)?;
        cx.broadcast_except(&presence, [conn.id()])?;
        cx.broadcast_except(&Said::Join { user: name, timestamp: cx.now() }, [conn.id()])
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some("ping") => {
                conn.update_state(|guest| guest.last_seen = cx.now())?;
                conn.send("pong")
            }
            Some(text) => cx.broadcast(&Said::Message {
                user: conn.state()?.name.clone(),
                text: text.to_owned(),
                timestamp: cx.now(),
            }),
            None => Ok(()),
        }
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        let Some(guest) = conn.try_state()? else { return Ok(()) };
        cx.broadcast(&self.presence(cx)?)?;
        cx.broadcast(&Said::Leave { user: guest.name.clone(), timestamp: cx.now() })
    }

    #[callable]
    fn here(&self, cx: &Context<Self>) -> Result<Said> {
        self.presence(cx)
    }

    fn presence(&self, cx: &Context<Self>) -> Result<Said> {
        let mut users = BTreeMap::new();
        for conn in cx.connections() {
            if let Some(guest) = conn.try_state()? {
                users.insert(conn.id().to_owned(), Guest::clone(&guest));
            }
        }
        Ok(Said::Presence { users })
    }
}

async fn lobby() -> TestServer {
    TestServer::start(Agents::new().register::<Lobby>()).await
}

async fn enter(server: &TestServer, id: &str, name: &str) -> Client {
    let mut client = server.connect(&format!("/agents/lobby/a?_pk={id}&name={name}")).await;
    assert_eq!(client.json().await["users"][id]["name"], name, "the snapshot has the newcomer");
    client
}

/// Returns the frame without its time, which must exist.
fn untimed(mut frame: Value) -> Value {
    let time = frame.as_object_mut().and_then(|frame| frame.remove("timestamp"));
    assert!(time.and_then(|time| time.as_u64()) > Some(1_600_000_000_000), "milliseconds since 1970");
    frame
}

fn names(presence: &Value) -> Vec<&str> {
    assert_eq!(presence["type"], "presence", "{presence}");
    let users = presence["users"].as_object().expect("a map");
    users.values().map(|guest| guest["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn s80_s81_s85_the_newcomer_gets_a_map_by_connection_id() {
    let server = lobby().await;
    let _ada = enter(&server, "1", "Ada").await;
    let mut nameless = server.connect("/agents/lobby/a?_pk=2").await;
    let guest = |name| json!({ "name": name, "lastSeen": 0 });
    assert_eq!(
        nameless.json().await,
        json!({ "type": "presence", "users": { "1": guest("Ada"), "2": guest("Anonymous") } })
    );
    // Two connections of the same person are two entries.
    let mut again = server.connect("/agents/lobby/a?_pk=3&name=Ada").await;
    assert_eq!(names(&again.json().await), ["Ada", "Anonymous", "Ada"]);
}

#[tokio::test]
async fn s82_s83_s86_the_others_hear_of_those_who_come_and_go() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    let mut bob = enter(&server, "2", "Bob").await;
    assert_eq!(names(&ada.json().await), ["Ada", "Bob"]);
    assert_eq!(untimed(ada.json().await), json!({ "type": "join", "user": "Bob" }));
    assert_eq!(bob.drain().await, [], "a client is not told of its own join");
    bob.close(Some((1000, "bye"))).await;
    // The agent cleans up no data: the closed connection and its state are removed by the runtime.
    assert_eq!(names(&ada.json().await), ["Ada"]);
    assert_eq!(untimed(ada.json().await), json!({ "type": "leave", "user": "Bob" }));
    assert_eq!(names(&ada.call("here", json!([])).await), ["Ada"]);
}

#[tokio::test]
async fn s83_a_connection_that_drops_is_gone_as_well() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    let bob = enter(&server, "2", "Bob").await;
    assert_eq!(names(&ada.json().await), ["Ada", "Bob"]);
    ada.json().await;
    drop(bob.into_stream());
    assert_eq!(names(&ada.json().await), ["Ada"]);
    assert_eq!(untimed(ada.json().await), json!({ "type": "leave", "user": "Bob" }));
}

#[tokio::test]
async fn s84_a_heartbeat_is_the_users_own() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    ada.send("ping").await;
    assert_eq!(ada.next().await.text(), "pong");
    let seen = ada.call("here", json!([])).await["users"]["1"]["lastSeen"].as_u64().expect("a time");
    assert!(seen > 1_600_000_000_000, "the hook answered, not an auto-response");
    ada.send("ping").await;
    assert_eq!(ada.next().await.text(), "pong");
    assert!(ada.call("here", json!([])).await["users"]["1"]["lastSeen"].as_u64() >= Some(seen));
}

#[tokio::test]
async fn s87_a_message_reaches_everyone_and_its_sender() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    let mut bob = enter(&server, "2", "Bob").await;
    ada.drain().await;
    ada.send("hello, \"world\"").await;
    let expected = json!({ "type": "message", "user": "Ada", "text": "hello, \"world\"" });
    assert_eq!(untimed(ada.json().await), expected);
    assert_eq!(untimed(bob.json().await), expected);
}

#[tokio::test]
async fn s88_who_never_came_in_does_not_leave() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    let mut stranger = server.connect("/agents/lobby/a?token=bad").await;
    assert_eq!(stranger.end().await, agents_tests::Received::Close(4001, "unauthorized".to_owned()));
    drop(stranger);
    // A leave of the stranger would arrive before that of the next client.
    let bob = enter(&server, "2", "Bob").await;
    bob.close(None).await;
    let types: Vec<_> = [ada.json().await, ada.json().await, ada.json().await, ada.json().await].into();
    assert_eq!(names(&types[0]), ["Ada", "Bob"]);
    assert_eq!(untimed(types[3].clone()), json!({ "type": "leave", "user": "Bob" }));
    assert_eq!(ada.drain().await, []);
}

#[tokio::test]
async fn s89_bytes_are_not_a_message() {
    let server = lobby().await;
    let mut ada = enter(&server, "1", "Ada").await;
    let mut bob = enter(&server, "2", "Bob").await;
    ada.drain().await;
    ada.send_bytes(b"hello".to_vec()).await;
    assert_eq!(ada.drain().await, []);
    assert_eq!(bob.drain().await, []);
}

#[test]
fn s90_the_messages_have_one_typed_shape() {
    use agents::serde_json::{from_value, to_value};
    let guest = Guest { name: "Ada".to_owned(), last_seen: 1 };
    for (said, expected) in [
        (
            Said::Message { user: "Ada".to_owned(), text: "hi".to_owned(), timestamp: 5 },
            json!({ "type": "message", "user": "Ada", "text": "hi", "timestamp": 5 }),
        ),
        (
            Said::Join { user: "Ada".to_owned(), timestamp: 5 },
            json!({ "type": "join", "user": "Ada", "timestamp": 5 }),
        ),
        (
            Said::Leave { user: "Ada".to_owned(), timestamp: 5 },
            json!({ "type": "leave", "user": "Ada", "timestamp": 5 }),
        ),
        (
            Said::Presence { users: BTreeMap::from([("1".to_owned(), guest)]) },
            json!({ "type": "presence", "users": { "1": { "name": "Ada", "lastSeen": 1 } } }),
        ),
    ] {
        let json = to_value(&said).expect("JSON");
        assert_eq!(json, expected);
        let back: Said = from_value(json).expect("the same shape");
        assert_eq!(to_value(&back).expect("JSON"), expected);
    }
    assert!(from_value::<Said>(json!({ "type": "shout", "user": "Ada" })).is_err());
}
