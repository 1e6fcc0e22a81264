//! SQL of an agent: bound values, typed rows, and statements that are refused.

use agents::errors::{StorageError, visible_sql};
use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::storage::sql::{FromRow, Row};
use agents_tests::{Client, TestServer};

#[wire]
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Tool,
    SparePart,
}

#[wire]
#[derive(Clone, PartialEq, Debug)]
struct Size {
    width_mm: u32,
}

#[wire]
#[derive(Clone)]
struct Item {
    item_name: String,
    kind: Kind,
    price: Option<f64>,
    in_stock: bool,
    size: Size,
    tags: Vec<String>,
}

/// An agent that stores items in tables.
#[agent]
#[derive(Default)]
struct Shop;

/// A number whose decoding reads from the agent, and fails for large numbers.
struct Curious(i64);

impl FromRow for Curious {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let number: i64 = row.get(0)?;
        assert!(number < 100, "on purpose");
        let cx = agents::current::<Shop>().ok_or_else(|| Error::msg("no context"))?;
        sql!(cx, "INSERT INTO cells VALUES ({number})")?;
        let cells: i64 = sql!(cx, "SELECT count(*) FROM cells")?;
        Ok(Self(number + 10 * cells))
    }
}

type Parts = Vec<(String, Kind, Size)>;

