//! The list of connections: its members, and the times at which they are added and removed.

use std::sync::Arc;

use agents::prelude::*;
use agents_tests::{Client, Received, Recorder, TestServer, recorder};
use serde_json::Value;
use tokio::sync::Semaphore;

/// The recorder of the hooks, and the signal that a slow connect hook waits for.
struct Desk {
    recorder: Recorder,
    enter: Semaphore,
}

#[agent(env = Arc<Desk>)]
#[derive(Default)]
struct Lobby;

#[agent]
impl Lobby {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    async fn on_connect(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        req: &ConnectRequest,
    ) -> Result<()> {
        if req.query("slow").is_some() {
            cx.env().recorder.note("slow one waits");
            let _pass = cx.env().enter.acquire().await?;
            conn.send("come in")?;
        }
        Ok(())
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, _message: Message) -> Result<()> {
        conn.close(4000, "asked to")?;
        // The connection is removed from the list at once, and not only when the client has answered.
        cx.env().recorder.note(json!(["closing", ids(cx), found(cx, conn.id())]));
        Ok(())
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) {
        cx.env().recorder.note(json!(["closed", ids(cx), found(cx, conn.id())]));
    }

    #[callable]
    fn ids(&self, cx: &Context<Self>) -> Vec<String> {
        ids(cx)
    }

    #[callable]
    fn find(&self, cx: &View<Self>, id: String) -> Option<Value> {
        cx.connection(&id).map(|conn| json!({ "id": conn.id(), "readonly": conn.is_readonly() }))
    }
}

fn ids(cx: &Context<Lobby>) -> Vec<String> {
    cx.connections().map(|conn| conn.id().to_owned()).collect()
}

fn found(cx: &Context<Lobby>, id: &str) -> bool {
    cx.connection(id).is_some()
}

async fn lobby() -> (TestServer, agents_tests::Notes, Arc<Desk>) {
    let (recorder, notes) = recorder();
    let desk = Arc::new(Desk { recorder, enter: Semaphore::new(0) });
    let server = TestServer::start(Agents::new().register::<Lobby>().env(desk.clone())).await;
    (server, notes, desk)
}

async fn join(server: &TestServer, query: &str) -> Client {
    server.join(&format!("/agents/lobby/one?{query}"), false).await
}

#[tokio::test]
async fn s50_the_list_has_the_open_connections_oldest_first() {
    let (server, mut notes, _desk) = lobby().await;
    let mut c = join(&server, "_pk=c").await;
    let a = join(&server, "_pk=a").await;
    let mut b = join(&server, "_pk=b").await;
    let _elsewhere = server.join("/agents/lobby/two?_pk=d", false).await;
    assert_eq!(b.call("ids", json!([])).await, json!(["c", "a", "b"]));

    a.close(Some((1000, ""))).await;
    assert_eq!(notes.next().await, json!(["closed", ["c", "b"], false]));
    assert_eq!(b.call("ids", json!([])).await, json!(["c", "b"]));

    c.send("close me").await;
    assert_eq!(notes.next().await, json!(["closing", ["b"], false]));
    assert_eq!(c.end().await, Received::Close(4000, "asked to".to_owned()));
    assert_eq!(c.end().await, Received::Dropped);
    assert_eq!(notes.next().await, json!(["closed", ["b"], false]));
    assert_eq!(b.call("ids", json!([])).await, json!(["b"]));
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s50_a_connection_is_listed_once_it_is_accepted() {
    let (server, mut notes, desk) = lobby().await;
    let mut first = join(&server, "_pk=first").await;
    let mut slow = server.connect("/agents/lobby/one?_pk=slow&slow").await;
    assert_eq!(notes.next().await, "slow one waits");
    assert_eq!(first.call("ids", json!([])).await, json!(["first", "slow"]));
    // Its own messages wait for its connect hook. Messages of other connections do not.
    slow.start_call("ids", json!([])).await;
    let third = join(&server, "_pk=third").await;
    third.close(None).await;
    assert_eq!(notes.next().await, json!(["closed", ["first", "slow"], false]));
    desk.enter.add_permits(1);
    slow.greeting(false).await;
    assert_eq!(slow.next().await.text(), "come in");
    assert_eq!(slow.json().await["result"], json!(["first", "slow"]));
}

#[tokio::test]
async fn s52_s53_a_connection_is_found_by_its_id() {
    let (server, mut notes, _desk) = lobby().await;
    let mut a = join(&server, "_pk=a").await;
    let b = join(&server, "_pk=b&mode=view").await;
    assert_eq!(a.call("find", json!(["a"])).await, json!({ "id": "a", "readonly": false }));
    assert_eq!(a.call("find", json!(["b"])).await, json!({ "id": "b", "readonly": true }));
    for id in ["c", "", "A"] {
        assert_eq!(a.call("find", json!([id])).await, json!(null), "{id}");
    }
    b.close(None).await;
    assert_eq!(notes.next().await[0], "closed");
    assert_eq!(a.call("find", json!(["b"])).await, json!(null));
}

#[tokio::test]
async fn s50_every_connection_of_many_is_listed() {
    let (server, mut notes, _desk) = lobby().await;
    let mut clients = Vec::new();
    for n in 0..100 {
        clients.push(join(&server, &format!("_pk={n}")).await);
    }
    let mut last = clients.pop().expect("a hundredth");
    let all: Vec<String> = (0..100).map(|n: u32| n.to_string()).collect();
    assert_eq!(last.call("ids", json!([])).await, json!(all));
    for client in clients {
        client.close(None).await;
    }
    for _ in 0..99 {
        assert_eq!(notes.next().await[0], "closed");
    }
    assert_eq!(last.call("ids", json!([])).await, json!(["99"]));
}
