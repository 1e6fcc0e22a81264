//! Stored values are read back unchanged. Values that could not be read back are refused when they are
//! written.

use std::collections::BTreeMap;
use std::path::Path;

use agents::prelude::*;
use agents::serde_json::{Map, Value};
use agents_tests::{Client, Received, TestServer};

use crate::support::{changed, push};

#[wire]
#[derive(Clone, Debug, Default, PartialEq)]
struct Sheet {
    name: String,
    average: f64,
    best: Option<f32>,
    extra: Value,
    part: Part,
}

#[wire]
#[derive(Clone, Debug, Default, PartialEq)]
#[serde(tag = "kind")]
enum Part {
    #[default]
    Empty,
    Scores {
        scores: BTreeMap<u32, u32>,
    },
    Hidden {
        #[serde(skip_serializing)]
        secret: u8,
    },
}

/// Sheets that could not be read back, and the path of the invalid value.
const BAD: [(&str, &str); 6] = [
    ("nan", "`average`: JSON has no number NaN"),
    ("infinite", "`best`: JSON has no number -inf"),
    ("deep", "nested deeper than 127 levels"),
    ("keys", "`part`: the type does not read what it writes: invalid type: string \"1\", expected u32"),
    ("hidden", "`part`: the type does not read what it writes: missing field `secret`"),
    ("large", "`average`: JSON has no number inf"),
];

fn bad(kind: &str) -> Sheet {
    let sheet = Sheet { name: kind.to_owned(), ..Sheet::default() };
    match kind {
        "nan" => Sheet { average: f64::NAN, ..sheet },
        "infinite" => Sheet { best: Some(f32::NEG_INFINITY), ..sheet },
        "deep" => Sheet { extra: (0..127).fold(Value::Null, |inner, _| json!([inner])), ..sheet },
        "keys" => Sheet { part: Part::Scores { scores: BTreeMap::from([(1, 2)]) }, ..sheet },
        "hidden" => Sheet { part: Part::Hidden { secret: 7 }, ..sheet },
        _ => Sheet { name: "x".repeat(100_000), average: f64::INFINITY, ..sheet },
    }
}

/// An agent that stores a sheet in every possible place.
#[agent(state = Sheet, connection = Sheet)]
#[derive(Default)]
struct Office;

#[agent]
impl Office {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch("CREATE TABLE IF NOT EXISTS sheets (sheet, average)")
    }

    #[hook]
    fn authorize(&self) -> Result<Sheet, Refusal> {
        Ok(Sheet { name: "first".to_owned(), ..Sheet::default() })
    }

    /// Tries to store a bad sheet in every place, and returns the code and the text of every error.
    #[callable]
    fn spoil(&self, cx: &Context<Self>, conn: &Connection<Self>, kind: String) -> Vec<(String, String)> {
        let sheet = bad(&kind);
        let socket = cx.object().get_web_sockets().into_iter().find(|socket| socket.id() == conn.id());
        let tries = [
            cx.set_state(sheet.clone()),
            cx.update_state(|state| *state = sheet.clone()),
            conn.set_state(sheet.clone()),
            conn.update_state(|state| *state = sheet.clone()),
            cx.storage().put("sheet", &sheet),
            cx.storage().put("list", &vec![sheet.clone()]),
            sql!(cx, "INSERT INTO sheets (sheet) VALUES ({sheet})").map(drop),
            match kind.as_str() {
                // This place uses serde only: a later read may succeed or fail, depending on the type.
                "keys" | "hidden" => Err(Error::new("skipped", "")),
                _ => socket.map_or(Ok(()), |socket| socket.serialize_attachment(&sheet)),
            },
        ];
        let told = |done: Result<()>| {
            done.map_or_else(|error| (error.code().to_owned(), error.to_string()), |()| Default::default())
        };
        tries.into_iter().map(told).collect()
    }

    #[callable]
    fn keep(&self, cx: &Context<Self>, conn: &Connection<Self>, sheet: Sheet) -> Result<()> {
        cx.set_state(sheet.clone())?;
        conn.set_state(sheet.clone())?;
        cx.storage().put("sheet", &sheet)?;
        sql!(cx, "DELETE FROM sheets")?;
        sql!(cx, "INSERT INTO sheets VALUES ({sheet}, {sheet.average})")?;
        Ok(())
    }

    /// Returns the sheet that is stored in each place, or `None`.
    #[callable]
    fn kept(&self, cx: &View<Self>, conn: &Connection<Self>) -> Result<Vec<Option<Sheet>>> {
        let row: Option<(Sheet,)> = sql!(cx, "SELECT sheet FROM sheets")?;
        Ok(vec![
            Some(Sheet::clone(&*cx.state()?)),
            Some(Sheet::clone(&*conn.state()?)),
            cx.storage().get("sheet")?,
            row.map(|row| row.0),
        ])
    }

    #[callable]
    fn row(&self, cx: &View<Self>) -> Result<Map<String, Value>> {
        sql!(cx, "SELECT 1 AS zebra, average, 2 AS ant FROM sheets")
    }

    /// Returns a number that a callable cannot send either.
    #[callable]
    fn no_number(&self) -> f64 {
        f64::NAN
    }
}