#[agent]
impl Shop {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch(
            "CREATE TABLE IF NOT EXISTS names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE IF NOT EXISTS items (item_name TEXT, kind TEXT, price REAL, in_stock INTEGER, size TEXT,
                                               tags TEXT);
             CREATE TABLE IF NOT EXISTS cells (cell BLOB);",
        )
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, name: String) -> Result<i64> {
        sql!(cx, "INSERT INTO names (name) VALUES ({name}) RETURNING id")
    }

    #[callable]
    fn find(&self, cx: &View<Self>, name: String) -> Result<Option<i64>> {
        sql!(cx, "SELECT id FROM names WHERE name = {name} AND {name} = {&name}")
    }

    /// Reads numbers whose decoding also uses the agent.
    #[callable]
    fn curious(&self, cx: &Context<Self>, numbers: String) -> Result<Vec<i64>> {
        let sql = format!("SELECT value FROM json_each('{numbers}')");
        Ok(cx.sql().query::<Curious>(&sql, ())?.into_iter().map(|number| number.0).collect())
    }

    #[callable]
    fn names(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(cx, "SELECT name FROM names ORDER BY id")
    }

    #[callable]
    fn rename(&self, cx: &Context<Self>, from: i64, suffix: String) -> Result<u64> {
        sql!(cx, "UPDATE names SET name = name || {suffix} WHERE id >= {from}")
    }

    #[callable]
    fn store(&self, cx: &Context<Self>, item: Item) -> Result<u64> {
        sql!(
            cx,
            "INSERT INTO items VALUES ({item.item_name}, {item.kind}, {item.price}, {item.in_stock}, {item.size},
                                       {json!(item.tags)})"
        )
    }

    #[callable]
    fn items(&self, cx: &View<Self>) -> Result<Vec<Item>> {
        sql!(cx, "SELECT * FROM items ORDER BY rowid")
    }

    #[callable]
    fn spare_parts(&self, cx: &View<Self>) -> Result<(u32, Parts)> {
        let kind = Kind::SparePart;
        let count: u32 = cx.sql().query_one("SELECT count(*) FROM items WHERE kind = ?1", (kind,))?;
        Ok((count, cx.sql().query("SELECT item_name, kind, size FROM items WHERE kind = ?1", [kind])?))
    }

    /// Stores and reads values of every kind. Returns the values that changed.
    #[callable]
    fn round_trip(&self, cx: &Context<Self>) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        macro_rules! same {
            ($type:ty: $($value:expr),+) => {$(
                let value: $type = $value;
                sql!(cx, "DELETE FROM cells")?;
                sql!(cx, "INSERT INTO cells VALUES ({value})")?;
                let (back, _): ($type, i64) = sql!(cx, "SELECT cell, rowid FROM cells")?;
                if back != value {
                    wrong.push(format!("{value:?} became {back:?}"));
                }
            )+};
        }
        same!(i64: i64::MIN, -1, 0, i64::MAX);
        same!(u8: 0, 255);
        same!(f64: 0.0, -1.5e300, f64::MIN_POSITIVE);
        same!(bool: true, false);
        same!(String: String::new(), "grüße 💥 \u{0}; --".to_owned(), "1e5".to_owned(), "NULL".to_owned());
        same!(Vec<u8>: vec![], vec![0, 255, 0]);
        same!(Option<i64>: None, Some(-7));
        same!(Option<String>: None, Some(String::new()));
        same!(Kind: Kind::Tool, Kind::SparePart);
        same!(Size: Size { width_mm: 9 });
        same!(Value: json!({ "a": [1, "two", null] }), json!("text"), json!(5));
        Ok(wrong)
    }

    #[callable]
    fn one_or_more(&self, cx: &View<Self>) -> Result<Vec<String>> {
        let none: Result<i64> = sql!(cx, "SELECT id FROM names WHERE name = 'unused'");
        let many: Result<Option<i64>> = sql!(cx, "SELECT 1 UNION SELECT 2");
        let another: Result<i64> = sql!(cx, "SELECT 'text'");
        let null: Result<i64> = sql!(cx, "SELECT NULL");
        let results = [none.map(|_| ()), many.map(|_| ()), another.map(|_| ()), null.map(|_| ())];
        Ok(results
            .into_iter()
            .map(|result| result.map_or_else(|error| error.code(), |()| "ok").to_owned())
            .collect())
    }

    #[callable]
    fn write_through_a_view(&self, cx: &View<Self>) -> Vec<String> {
        // The compiler refuses statements that it recognises as writes. Only SQLite recognises these.
        let sql = cx.sql();
        let results: [Result<Vec<Value>>; 8] = [
            sql.query("INSERT INTO names (name) VALUES ('view')", ()),
            sql.query_one("INSERT INTO names (name) VALUES ('view') RETURNING id", ()).map(|id| vec![id]),
            sql.query_optional("WITH one AS (SELECT 1) DELETE FROM names RETURNING name", ())
                .map(|name| name.into_iter().collect()),
            sql.statement("DELETE FROM names WHERE name = ?1 RETURNING id").bind("kept").fetch(),
            sql!(cx, "PRAGMA case_sensitive_like = ON"),
            sql!(cx, "PRAGMA optimize"),
            sql.query("DROP TABLE names", ()),
            sql!(cx, "SELECT count(*) FROM names"),
        ];
        results.map(|result| result.map_or_else(|error| error.code(), |_| "ok").to_owned()).to_vec()
    }

    /// Runs any statement, as a real agent should not. Returns the code of the error.
    #[callable]
    fn run(&self, cx: &Context<Self>, statement: String) -> String {
        match cx.sql().execute(&statement, ()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.code().to_owned(),
        }
    }

    /// Offers SQL to clients.
    #[callable]
    fn query(&self, cx: &Context<Self>, statement: String) -> Result<Vec<serde_json::Map<String, Value>>> {
        cx.sql().query(&statement, ()).map_err(visible_sql)
    }

    /// The tables, as the guide lists them.
    #[callable]
    fn tables(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(
            cx,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_agents_*' AND name NOT GLOB 'sqlite_*'"
        )
    }

    #[callable]
    fn broken(&self, cx: &Context<Self>) -> Result<u64> {
        cx.sql().execute("INSERT INTO secret_table VALUES ('a secret')", ())
    }

    #[callable]
    fn broken_as_the_agent_sees_it(&self, cx: &Context<Self>) -> Vec<String> {
        let Err(error) = self.broken(cx) else { return Vec::new() };
        let cause = error.downcast_ref::<StorageError>().map(ToString::to_string);
        vec![error.code().to_owned(), error.to_string(), cause.unwrap_or_default()]
    }
}

