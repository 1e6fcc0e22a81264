//! Constraints that are checked at the end of a turn: only the turn that breaks one fails.

use agents::axum::response::IntoResponse;
use agents::object::{DurableObject, ObjectContext, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents::testing::{Received, TestConnection, TestHost, TestObject};

const TABLES: &str = "CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS children (parent INTEGER NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE IF NOT EXISTS strict (parent INTEGER NOT NULL REFERENCES parents (id));";

/// The state, and the rows of each table.
type Stored = (u32, Vec<u32>, Vec<u32>, Vec<u32>);

#[agent(state = u32)]
#[derive(Default)]
struct Keys;

#[agent]
impl Keys {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch(TABLES)
    }

    #[callable]
    fn child(&self, cx: &Context<Self>, parent: u32) -> Result<()> {
        cx.broadcast("a child")?;
        cx.set_state(parent)?;
        cx.object().set_web_socket_auto_response("hello", "never said")?;
        cx.sql().execute("INSERT INTO children VALUES (?1)", (parent,)).map(|_| ())
    }

    /// Inserts the child before its parent, in the same turn.
    #[callable]
    fn both(&self, cx: &Context<Self>, parent: u32) -> Result<()> {
        cx.sql().execute("INSERT INTO children VALUES (?1)", (parent,))?;
        cx.sql().execute("INSERT INTO parents VALUES (?1)", (parent,)).map(|_| ())
    }

    /// Inserts the parent a turn too late.
    #[callable]
    async fn too_late(&self, cx: &Context<Self>, parent: u32) -> Result<()> {
        cx.sql().execute("INSERT INTO children VALUES (?1)", (parent,))?;
        tokio::task::yield_now().await;
        cx.sql().execute("INSERT INTO parents VALUES (?1)", (parent,)).map(|_| ())
    }

    /// Defers a constraint that is not deferrable, by a setting of the turn.
    #[callable]
    fn put_off(&self, cx: &Context<Self>, parent: u32) -> Result<()> {
        cx.sql().execute("PRAGMA defer_foreign_keys = ON", ())?;
        cx.sql().execute("INSERT INTO strict VALUES (?1)", (parent,)).map(|_| ())
    }

    #[callable]
    fn strict(&self, cx: &Context<Self>, parent: u32) -> Result<()> {
        cx.sql().execute("INSERT INTO strict VALUES (?1)", (parent,)).map(|_| ())
    }

    #[callable]
    fn bystander(&self, cx: &Context<Self>, parent: u32) -> Result<u32> {
        cx.update_state(|count| *count += 1)?;
        cx.sql().execute("INSERT INTO parents VALUES (?1)", (parent,))?;
        Ok(parent)
    }

    #[callable]
    fn stored(&self, cx: &Context<Self>) -> Result<Stored> {
        let rows = |sql: &str| cx.sql().query::<u32>(sql, ());
        Ok((
            *cx.state()?,
            rows("SELECT id FROM parents ORDER BY id")?,
            rows("SELECT parent FROM children ORDER BY parent")?,
            rows("SELECT parent FROM strict ORDER BY parent")?,
        ))
    }
}

async fn keys() -> (TestHost, TestObject) {
    let host = TestHost::start(|| Agents::new().register::<Keys>()).unwrap();
    let object = host.agent::<Keys>("one");
    (host, object)
}

async fn client(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn who_breaks_a_deferred_constraint_fails_alone() {
    for culprit in ["child", "tooLate", "putOff"] {
        let (host, object) = keys().await;
        let (mut bad, mut good) = (client(&object).await, client(&object).await);
        // All calls are in one batch: none is answered before the last was sent.
        let first = good.start_call("bystander", (1,)).await;
        let wrong = bad.start_call(culprit, (4711,)).await;
        let second = good.start_call("bystander", (2,)).await;
        let wrong = bad.answer(&wrong).await;
        assert_eq!(wrong["success"], false, "{culprit}: {wrong}");
        assert!(wrong["error"].as_str().unwrap().starts_with("Internal error"), "{culprit}: {wrong}");
        assert_eq!(good.answer(&first).await["result"], 1, "{culprit}");
        assert_eq!(good.answer(&second).await["result"], 2, "{culprit}");
        bad.send("hello").await;
        let received = good.drain_json().await;
        assert!(received.iter().all(|frame| frame["state"].as_u64() <= Some(2)), "{culprit}: {received:?}");
        assert!(bad.drain().await.iter().all(|frame| !format!("{frame:?}").contains("never said")));
        let expected: Stored = (2, vec![1, 2], vec![], vec![]);
        assert_eq!(good.call::<Stored>("stored", ()).await, expected, "{culprit}");
        let host = host.restart().await.unwrap();
        let mut client = client(&host.agent::<Keys>("one")).await;
        assert_eq!(client.call::<Stored>("stored", ()).await, expected, "{culprit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_constraint_that_holds_at_the_end_of_the_turn_holds() {
    let (_host, object) = keys().await;
    let mut client = client(&object).await;
    client.call::<()>("both", (5,)).await;
    client.call::<()>("child", (5,)).await;
    client.call_error("strict", (6,)).await;
    assert_eq!(client.call::<Stored>("stored", ()).await, (5, vec![5], vec![5, 5], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_setting_of_a_turn_ends_with_it() {
    let (_host, object) = keys().await;
    let (mut one, mut other) = (client(&object).await, client(&object).await);
    one.call::<u32>("bystander", (1,)).await;
    let put_off = one.start_call("putOff", (1,)).await;
    let strict = other.start_call("strict", (7,)).await;
    assert_eq!(one.answer(&put_off).await["success"], true);
    assert_eq!(other.answer(&strict).await["success"], false);
    assert_eq!(one.call::<Stored>("stored", ()).await, (1, vec![1], vec![], vec![1]));
}

/// The same object without the agent layer.
struct Plain;

impl DurableObject for Plain {
    async fn start(&mut self, cx: &ObjectContext) -> Result<()> {
        cx.sql().execute_batch(TABLES)
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let parent: u32 = request.uri().query().and_then(|query| query.parse().ok()).unwrap_or_default();
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            cx.accept_web_socket(upgrade, ["all"])?;
        }
        match parent {
            0 => {}
            1..100 => {
                cx.sql().execute("INSERT INTO parents VALUES (?1)", (parent,))?;
            }
            _ => {
                cx.sql().execute("INSERT INTO children VALUES (?1)", (parent,))?;
            }
        }
        Ok("done".into_response())
    }

    async fn web_socket_message(&self, cx: &ObjectContext, socket: &WebSocket, _: Message) -> Result<()> {
        socket.send("never said")?;
        cx.sql().execute("INSERT INTO children VALUES (4711)", ()).map(|_| ())
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_object_fails_its_handler_alone_too() {
    let host = TestHost::start(|| Agents::new().register_object_with("plain", |_| Plain)).unwrap();
    let object = host.object("plain", "one");
    let mut client = object.connect("").await;
    client.send("child").await;
    let (good, bad, last) = tokio::join!(object.get("1"), object.get("4711"), object.get("2"));
    assert_eq!([good.status(), bad.status(), last.status()].map(|status| status.as_u16()), [200, 500, 200]);
    let mut refused = object.connect("4711").await;
    let end = refused.next().await;
    assert!(matches!(end, Received::Close(4500, _)), "{end:?}");
    assert_eq!(object.connections().len(), 1, "the other connection stays");
}
