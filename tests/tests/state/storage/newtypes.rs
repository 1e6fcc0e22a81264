//! Wire types that are scalars in JSON: integers without loss of precision, durations, and types of other
//! crates.

use std::time::Duration as Std;

use agents::prelude::*;
use agents::serde_json::Value;
use agents::wire::{Duration, I64, U64};
use agents_tests::{Client, TestServer};
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[wire]
#[derive(Clone, Default)]
struct Timer {
    id: U64,
    length: Duration,
}

/// A struct that is read column by column.
#[wire]
struct Row {
    id: U64,
    change: I64,
    length: Duration,
    started_at: DateTime<Utc>,
    link: url::Url,
}

#[agent(state = Timer)]
#[derive(Default)]
struct Timers;

#[agent]
impl Timers {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch(
            "CREATE TABLE IF NOT EXISTS timers (id INTEGER, change INTEGER, length REAL, started_at TEXT, link TEXT)",
        )
    }

    #[callable]
    fn set(&self, cx: &Context<Self>, id: U64, length: Duration) -> Result<U64> {
        cx.set_state(Timer { id, length })?;
        Ok(U64(cx.state()?.id.0 - 1))
    }

    #[callable]
    fn store(
        &self,
        cx: &Context<Self>,
        id: U64,
        at: DateTime<Utc>,
        link: url::Url,
        uuid: Uuid,
    ) -> Result<Uuid> {
        let (change, length) = (I64(-1), Duration(Std::from_micros(1500)));
        sql!(cx, "INSERT INTO timers VALUES ({id}, {change}, {length}, {at}, {link})")?;
        let stored: (U64, DateTime<Utc>) = sql!(cx, "SELECT id, started_at FROM timers WHERE id = {id}")?;
        if stored != (id, at) {
            return Err(Error::msg(format!("{stored:?}")));
        }
        Ok(uuid)
    }

    #[callable]
    fn rows(&self, cx: &View<Self>) -> Result<Vec<Row>> {
        sql!(cx, "SELECT * FROM timers ORDER BY id DESC")
    }

    #[callable]
    fn doubled(&self, #[default = Duration(Std::from_secs(1))] span: Duration) -> Duration {
        Duration(span.0 * 2)
    }
}

async fn client() -> (TestServer, Client) {
    let server = TestServer::start(Agents::new().register::<Timers>()).await;
    let client = server.join("/agents/timers/one", true).await;
    (server, client)
}

#[tokio::test]
async fn no_digit_is_lost_on_the_way() {
    let (_server, mut client) = client().await;
    let most = u64::MAX.to_string();
    let less = (u64::MAX - 1).to_string();
    assert_eq!(client.call("set", json!([most, 1500])).await, json!(less));
    assert_eq!(client.call("set", json!(["9007199254740993", 0.25])).await, json!("9007199254740992"));
    // A careless client sends a number.
    assert_eq!(client.call("set", json!([7, 0])).await, json!("6"));
    for (args, why) in [
        (json!(["-1", 0]), "argument 1 (`id`): not a u64 as a decimal string"),
        (json!([1.5, 0]), "argument 1 (`id`): "),
        (json!([null, 0]), "argument 1 (`id`): "),
        (json!(["1", -1]), "argument 2 (`length`): a span of time is not negative"),
        (json!(["1", "2"]), "argument 2 (`length`): "),
        (json!(["1"]), "argument 2 (`length`) is missing"),
    ] {
        let error = client.call_error("set", args).await;
        assert!(error.starts_with(why), "{error}");
    }
}

#[tokio::test]
async fn a_default_stands_for_nothing_and_for_null() {
    let (_server, mut client) = client().await;
    assert_eq!(client.call("doubled", json!([])).await, json!(2000));
    assert_eq!(client.call("doubled", json!([null])).await, json!(2000));
    assert_eq!(client.call("doubled", json!([0.25])).await, json!(0.5));
    let error = client.call_error("doubled", json!(["soon"])).await;
    assert!(error.starts_with("argument 1 (`span`): "), "{error}");
}

#[tokio::test]
async fn they_are_kept_in_sql() {
    let (_server, mut client) = client().await;
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let (at, link) = ("2026-11-25T12:00:00Z", "https://example.org/a?b");
    for number in ["9", "10", "9223372036854775807"] {
        assert_eq!(client.call("store", json!([number, at, link, id])).await, json!(id));
    }
    let rows = client.call("rows", json!([])).await;
    let ids: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, ["9223372036854775807", "10", "9"], "in the order of numbers");
    let expected = json!({ "id": "9", "change": "-1", "length": 1.5, "startedAt": at, "link": link });
    assert_eq!(rows[2], expected);
}