async fn shop() -> (TestServer, Client) {
    let server = TestServer::start(Agents::new().register::<Shop>()).await;
    let client = server.join("/agents/shop/a", false).await;
    (server, client)
}

#[tokio::test]
async fn s107_values_are_bound_and_never_part_of_the_statement() {
    let (_server, mut client) = shop().await;
    let nasty = [
        "'); DROP TABLE names; --",
        "' OR '1'='1",
        "\"; DELETE FROM names; --",
        "?1",
        ":name",
        "{name}",
        "%",
        "_",
        "\\",
        "NULL",
        "x'00'",
        "1; ATTACH DATABASE '/tmp/stolen' AS s",
        "a\u{0}b",
        "💥 ünï",
        "",
    ];
    for (id, name) in nasty.iter().enumerate() {
        assert_eq!(client.call("add", json!([name])).await, id + 1, "{name:?}");
    }
    for (id, name) in nasty.iter().enumerate() {
        assert_eq!(client.call("find", json!([name])).await, id + 1, "{name:?}");
    }
    assert_eq!(client.call("find", json!(["unknown' OR 1=1 --"])).await, Value::Null);
    assert_eq!(client.call("names", json!([])).await, json!(nasty));
    // `names` returned the number of changed rows.
    assert_eq!(client.call("rename", json!([14, "'"])).await, 2);
    assert_eq!(client.call("rename", json!([100, "'"])).await, 0);
    assert_eq!(client.call("find", json!(["'"])).await, 15);
}

#[tokio::test]
async fn s107_rows_are_typed() {
    let (_server, mut client) = shop().await;
    let saw = json!({ "itemName": "saw", "kind": "tool", "price": 12.5, "inStock": true,
        "size": { "widthMm": 300 }, "tags": ["wood", "'"] });
    let nut = json!({ "itemName": "", "kind": "sparePart", "price": null, "inStock": false,
        "size": { "widthMm": 4 }, "tags": [] });
    for item in [&saw, &nut] {
        assert_eq!(client.call("store", json!([item])).await, 1);
    }
    assert_eq!(client.call("items", json!([])).await, json!([saw, nut]));
    assert_eq!(client.call("spareParts", json!([])).await, json!([1, [["", "sparePart", { "widthMm": 4 }]]]));
    assert_eq!(client.call("roundTrip", json!([])).await, json!([]));
    assert_eq!(
        client.call("oneOrMore", json!([])).await,
        json!(["sql_row_count", "sql_row_count", "sql_column", "sql_column"])
    );
}

#[tokio::test]
async fn s107_what_reads_a_row_may_use_the_agent_and_may_panic() {
    let (_server, mut client) = shop().await;
    assert_eq!(client.call("curious", json!(["[1, 2]"])).await, json!([11, 22]));
    let failed = client.call_error("curious", json!(["[3, 100]"])).await;
    assert!(failed.starts_with("Internal error"), "{failed}");
    assert_eq!(client.call("curious", json!(["[5]"])).await, json!([35]), "the earlier writes are undone");
}

#[tokio::test]
async fn s107_a_view_only_reads() {
    let (_server, mut client) = shop().await;
    client.call("add", json!(["kept"])).await;
    let codes = client.call("writeThroughAView", json!([])).await;
    let read_only = "sql_read_only";
    let expected = [read_only, read_only, read_only, read_only, read_only, read_only, read_only, "ok"];
    assert_eq!(codes, json!(expected));
    assert_eq!(client.call("names", json!([])).await, json!(["kept"]));
    assert_eq!(client.call("add", json!(["more"])).await, 2, "and the agent still writes");
}

