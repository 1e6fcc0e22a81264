//! Undone settings and attachments are undone in memory, on the disk and in the gateway.

use std::time::Duration;

use agents::prelude::*;
use agents::testing::{TestConnection, TestHost, TestObject};

#[agent(connection = String)]
#[derive(Default)]
struct Sets;

type Settings = (Option<(String, String)>, Option<u64>);

fn set(cx: &Context<Sets>, response: &str, seconds: u64) -> Result<()> {
    cx.object().set_web_socket_auto_response("hello", response)?;
    cx.object().set_web_socket_event_timeout(Some(Duration::from_secs(seconds)))
}

#[agent]
impl Sets {
    #[callable]
    fn settings(&self, cx: &Context<Self>) -> Settings {
        let timeout = cx.object().get_web_socket_event_timeout();
        (cx.object().get_web_socket_auto_response(), timeout.map(|timeout| timeout.as_secs()))
    }

    #[callable]
    fn set(&self, cx: &Context<Self>, conn: &Connection<Self>, response: String, seconds: u64) -> Result<()> {
        conn.set_state(response.clone())?;
        set(cx, &response, seconds)
    }

    /// Sets all values twice in a transaction that fails, and returns the remaining values.
    #[callable]
    fn roll_back(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<(Settings, Option<String>)> {
        let undone: Result<()> = cx.sql().transaction(|sql| {
            set(cx, "one", 1)?;
            conn.set_state("one".to_owned())?;
            let inner: Result<()> = sql.transaction(|_| {
                set(cx, "two", 2)?;
                conn.set_state("two".to_owned())?;
                conn.set_state("three".to_owned())?;
                Err(Error::msg("no"))
            });
            assert_eq!(inner.unwrap_err().to_string(), "no");
            assert_eq!(self.settings(cx), (Some(("hello".to_owned(), "one".to_owned())), Some(1)));
            assert_eq!(*conn.state()?, "one");
            Err(Error::msg("no"))
        });
        assert_eq!(undone.unwrap_err().to_string(), "no");
        Ok((self.settings(cx), conn.try_state()?.map(std::sync::Arc::unwrap_or_clone)))
    }

    #[callable]
    fn panic(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        for (response, seconds) in [("one", 1), ("two", 2)] {
            set(cx, response, seconds)?;
            conn.set_state(response.to_owned())?;
        }
        panic!("on purpose")
    }

    #[callable]
    fn delete_and_roll_back(&self, cx: &Context<Self>) -> Settings {
        let undone: Result<()> = cx.sql().transaction(|_| {
            cx.object().delete_all()?;
            Err(Error::msg("no"))
        });
        assert_eq!(undone.unwrap_err().to_string(), "no");
        self.settings(cx)
    }

    #[callable]
    fn attached(&self, conn: &Connection<Self>) -> Result<Option<String>> {
        Ok(conn.try_state()?.map(std::sync::Arc::unwrap_or_clone))
    }
}

async fn sets() -> (TestHost, TestObject, TestConnection) {
    let host = TestHost::start(|| Agents::new().register::<Sets>()).unwrap();
    let object = host.agent::<Sets>("one");
    let mut client = object.connect("").await;
    client.greeting().await;
    (host, object, client)
}

fn pair(response: &str) -> Option<(String, String)> {
    Some(("hello".to_owned(), response.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_transaction_that_failed_are_gone_and_can_be_set() {
    let (host, _, mut client) = sets().await;
    let nothing: (Settings, Option<String>) = ((None, None), None);
    assert_eq!(client.call::<(Settings, Option<String>)>("rollBack", ()).await, nothing);
    client.send("hello").await;
    assert_eq!(client.drain().await, [], "the gateway does not answer either");
    // The call sets the undone values again: memory must not treat them as stored.
    client.call::<()>("set", ("one", 1)).await;
    client.send("hello").await;
    assert_eq!(client.next().await.text(), "one");
    let host = host.restart().await.unwrap();
    let mut client = host.agent::<Sets>("one").connect("").await;
    client.greeting().await;
    assert_eq!(client.call::<Settings>("settings", ()).await, (pair("one"), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn what_was_set_twice_goes_back_to_what_it_was_first() {
    for undo in ["rollBack", "panic", "deleteAndRollBack"] {
        let (host, object, mut client) = sets().await;
        client.call::<()>("set", ("kept", 30)).await;
        let answer = client.call_frame(undo, ()).await;
        assert_eq!(answer["success"], undo != "panic", "{answer}");
        assert_eq!(client.call::<Settings>("settings", ()).await, (pair("kept"), Some(30)), "{undo}");
        assert_eq!(client.call::<String>("attached", ()).await, "kept", "{undo}");
        assert_eq!(object.connections()[0].attachment, Some(json!("kept")), "{undo}");
        client.send("hello").await;
        assert_eq!(client.next().await.text(), "kept", "{undo}");
        let host = host.restart().await.unwrap();
        let mut client = host.agent::<Sets>("one").connect("").await;
        client.greeting().await;
        assert_eq!(client.call::<Settings>("settings", ()).await, (pair("kept"), Some(30)), "{undo}");
    }
}
