//! Broadcasts to all connections, to all but some, and from every part of an agent.

use agents::prelude::*;
use agents_tests::{Client, Received, TestServer};

use crate::support::response_text::post;

#[agent]
#[derive(Default)]
struct Hall;

#[agent]
impl Hall {
    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some("typing") => {
                cx.broadcast_except(&json!({ "type": "user-typing", "userId": conn.id() }), [conn.id()])
            }
            Some(text) => cx.broadcast(&json!({ "from": conn.id(), "message": text, "timestamp": cx.now() })),
            None => cx.broadcast(message),
        }
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> Result<&'static str> {
        notify_all(cx, "request")?;
        Ok("told everyone")
    }

    #[callable]
    fn shout(&self, cx: &Context<Self>, text: String) -> Result<()> {
        notify_all(cx, &text)
    }

    #[callable]
    fn shout_later(&self, cx: &Context<Self>, text: String) -> Result<()> {
        let task = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            notify_all(&task, &text)
        })
    }

    #[callable]
    fn shout_except(&self, cx: &Context<Self>, text: String, without: Vec<String>) -> Result<()> {
        cx.broadcast_except(text, without)
    }

    #[callable]
    fn raw(&self, cx: &Context<Self>) -> Result<()> {
        cx.broadcast("text")?;
        cx.broadcast(String::from("string"))?;
        cx.broadcast(vec![0, 255])?;
        cx.broadcast(&json!(["json", 1]))
    }
}

/// Broadcasts from a function that is neither a hook nor a callable.
fn notify_all(cx: &Context<Hall>, event: &str) -> Result<()> {
    cx.broadcast(&json!({ "event": event }))
}

async fn hall() -> (TestServer, [Client; 3]) {
    let server = TestServer::start(Agents::new().register::<Hall>()).await;
    let a = server.join("/agents/hall/one?_pk=a", false).await;
    let b = server.join("/agents/hall/one?_pk=b", false).await;
    let c = server.join("/agents/hall/one?_pk=c", false).await;
    (server, [a, b, c])
}

#[tokio::test]
async fn s38_s41_a_broadcast_reaches_everyone_once_with_its_sender() {
    let (server, [mut a, b, c]) = hall().await;
    let mut elsewhere = server.join("/agents/hall/two", false).await;
    let before = now();
    a.send("hello").await;
    for mut client in [a, b, c] {
        let frame = client.json().await;
        assert_eq!((&frame["from"], &frame["message"]), (&json!("a"), &json!("hello")));
        let timestamp = frame["timestamp"].as_u64().expect("milliseconds");
        assert!((before..=now()).contains(&timestamp), "{timestamp}");
        assert_eq!(client.drain().await, []);
    }
    assert_eq!(elsewhere.drain().await, [], "another agent");
}

fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the end of time")
}

#[tokio::test]
async fn s38_text_bytes_and_json_can_be_broadcast() {
    let (_server, [mut a, mut b, _c]) = hall().await;
    a.call("raw", json!([])).await;
    let expected = [
        Received::Text("text".to_owned()),
        Received::Text("string".to_owned()),
        Received::Binary(vec![0, 255]),
        Received::Text(r#"["json",1]"#.to_owned()),
    ];
    assert_eq!(a.drain().await, expected);
    assert_eq!(b.drain().await, expected);
}

#[tokio::test]
async fn s39_anything_of_the_agent_can_broadcast() {
    let (server, mut clients) = hall().await;
    assert_eq!(post(&server, "/agents/hall/one", "").await, (200, "told everyone".to_owned()));
    clients[0].call("shout", json!(["call"])).await;
    clients[1].call("shoutLater", json!(["task"])).await;
    for client in &mut clients {
        for event in ["request", "call", "task"] {
            assert_eq!(client.json().await, json!({ "event": event }));
        }
    }
}

#[tokio::test]
async fn s40_excluded_ids_get_nothing_and_unknown_ones_do_not_matter() {
    let (_server, [mut a, mut b, mut c]) = hall().await;
    a.call("shoutExcept", json!(["not a", ["a"]])).await;
    a.call("shoutExcept", json!(["not a, b", ["b", "unused", "a", "a"]])).await;
    a.call("shoutExcept", json!(["all", ["unused", ""]])).await;
    a.call("shoutExcept", json!(["none", ["a", "b", "c"]])).await;
    let text = |text: &str| Received::Text(text.to_owned());
    assert_eq!(a.drain().await, [text("all")]);
    assert_eq!(b.drain().await, [text("not a"), text("all")]);
    assert_eq!(c.drain().await, [text("not a"), text("not a, b"), text("all")]);
}

#[tokio::test]
async fn s42_typing_is_shown_to_the_others() {
    let (_server, [mut a, mut b, mut c]) = hall().await;
    b.send("typing").await;
    for client in [&mut a, &mut c] {
        assert_eq!(client.json().await, json!({ "type": "user-typing", "userId": "b" }));
    }
    assert_eq!(b.drain().await, []);
}

#[tokio::test]
async fn s38_a_connection_that_is_gone_is_passed_over() {
    let (_server, [mut a, b, c]) = hall().await;
    b.close(None).await;
    drop(c.into_stream());
    for n in 0..100 {
        a.call("shout", json!([n.to_string()])).await;
    }
    assert_eq!(a.drain().await.len(), 100);
}
