//! Statements that are stopped because they run too long: only their own turn fails.

use std::time::Duration;

use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::{TestConnection, TestHost, TestObject};

const ENDLESS: &str = "WITH RECURSIVE c (n) AS (SELECT 1000000 UNION ALL SELECT n + 1 FROM c)
    INSERT INTO notes (id) SELECT n FROM c";

#[agent(state = u32)]
#[derive(Default)]
struct Notes;

#[agent]
impl Notes {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY)")
    }

    #[callable]
    fn bystander(&self, cx: &Context<Self>, id: u32) -> Result<u32> {
        cx.update_state(|count| *count += 1)?;
        cx.broadcast(format!("note {id}"))?;
        cx.sql().execute("INSERT INTO notes VALUES (?1)", (id,))?;
        Ok(id)
    }

    #[callable]
    fn endless(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute(ENDLESS, ()).map(|_| ())
    }

    /// Returns the code of the error, and the turn continues.
    #[callable]
    fn endless_and_on(&self, cx: &Context<Self>, id: u32) -> Result<String> {
        cx.broadcast("before")?;
        let stopped = cx.sql().execute(ENDLESS, ()).unwrap_err();
        self.bystander(cx, id)?;
        Ok(stopped.code().to_owned())
    }

    /// Writes through a loop first, so that the turn has a transaction of its own, and then runs an endless
    /// statement.
    #[callable]
    fn wrote_before(&self, cx: &Context<Self>) -> Result<()> {
        cx.broadcast("never said")?;
        cx.set_state(4711)?;
        cx.sql().execute("INSERT INTO notes SELECT coalesce(max(id), 0) + 100 FROM notes", ())?;
        cx.storage().put("key", &1)?;
        cx.sql().execute(ENDLESS, ()).unwrap_err();
        // The turn is lost, no matter how the handler ends.
        Ok(())
    }

    #[callable]
    fn stored(&self, cx: &Context<Self>) -> Result<(u32, Vec<u32>, bool)> {
        let notes = cx.sql().query("SELECT id FROM notes ORDER BY id", ())?;
        Ok((*cx.state()?, notes, cx.storage().get::<u32>("key")?.is_some()))
    }
}

fn host() -> (TestHost, TestObject) {
    let program = || {
        let mut limits = Limits::default();
        limits.statement_timeout = Duration::from_millis(50);
        Agents::new().register::<Notes>().limits(limits)
    };
    let host = TestHost::start(program).unwrap();
    let object = host.agent::<Notes>("one");
    (host, object)
}

async fn client(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_stopped_fails_its_turn_alone() {
    for culprit in ["endless", "wroteBefore"] {
        let (host, object) = host();
        let (mut bad, mut good) = (client(&object).await, client(&object).await);
        let wakes = object.status().unwrap().metrics.wakes;
        // All calls are in one batch: none is answered before the last was sent.
        let first = good.start_call("bystander", (1,)).await;
        let wrong = bad.start_call(culprit, ()).await;
        let second = good.start_call("bystander", (2,)).await;
        let wrong = bad.answer(&wrong).await;
        assert_eq!(wrong["success"], false, "{culprit}: {wrong}");
        assert_eq!(good.answer(&first).await["result"], 1, "{culprit}");
        assert_eq!(good.answer(&second).await["result"], 2, "{culprit}");
        let received = format!("{:?}", good.drain().await);
        assert!(!received.contains("never said") && !received.contains("4711"), "{culprit}: {received}");
        let expected = (2, vec![1, 2], false);
        assert_eq!(good.call::<(u32, Vec<u32>, bool)>("stored", ()).await, expected, "{culprit}");
        // The activation continues: no socket was closed.
        assert_eq!(object.connections().len(), 2, "{culprit}");
        assert_eq!(object.status().unwrap().metrics.wakes, wakes, "{culprit}");
        object.crash().await;
        let mut client = client(&object).await;
        assert_eq!(client.call::<(u32, Vec<u32>, bool)>("stored", ()).await, expected, "{culprit}");
        drop(host);
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_wrote_nothing_before_goes_on() {
    let (_host, object) = host();
    let (mut one, mut other) = (client(&object).await, client(&object).await);
    let first = other.start_call("bystander", (1,)).await;
    let goes_on = one.start_call("endlessAndOn", (2,)).await;
    assert_eq!(one.answer(&goes_on).await["result"], "sql_timeout");
    assert_eq!(other.answer(&first).await["result"], 1);
    assert_eq!(one.call::<(u32, Vec<u32>, bool)>("stored", ()).await, (2, vec![1, 2], false));
}
