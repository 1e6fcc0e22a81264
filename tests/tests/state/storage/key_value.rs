//! Keys and values, values that all agents share, and initial states.

use std::path::Path;

use agents::prelude::*;
use agents::serde_json::Value;
use agents::storage::KvRange;
use agents_tests::{Client, TestServer};

#[wire]
#[derive(Clone, Default)]
struct Size {
    width: u32,
}

/// Values that the agents of a host share.
struct Settings {
    secret: String,
    service: Box<dyn Fn(&str) -> String + Send + Sync>,
}

/// An agent that stores values under keys.
#[agent(state = Size, env = Settings)]
#[derive(Default)]
struct Cellar;

#[agent]
impl Cellar {
    #[callable]
    fn put(&self, cx: &Context<Self>, key: String, value: Value) -> Result<()> {
        cx.storage().put(&key, &value)
    }

    #[callable]
    fn get(&self, cx: &Context<Self>, key: String) -> Result<Option<Value>> {
        cx.storage().get(&key)
    }

    #[callable]
    fn get_size(&self, cx: &Context<Self>, key: String) -> Result<Option<Size>> {
        cx.storage().get(&key)
    }

    #[callable]
    fn delete(&self, cx: &Context<Self>, key: String) -> Result<bool> {
        cx.storage().delete(&key)
    }

    #[callable]
    fn delete_all(&self, cx: &Context<Self>) -> Result<u64> {
        cx.storage().delete_all()
    }

    #[callable]
    fn keys(&self, cx: &Context<Self>, how: String) -> Result<Vec<String>> {
        let range = match how.as_str() {
            "all" => KvRange::all(),
            "prefix" => KvRange::prefix("b"),
            "from b" => KvRange::all().start("b"),
            "after b" => KvRange::all().start_after("b"),
            "before c" => KvRange::all().end("c"),
            "last two" => KvRange::all().reversed().limit(2),
            "none" => KvRange::all().limit(0),
            _ => KvRange::prefix("b").start_after("b").end("bz").reversed(),
        };
        Ok(cx.storage().list::<Value>(range)?.into_iter().map(|(key, _)| key).collect())
    }

    /// Writes keys in a transaction that fails, which undoes them.
    #[callable]
    fn put_and_fail(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().transaction(|_| {
            cx.storage().put("undone", &1)?;
            cx.storage().delete("kept")?;
            Err(Error::msg("undone"))
        })
    }

    #[callable]
    fn grow(&self, cx: &Context<Self>) -> Result<u32> {
        cx.update_state(|size| {
            size.width += 1;
            size.width
        })
    }

    #[callable]
    fn ask(&self, cx: &View<Self>, what: String) -> (String, usize) {
        let settings = cx.env();
        ((settings.service)(&what), settings.secret.len())
    }
}

fn agents() -> Agents {
    let service = Box::new(|what: &str| what.to_uppercase());
    Agents::new().register::<Cellar>().env(Settings { secret: "12345".to_owned(), service })
}

async fn cellar(data: &Path) -> (TestServer, Client) {
    let server = TestServer::start_in(agents(), data).await;
    let client = server.join("/agents/cellar/a", true).await;
    (server, client)
}

#[tokio::test]
async fn s104_values_stay_under_their_keys_and_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, mut client) = cellar(folder.path()).await;
    assert_eq!(client.call("get", json!(["a"])).await, Value::Null);
    let values = [
        ("a", json!({ "deep": [1, null, "x"] })),
        ("", json!(0)),
        ("'; DROP TABLE _agents_kv; --", json!("")),
        ("ünï 💥\u{0}", json!(false)),
    ];
    for (key, value) in &values {
        client.call("put", json!([key, "an older one"])).await;
        client.call("put", json!([key, value])).await;
    }
    client.call("grow", json!([])).await;
    client.call("put", json!(["gone", 1])).await;
    assert_eq!(client.call("delete", json!(["gone"])).await, true);
    assert_eq!(client.call("delete", json!(["gone"])).await, false);
    server.shutdown().await;

    let (server, mut client) = cellar(folder.path()).await;
    for (key, value) in &values {
        assert_eq!(client.call("get", json!([key])).await, *value, "{key:?}");
    }
    assert_eq!(client.call("get", json!(["gone"])).await, Value::Null);
    let mut other = server.join("/agents/cellar/b", true).await;
    assert_eq!(other.call("keys", json!(["all"])).await, json!([]), "another agent has its own");
    assert_eq!(client.call("deleteAll", json!([])).await, 4);
    assert_eq!(client.call("keys", json!(["all"])).await, json!([]));
    assert_eq!(client.call("grow", json!([])).await, 2, "the state is not a key");
}