#[tokio::test]
async fn s107_an_error_has_the_statement_for_the_agent_and_not_for_the_client() {
    let (_server, mut client) = shop().await;
    let text = client.call_error("broken", json!([])).await;
    assert!(text.starts_with("Internal error (id "), "{text}");
    assert!(!text.contains("secret") && !text.contains("INSERT"), "{text}");
    let seen = client.call("brokenAsTheAgentSeesIt", json!([])).await;
    assert_eq!(seen[0], "sql_no_such_table");
    for text in [&seen[1], &seen[2]] {
        let text = text.as_str().unwrap_or_default();
        assert!(text.contains("INSERT INTO secret_table"), "{seen}");
    }
    client.call("add", json!(["twice"])).await;
    let text = client.call_error("add", json!(["twice"])).await;
    assert!(text.starts_with("Internal error (id ") && !text.contains("UNIQUE"), "{text}");
}

#[tokio::test]
async fn s107_an_agent_that_offers_sql_shows_the_errors_of_statements() {
    let (_server, mut client) = shop().await;
    client.call("add", json!(["saw"])).await;
    let rows = client.call("query", json!(["SELECT id, name FROM names"])).await;
    assert_eq!(rows, json!([{ "id": 1, "name": "saw" }]));
    for (statement, text) in [
        ("SELECT * FROM nowhere", "no such table: nowhere in `SELECT * FROM nowhere`"),
        ("SELECT FROM names", "near \"FROM\": syntax error in `SELECT FROM names` at byte 7"),
        (
            "INSERT INTO names (name) VALUES ('saw')",
            "UNIQUE constraint failed: names.name in `INSERT INTO names (name) VALUES ('saw')`",
        ),
    ] {
        assert_eq!(client.call_error("query", json!([statement])).await, text);
    }
    let text = client.call_error("query", json!(["DELETE FROM _agents_state"])).await;
    assert!(text.contains("belong"), "{text}");
}

#[tokio::test]
async fn s107_the_tables_of_the_runtime_can_be_left_out_of_a_list() {
    let (_server, mut client) = shop().await;
    client.call("query", json!(["CREATE TABLE ids (id INTEGER PRIMARY KEY AUTOINCREMENT)"])).await;
    client.call("query", json!(["CREATE TABLE _agents2 (id)"])).await;
    let all = client.call("query", json!(["SELECT name FROM sqlite_schema WHERE type = 'table'"])).await;
    assert!(all.to_string().contains("\"_agents_") && all.to_string().contains("sqlite_sequence"), "{all}");
    let mut own: Vec<String> = serde_json::from_value(client.call("tables", json!([])).await).expect("names");
    own.sort();
    assert_eq!(own, ["_agents2", "cells", "ids", "items", "names"]);
}

#[tokio::test]
async fn s107_the_runtime_and_the_file_system_are_out_of_reach() {
    let (server, mut client) = shop().await;
    let stolen = server.data().join("stolen.sqlite");
    let path = stolen.display();
    for statement in [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "RELEASE s",
        "DETACH main",
        "VACUUM",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x')",
        "DELETE FROM _agents_state",
        "INSERT INTO _agents_kv VALUES ('a', '1')",
        "CREATE TABLE _agents_mine (a)",
        "CREATE TEMP TABLE t (a)",
        "SELECT 1; SELECT 2",
        "",
        "not SQL",
        "SELECT \u{0} 1",
        &format!("ATTACH DATABASE '{path}' AS s"),
        &format!("VACUUM INTO '{path}'"),
    ] {
        let code = client.call("run", json!([statement])).await;
        assert_ne!(code, "ok", "{statement}");
    }
    assert!(!stolen.exists());
    assert_eq!(client.call("run", json!(["CREATE TABLE mine (a)"])).await, "ok");
    assert_eq!(client.call("add", json!(["still here"])).await, 1);
}

#[tokio::test]
async fn s107_every_agent_has_a_database_of_its_own() {
    let (server, mut client) = shop().await;
    client.call("add", json!(["mine"])).await;
    let mut other = server.join("/agents/shop/b", false).await;
    assert_eq!(other.call("names", json!([])).await, json!([]));
    assert_eq!(other.call("run", json!(["DROP TABLE names"])).await, "ok");
    assert_eq!(client.call("names", json!([])).await, json!(["mine"]));
}