async fn office(data: &Path) -> (TestServer, Client) {
    let server = TestServer::start_in(Agents::new().register::<Office>(), data).await;
    let mut client = server.connect("/agents/office/a").await;
    client.greeting(true).await;
    (server, client)
}

#[tokio::test]
async fn what_could_not_be_read_again_is_refused_in_every_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, mut client) = office(folder.path()).await;
    let mut other = server.join("/agents/office/a", true).await;
    let before = client.call("kept", json!([])).await;
    for (kind, says) in BAD {
        let errors = client.call("spoil", json!([kind])).await;
        let errors = errors.as_array().expect("a list");
        assert_eq!(errors.len(), 8);
        for (place, error) in errors.iter().enumerate() {
            let (code, text) = (error[0].as_str().expect("a code"), error[1].as_str().expect("a text"));
            assert!(
                ["storage_json", "sql_value", "not_json", "skipped"].contains(&code),
                "{kind}, {place}: {code}"
            );
            assert_eq!(code == "sql_value", place == 6, "{kind}, {place}: {code}");
            // In a list, the path begins with an index.
            let there = text.replace('`', "").contains(&says.replace('`', ""));
            assert!(there || code == "skipped", "{kind}, {place}: {text}");
        }
    }
    let error = client.call_error("noNumber", json!([])).await;
    assert!(error.starts_with("Internal error (id "), "{error}");
    assert_eq!(client.call("kept", json!([])).await, before);
    assert_eq!(other.drain().await, [], "nothing was sent");
    assert_eq!(client.drain().await, []);
    drop((client, other));
    server.shutdown().await;
    let (_server, mut client) = office(folder.path()).await;
    assert_eq!(client.call("kept", json!([])).await, before, "and nothing was stored");
}

#[tokio::test]
async fn floats_and_the_order_of_keys_survive() {
    let folder = tempfile::tempdir().expect("a folder");
    // Careless parsers read these floats with another last digit.
    for average in [
        0.1,
        5e-324,
        1.7976931348623157e308,
        9007199254740993.0,
        1.1125369292536007e-308,
        2.2250738585072014e-308,
    ] {
        let (server, mut client) = office(folder.path()).await;
        let extra = json!({ "zebra": 1, "ant": { "y": [average], "b": null }, "more": average });
        let sheet = json!({ "name": "kept", "average": average, "best": 0.5, "extra": extra, "part": { "kind": "empty" } });
        client.call("keep", json!([sheet])).await;
        assert_eq!(client.next().await.text(), changed_text(&sheet));
        let all = json!([sheet, sheet, sheet, sheet]).to_string();
        assert_eq!(client.call("kept", json!([])).await.to_string(), all);
        drop(client);
        server.shutdown().await;

        let (server, mut client) = office(folder.path()).await;
        let kept = client.call("kept", json!([])).await;
        for place in [0, 2, 3] {
            assert_eq!(kept[place].to_string(), sheet.to_string(), "{place}");
        }
        let row = json!({ "zebra": 1, "average": average, "ant": 2 }).to_string();
        assert_eq!(client.call("row", json!([])).await.to_string(), row);
        drop(client);
        server.shutdown().await;
    }
}