#[tokio::test]
async fn s104_keys_are_listed_in_order_and_in_ranges() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, mut client) = cellar(folder.path()).await;
    for key in ["c", "ba", "a", "bb", "b", "é"] {
        client.call("put", json!([key, 1])).await;
    }
    for (how, keys) in [
        ("all", json!(["a", "b", "ba", "bb", "c", "é"])),
        ("prefix", json!(["b", "ba", "bb"])),
        ("from b", json!(["b", "ba", "bb", "c", "é"])),
        ("after b", json!(["ba", "bb", "c", "é"])),
        ("before c", json!(["a", "b", "ba", "bb"])),
        ("last two", json!(["é", "c"])),
        ("none", json!([])),
        ("everything together", json!(["bb", "ba"])),
    ] {
        assert_eq!(client.call("keys", json!([how])).await, keys, "{how}");
    }
}

#[tokio::test]
async fn s104_what_fails_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, mut client) = cellar(folder.path()).await;
    client.call("put", json!(["kept", { "width": "not a number" }])).await;
    assert_eq!(client.call_error("putAndFail", json!([])).await, "undone");
    assert_eq!(client.call("keys", json!(["all"])).await, json!(["kept"]));
    for (key, value) in [("k".repeat(2049), "v".to_owned()), ("k".to_owned(), "v".repeat(2 << 20))] {
        let text = client.call_error("put", json!([key, value])).await;
        assert!(text.contains("limit") && text.len() < 200, "the caller may know: {text}");
    }
    let text = client.call_error("getSize", json!(["kept"])).await;
    assert!(text.starts_with("Internal error (id "), "{text}");
    assert_eq!(client.call("keys", json!(["all"])).await, json!(["kept"]));
}

#[tokio::test]
async fn s103_agents_share_what_the_host_gave_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, mut client) = cellar(folder.path()).await;
    assert_eq!(client.call("ask", json!(["loud"])).await, json!(["LOUD", 5]));
}

#[tokio::test]
async fn s103_a_host_without_the_env_of_a_class_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Agents::new().register::<Cellar>().data_dir(folder.path()).start().expect_err("no env");
    let text = error.to_string();
    assert!(text.contains("Cellar") && text.contains("Settings"), "{text}");
}

#[tokio::test]
async fn s78_a_stored_state_wins_over_a_new_initial_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for (first, expected) in [(true, 7), (false, 7)] {
        let agents = match first {
            true => Agents::new().register::<Seven>(),
            false => Agents::new().register::<Eight>(),
        };
        let server = TestServer::start_in(agents, folder.path()).await;
        let mut client = server.connect("/agents/numbered/a").await;
        assert_eq!(client.greeting(true).await, Some(json!({ "width": expected })));
        let mut fresh = server.connect(&format!("/agents/numbered/fresh-{first}")).await;
        assert_eq!(fresh.greeting(true).await, Some(json!({ "width": if first { 7 } else { 8 } })));
        server.shutdown().await;
    }
}

/// An agent whose initial state is 7.
#[agent(state = Size, initial_state = Size { width: 7 }, name = "numbered")]
#[derive(Default)]
struct Seven;

#[agent]
impl Seven {}

/// An agent whose initial state is 8.
#[agent(state = Size, initial_state = Size { width: 8 }, name = "numbered")]
#[derive(Default)]
struct Eight;

#[agent]
impl Eight {}
