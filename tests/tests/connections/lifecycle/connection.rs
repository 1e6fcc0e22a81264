//! The connection object: id, uri, server, sending, and the state of each connection.

use std::sync::Arc;

use agents::prelude::*;
use agents_tests::{Received, TestServer};
use serde_json::Value;

#[wire]
#[derive(Clone, Debug, PartialEq)]
struct Slip {
    text: String,
    count: u32,
}

#[agent(connection = Slip)]
#[derive(Default)]
struct Locker;

#[agent]
impl Locker {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("protocol").as_deref() != Some("off")
    }

    #[callable]
    fn who(&self, cx: &View<Self>, conn: &Connection<Self>) -> (String, String, String, Option<String>) {
        let uri = conn.uri().map(str::to_owned);
        (conn.id().to_owned(), conn.server().to_owned(), cx.name().to_owned(), uri)
    }

    /// Sets the state. Returns the state before, the state right after, and the state in the agent's list of
    /// connections.
    #[callable]
    fn put(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        text: String,
    ) -> Result<Vec<Option<Arc<Slip>>>> {
        let before = conn.try_state()?;
        conn.set_state(Slip { text, count: 0 })?;
        let listed = cx.connection(conn.id()).map(|conn| conn.state()).transpose()?;
        Ok(vec![before, conn.try_state()?, listed])
    }

    #[callable]
    fn get(&self, conn: &Connection<Self>) -> Result<Option<Arc<Slip>>> {
        conn.try_state()
    }

    #[callable]
    fn must_get(&self, conn: &Connection<Self>) -> Result<Arc<Slip>> {
        conn.state()
    }

    /// Updates twice in one event. The second update sees the first.
    #[callable]
    fn bump_twice(&self, conn: &Connection<Self>) -> Result<(Slip, Slip)> {
        let mut seen = Vec::new();
        for _ in 0..2 {
            conn.update_state(|slip| {
                seen.push(slip.clone());
                slip.count += 1;
            })?;
        }
        Ok((seen[0].clone(), seen[1].clone()))
    }

    #[callable]
    fn flags(&self, conn: &Connection<Self>) -> (bool, bool) {
        (conn.is_readonly(), conn.is_protocol_enabled())
    }

    #[callable]
    fn burst(&self, conn: &Connection<Self>, count: u8) -> Result<()> {
        for n in 0..count {
            conn.send(format!("text {n}"))?;
            conn.send(vec![n; 3])?;
            conn.send(&Slip { text: "json".to_owned(), count: n.into() })?;
        }
        Ok(())
    }
}

async fn locker() -> TestServer {
    TestServer::start(Agents::new().register::<Locker>()).await
}

