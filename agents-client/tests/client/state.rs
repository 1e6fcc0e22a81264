//! The local copy of the state over a real socket.

use crate::support::{Server, soon};
use agents_client::StreamExt;
use serde_json::json;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Room {
    topic: String,
}

fn room(topic: &str) -> Room {
    Room { topic: topic.to_owned() }
}

#[tokio::test]
async fn the_state_is_there_with_the_identity_and_follows_changes() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    assert_eq!(client.state_as::<Room>().unwrap(), None);
    peer.greet(json!({ "topic": "one" })).await;
    let identity = soon(client.identity()).await.unwrap();
    assert_eq!((identity.name.as_str(), identity.agent.as_str()), ("lobby", "chat-room"));
    assert_eq!(client.state_as::<Room>().unwrap(), Some(room("one")));
    let mut changes = client.state();
    assert_eq!(soon(changes.next()).await.unwrap().unwrap(), json!({ "topic": "one" }));
    peer.send(r#"{"state":{"topic":"two"},"type":"cf_agent_state"}"#).await;
    assert_eq!(soon(changes.next()).await.unwrap().unwrap(), json!({ "topic": "two" }));
    peer.send(r#"{"state":7,"type":"cf_agent_state"}"#).await;
    assert_eq!(soon(changes.next()).await.unwrap().unwrap(), 7);
    assert_eq!(client.state_as::<Room>().unwrap_err().code(), "deserialize");
    assert_eq!(client.state().get().unwrap(), Some(json!(7)));
    let mut servers = client.mcp_servers();
    let list = soon(servers.wait_for(Option::is_some)).await.unwrap().clone();
    assert_eq!(list.unwrap()["tools"], json!([]));
    let (closed, _) = soon(async { tokio::join!(client.close(1000, ""), peer.closed()) }).await;
    closed.unwrap();
    assert!(soon(changes.next()).await.is_none());
}

#[tokio::test]
async fn a_state_is_sent_and_a_refusal_comes_out_and_takes_it_back() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    peer.greet(json!({ "topic": "one" })).await;
    soon(client.identity()).await.unwrap();
    client.set_state(&room("two")).await.unwrap();
    assert_eq!(client.state_as::<Room>().unwrap(), Some(room("two")));
    assert_eq!(soon(peer.json()).await, json!({ "type": "cf_agent_state", "state": { "topic": "two" } }));
    peer.send(r#"{"type":"cf_agent_state_error","error":"Connection is readonly"}"#).await;
    let mut rejections = client.state_rejections();
    assert_eq!(soon(rejections.next()).await.unwrap().unwrap(), "Connection is readonly");
    assert_eq!(client.state_as::<Room>().unwrap(), Some(room("one")));
}

#[tokio::test]
async fn a_state_set_while_offline_wins_over_the_greeting() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    peer.greet(json!("old")).await;
    soon(client.identity()).await.unwrap();
    let mut status = client.status();
    peer.close(1012, "").await;
    soon(status.wait_for(|status| !status.is_open())).await.unwrap();
    client.set_state("mine").await.unwrap();
    let mut peer = soon(server.accept()).await;
    assert_eq!(soon(peer.json()).await["state"], "mine");
    peer.greet(json!("old")).await;
    soon(client.identity()).await.unwrap();
    assert_eq!(client.state_as::<String>().unwrap().unwrap(), "mine");
}