fn changed_text(state: &Value) -> String {
    format!(r#"{{"state":{state},"type":"cf_agent_state"}}"#)
}

#[wire]
#[derive(Clone)]
struct Motto {
    weight: f64,
}

/// An agent whose properties contain a number that JSON does not have.
#[agent(props = Motto)]
#[derive(Default)]
struct Started;

#[agent]
impl Started {
    #[hook]
    fn on_start(&self, _props: Option<Motto>) {}
}

/// An agent whose initial state contains a number that JSON does not have.
#[agent(state = Motto, initial_state = Motto { weight: f64::NAN })]
#[derive(Default)]
struct Beginner;

#[agent]
impl Beginner {}

async fn refused(server: &TestServer, path: &str) {
    let mut client = server.connect(path).await;
    let Received::Close(4500, reason) = client.next().await else { panic!("no close with 4500") };
    assert!(reason.starts_with("Internal error (id "), "{reason}");
}

#[tokio::test]
async fn properties_and_initial_states_have_to_be_readable_too() {
    let folder = tempfile::tempdir().expect("a folder");
    for weight in [f64::NAN, 1.0] {
        let agents = Agents::new().register::<Started>().register::<Beginner>();
        let agents = agents.props::<Started>(move |_| Some(Motto { weight }));
        let server = TestServer::start_in(agents, folder.path()).await;
        if weight.is_nan() {
            refused(&server, "/agents/started/a").await;
        } else {
            server.join("/agents/started/a", false).await;
        }
        refused(&server, "/agents/beginner/a").await;
        server.shutdown().await;
    }
}

#[wire]
#[derive(Clone, Default)]
struct Lines {
    lines: Vec<String>,
}

#[wire]
#[derive(Clone, Default)]
struct Total {
    total: u64,
}

macro_rules! versions {
    ($($(#[$docs:meta])* $class:ident($($options:tt)*);)*) => {$(
        $(#[$docs])*
        #[agent(name = "book", $($options)*)]
        #[derive(Default)]
        struct $class;

        #[agent]
        impl $class {
            #[callable]
            fn kept(&self, cx: &View<Self>, key: String) -> Result<Option<String>> {
                cx.storage().get(&key)
            }
        }
    )*};
}

versions!(
    /// The first version of a program.
    OfLines(state = Lines);
    /// A version that cannot read the state of the first version.
    OfTotal(state = Total);
    /// A version that replaces a state that it cannot read.
    OfTotalAnyway(state = Total, on_unreadable = "initial");
    /// Another such version, which cannot read the state of the version before.
    OfLinesAnyway(state = Lines, on_unreadable = "initial");
);

async fn start<A: agents::Agent + Default>(data: &Path) -> TestServer {
    TestServer::start_in(Agents::new().register::<A>(), data).await
}

#[tokio::test]
async fn s102_an_agent_does_not_start_without_the_state_that_it_cannot_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = json!({ "lines": ["a", "b"] });
    let server = start::<OfLines>(folder.path()).await;
    let mut client = server.join("/agents/book/a", true).await;
    let mut other = server.join("/agents/book/a", true).await;
    client.send(push(&lines)).await;
    assert_eq!(other.json().await, changed(&lines));
    drop((client, other));
    server.shutdown().await;

    let server = start::<OfTotal>(folder.path()).await;
    for _ in 0..2 {
        refused(&server, "/agents/book/a").await;
        let answer = reqwest::get(server.url("/agents/book/a")).await.expect("an answer");
        assert_eq!(answer.status(), 500);
    }
    assert_eq!(server.join("/agents/book/new", true).await.call("kept", json!(["x"])).await, Value::Null);
    server.shutdown().await;

    let server = start::<OfLines>(folder.path()).await;
    assert_eq!(
        server.connect("/agents/book/a").await.greeting(true).await,
        Some(lines),
        "the stored state is unchanged"
    );
}

#[tokio::test]
async fn s102_a_class_may_let_the_initial_state_take_the_place_and_no_copy_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start::<OfLines>(folder.path()).await;
    server.join("/agents/book/a", true).await;
    server.shutdown().await;
    let copies = [r#"{"lines":[]}"#, r#"{"total":0}"#];
    for (round, key) in ["unreadable_state", "unreadable_state_2", "unreadable_state_2", "unreadable_state_2"]
        .into_iter()
        .enumerate()
    {
        let server = match round % 2 {
            0 => start::<OfTotalAnyway>(folder.path()).await,
            _ => start::<OfLinesAnyway>(folder.path()).await,
        };
        let mut client = server.connect("/agents/book/a").await;
        let expected = if round % 2 == 0 { json!({ "total": 0 }) } else { json!({ "lines": [] }) };
        assert_eq!(client.greeting(true).await, Some(expected));
        assert_eq!(client.call("kept", json!(["unreadable_state"])).await, copies[0]);
        assert_eq!(client.call("kept", json!([key])).await, copies[usize::from(round > 0)]);
        assert_eq!(
            client.call("kept", json!(["unreadable_state_3"])).await,
            Value::Null,
            "the same text is kept once"
        );
        drop(client);
        server.shutdown().await;
    }
}