async fn id_of(client: &mut agents_tests::Client) -> String {
    client.call("who", json!([])).await[0].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn s24_ids_are_the_clients_or_random() {
    let server = locker().await;
    let mut first = server.join("/agents/locker/one", false).await;
    let mut second = server.join("/agents/locker/one?_pk=", false).await;
    let mut third = server.join(&format!("/agents/locker/one?_pk={}", "x".repeat(257)), false).await;
    let random = [id_of(&mut first).await, id_of(&mut second).await, id_of(&mut third).await];
    for id in &random {
        assert_eq!(id.len(), 21, "{id}");
    }
    assert!(random[0] != random[1] && random[1] != random[2] && random[0] != random[2]);

    let mut named = server.join("/agents/locker/one?a=1&_pk=b3-7%20x", false).await;
    assert_eq!(id_of(&mut named).await, "b3-7 x");
    // Ids belong to an agent: another agent has its own.
    let mut elsewhere = server.join("/agents/locker/two?_pk=b3-7%20x", false).await;
    assert_eq!(id_of(&mut elsewhere).await, "b3-7 x");
    // The id is free again once the connection is closed.
    named.close(None).await;
    let mut again = server.join("/agents/locker/one?_pk=b3-7%20x", false).await;
    assert_eq!(id_of(&mut again).await, "b3-7 x");
}

#[tokio::test]
async fn s25_s33_uri_and_server_are_those_of_the_upgrade() {
    let server = locker().await;
    for (path, name) in [
        ("/agents/locker/one?_pk=a&q=%C3%A9&q=2", "one"),
        ("//agents/locker/caf%C3%A9/more/path", "caf%C3%A9"),
        ("/agents/locker/one", "one"),
    ] {
        let mut client = server.join(path, false).await;
        let who = client.call("who", json!([])).await;
        assert_eq!((&who[1], &who[2], &who[3]), (&json!(name), &json!(name), &json!(path)));
    }
}

#[tokio::test]
async fn s26_s27_s35_s36_state_is_what_was_set_on_this_connection() {
    let server = locker().await;
    let mut ada = server.join("/agents/locker/one", false).await;
    let mut bob = server.join("/agents/locker/one", false).await;
    assert_eq!(ada.call("get", json!([])).await, json!(null));
    let error = ada.call_error("mustGet", json!([])).await;
    assert!(error.starts_with("Internal error (id "), "{error}");

    let first = json!({ "text": "first", "count": 0 });
    assert_eq!(ada.call("put", json!(["first"])).await, json!([null, first, first]));
    assert_eq!(ada.call("get", json!([])).await, first, "the next event sees it");
    assert_eq!(ada.call("mustGet", json!([])).await, first);
    let second = json!({ "text": "second", "count": 0 });
    assert_eq!(ada.call("put", json!(["second"])).await, json!([first, second, second]));
    // The other connection has its own state.
    assert_eq!(bob.call("get", json!([])).await, json!(null));
    bob.call("put", json!(["bob's"])).await;
    assert_eq!(ada.call("get", json!([])).await, second);
    assert_eq!(bob.call("get", json!([])).await["text"], "bob's");
    // The state ends with the connection, even if the client comes back with the same id.
    ada.close(None).await;
    let mut ada = server.join("/agents/locker/one", false).await;
    assert_eq!(ada.call("get", json!([])).await, json!(null));
}

#[tokio::test]
async fn s27_a_state_that_is_too_large_is_refused_and_changes_nothing() {
    let server = locker().await;
    let mut client = server.join("/agents/locker/one", false).await;
    // `{"text":"…","count":0}` is the JSON of a `Slip`.
    let most = 16 * 1024 - r#"{"text":"","count":0}"#.len();
    client.call("put", json!(["x".repeat(most)])).await;
    let error = client.call_error("put", json!(["y".repeat(most + 1)])).await;
    assert!(error.contains("16384"), "{error}");
    assert_eq!(client.call("get", json!([])).await["text"], "x".repeat(most));
}

#[tokio::test]
async fn s28_updates_compose_and_see_no_flags() {
    let server = locker().await;
    let mut client = server.connect("/agents/locker/one?mode=view&protocol=off").await;
    assert_eq!(client.call("flags", json!([])).await, json!([true, false]));
    client.call("put", json!(["x"])).await;
    let seen = client.call("bumpTwice", json!([])).await;
    assert_eq!(seen, json!([{ "text": "x", "count": 0 }, { "text": "x", "count": 1 }]));
    assert_eq!(client.call("get", json!([])).await, json!({ "text": "x", "count": 2 }));
    assert_eq!(client.call("flags", json!([])).await, json!([true, false]), "setting state clears no flag");

    let mut other = server.join("/agents/locker/one", false).await;
    let error = other.call_error("bumpTwice", json!([])).await;
    assert!(error.starts_with("Internal error (id "), "nothing to update: {error}");
}

#[agent]
#[derive(Default)]
struct Loose;

#[agent]
impl Loose {
    #[hook]
    fn should_connection_be_readonly(&self) -> bool {
        true
    }

    #[callable]
    fn keep(&self, conn: &Connection<Self>, value: Value) -> Result<Value> {
        conn.set_state(value)?;
        let mut previous = Value::Null;
        conn.update_state(|value| previous = value.clone())?;
        Ok(previous)
    }

    #[callable]
    fn flags(&self, conn: &Connection<Self>) -> (bool, bool) {
        (conn.is_readonly(), conn.is_protocol_enabled())
    }
}

#[tokio::test]
async fn s28_any_json_is_kept_and_is_no_way_to_the_flags() {
    let server = TestServer::start(Agents::new().register::<Loose>()).await;
    let mut client = server.join("/agents/loose/one", false).await;
    for value in [
        json!(null),
        json!(0),
        json!(false),
        json!(""),
        json!([]),
        json!({}),
        json!({ "readonly": false, "_cf_readonly": false, "flags": 0, "__pk": null }),
    ] {
        assert_eq!(client.call("keep", json!([value])).await, value);
        assert_eq!(client.call("flags", json!([])).await, json!([true, true]));
    }
}

#[tokio::test]
async fn s29_text_and_bytes_arrive_in_the_order_they_were_sent() {
    let server = locker().await;
    let mut client = server.join("/agents/locker/one", false).await;
    let mut other = server.join("/agents/locker/one", false).await;
    client.call("burst", json!([200])).await;
    let frames = client.drain().await;
    let expected = (0..200_u8).flat_map(|n| {
        [
            Received::Text(format!("text {n}")),
            Received::Binary(vec![n; 3]),
            Received::Text(format!(r#"{{"text":"json","count":{n}}}"#)),
        ]
    });
    assert_eq!(frames, expected.collect::<Vec<_>>());
    assert_eq!(other.drain().await, [], "sent to one connection");
}

#[agent]
#[derive(Default)]
struct Pier;

#[agent]
impl Pier {
    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.broadcast(&json!({ "connected": conn.id() }))
    }

    #[callable]
    fn send_to(&self, cx: &Context<Self>, id: String, text: String) -> Result<bool> {
        match cx.connection(&id) {
            Some(conn) => conn.send(text).map(|()| true),
            None => Ok(false),
        }
    }

    #[callable]
    fn ids(&self, cx: &View<Self>) -> Vec<String> {
        cx.connections().map(|conn| conn.id().to_owned()).collect()
    }
}

#[tokio::test]
async fn s24_a_live_connection_keeps_its_id() {
    let server = TestServer::start(Agents::new().register::<Pier>()).await;
    let mut first = server.join("/agents/pier/one?_pk=me", false).await;
    assert_eq!(first.json().await, json!({ "connected": "me" }));
    // The first client answers the probe because it reads. The frame that it reads announces the new
    // connection.
    let (mut second, news) = tokio::join!(server.join("/agents/pier/one?_pk=me", false), first.json());
    let fresh = news["connected"].as_str().expect("an id").to_owned();
    assert_eq!(fresh.len(), 21, "{fresh}");
    assert_eq!(second.json().await, json!({ "connected": fresh }));
    assert_eq!(second.call("ids", json!([])).await, json!(["me", fresh]));
    assert_eq!(second.call("sendTo", json!(["me", "to the first"])).await, true);
    assert_eq!(first.next().await.text(), "to the first");
    assert_eq!(second.drain().await, []);
}

#[tokio::test]
async fn s24_a_dead_connection_is_replaced() {
    let server = TestServer::start(Agents::new().register::<Pier>()).await;
    let mut first = server.join("/agents/pier/one?_pk=me", false).await;
    first.drain().await;
    // The connection is open, but its client does not read and so cannot answer the probe.
    let _silent = first.into_stream();
    let mut second = server.join("/agents/pier/one?_pk=me", false).await;
    assert_eq!(second.json().await, json!({ "connected": "me" }));
    assert_eq!(second.call("ids", json!([])).await, json!(["me"]));
    assert_eq!(second.call("sendTo", json!(["me", "to the second"])).await, true);
    assert_eq!(second.drain().await, [Received::Text("to the second".to_owned())]);
}
