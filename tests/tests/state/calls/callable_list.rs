//! `getCallableMethods`: the callables of a class, as its clients read them.

use agents::Stream;
use agents::prelude::*;
use agents_tests::TestServer;
use futures_util::stream;

#[agent]
#[derive(Default)]
struct Desk;

#[agent]
impl Desk {
    /// Posts a text.
    ///
    /// A second paragraph.
    #[callable(write)]
    fn post_text(&self, text: String) -> String {
        text
    }

    #[callable]
    fn no_words(&self) {}

    /// Counts up.
    #[callable]
    fn count(&self) -> impl Stream<Item = u32> + use<> {
        stream::iter([1, 2])
    }

    /// For other agents.
    #[callable(internal)]
    fn of_agents(&self) {}

    /// Not a callable.
    #[expect(dead_code, reason = "only clients name it")]
    fn helper(&self) {}

    #[hook]
    fn should_connection_be_readonly(&self) -> bool {
        true
    }
}

#[agent(callable_methods = false)]
#[derive(Default)]
struct Closed;

#[agent]
impl Closed {
    #[callable]
    fn secret(&self) {}
}

#[agent]
#[derive(Default)]
struct Own;

#[agent]
impl Own {
    #[callable]
    fn get_callable_methods(&self) -> Vec<String> {
        vec!["one of mine".to_owned()]
    }
}

#[tokio::test]
async fn a_client_lists_the_callables_of_every_class() {
    let server = TestServer::start(Agents::new().register::<Desk>()).await;
    let mut client = server.join("/agents/desk/a", false).await;
    let list = client.call("getCallableMethods", json!([])).await;
    let expected = r#"{"postText":{"description":"Posts a text.\n\nA second paragraph."},"noWords":{},"count":{"description":"Counts up.","streaming":true}}"#;
    assert_eq!(list.to_string(), expected, "in the order of the source, for a read-only connection");
    let list: serde_json::Value =
        server.host().get::<Desk>("b").call("getCallableMethods", ()).await.expect("an answer");
    assert_eq!(list.to_string(), expected, "for the program");
}

#[tokio::test]
async fn a_class_switches_the_list_off_or_has_its_own() {
    let server = TestServer::start(Agents::new().register::<Closed>().register::<Own>()).await;
    let mut closed = server.join("/agents/closed/a", false).await;
    let text = closed.call_error("getCallableMethods", json!([])).await;
    assert_eq!(text, "Method getCallableMethods does not exist");
    let mut own = server.join("/agents/own/a", false).await;
    assert_eq!(own.call("getCallableMethods", json!([])).await, json!(["one of mine"]));
}
