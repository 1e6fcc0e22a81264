//! Values and rows as Rust types.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::*;
use crate::storage::sql::{
    ColumnRef, FromColumn, FromRow, Row, ToColumn, column_as_wire, row_as_struct, wire_as_column,
};
use crate::wire::Wire;

/// What `#[wire]` does, as far as it matters here.
macro_rules! wire {
    ($ty:ident) => {
        impl Wire for $ty {
            type Shape = serde_json::Value;

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }
        impl FromColumn for $ty {
            fn from_column(value: ColumnRef<'_>) -> crate::Result<Self> {
                column_as_wire(value)
            }
        }
        impl ToColumn for $ty {
            fn to_column(&self) -> crate::Result<Column> {
                wire_as_column(self)
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Post {
    author: String,
    body_text: String,
    created_at: i64,
    pinned: bool,
    score: Option<f64>,
    tags: Vec<String>,
    role: Role,
    id: Id,
    extra: Value,
    data: Vec<u8>,
}
wire!(Post);

impl FromRow for Post {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row_as_struct(row)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Role {
    Admin,
    GuestOfHonour,
}
wire!(Role);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id(String);
wire!(Id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Box { w: u32, h: u32 },
}
wire!(Shape);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
    List(Vec<i64>),
}
wire!(Loose);

fn example() -> Post {
    Post {
        author: "alice".to_owned(),
        body_text: "{\"not\": \"json to a String\"}".to_owned(),
        created_at: 1_700_000_000_000,
        pinned: true,
        score: None,
        tags: vec!["a".to_owned(), "b".to_owned()],
        role: Role::GuestOfHonour,
        id: Id("007".to_owned()),
        extra: json!({ "deep": [1, null, "x"] }),
        data: vec![0, 255],
    }
}

const SELECT: &str = "SELECT ?1 AS author, ?2 AS body_text, ?3 AS createdAt, ?4 AS pinned, ?5 AS score, \
    ?6 AS tags, ?7 AS role, ?8 AS id, ?9 AS extra, ?10 AS data, 'ignored' AS something_else";

fn bind<'a>(bench: &'a Bench, sql: &'a str, post: &Post) -> crate::storage::sql::Statement<'a> {
    Sql::new(bench)
        .statement(sql)
        .bind(&post.author)
        .bind(&post.body_text)
        .bind(&post.created_at)
        .bind(&post.pinned)
        .bind(&post.score)
        .bind(&json!(post.tags))
        .bind(&post.role)
        .bind(&post.id)
        .bind(&post.extra)
        .bind(&post.data)
}

#[test]
fn a_row_becomes_a_struct_by_the_names_of_its_columns() {
    let bench = Bench::new();
    let mut post = example();
    assert_eq!(bind(&bench, SELECT, &post).fetch::<Post>().unwrap(), post);
    post.score = Some(2.0);
    post.extra = json!("a string");
    post.role = Role::Admin;
    assert_eq!(bind(&bench, SELECT, &post).fetch::<Vec<Post>>().unwrap(), [post.clone()]);
    post.extra = json!(12);
    post.data.clear();
    assert_eq!(bind(&bench, SELECT, &post).fetch::<Option<Post>>().unwrap(), Some(post));
}

#[test]
fn a_struct_that_does_not_fit_says_which_column() {
    let bench = Bench::new();
    let post = example();
    for (from, to, says) in [
        ("?3 AS createdAt", "?3 AS made", "no column for the field `createdAt`, the query has `author`"),
        ("?1 AS author", "?1 AS author, 1 AS author", "more than one column `author`"),
        (
            "?3 AS",
            "'x' || ?3 AS",
            "column `createdAt`: invalid type: string \"x1700000000000\", expected i64",
        ),
        ("?4 AS", "2 * ?4 AS", "column `pinned`: invalid type: integer `2`, expected a boolean"),
        ("?1 AS", "length(?1) AS", "column `author`: invalid type: integer `5`, expected a string"),
        ("?6 AS", "'[1' || substr(?6, 1, 0) AS", "column `tags`: in its JSON text"),
        ("?7 AS", "'nobody' || substr(?7, 1, 0) AS", "column `role`: unknown variant `nobody`"),
        ("?4 AS", "substr(?4, 1, 0) || NULL AS", "column `pinned`: invalid type"),
    ] {
        let sql = SELECT.replace(from, to);
        let error = bind(&bench, &sql, &post).fetch::<Post>().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.client_message(), None);
    }
}

#[test]
fn columns_fill_flattened_fields_by_their_own_names() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        id: String,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        number: String,
        list: Vec<u8>,
    }
    wire!(Outer);
    impl FromRow for Outer {
        fn from_row(row: &Row<'_>) -> crate::Result<Self> {
            row_as_struct(row)
        }
    }
    let bench = Bench::new();
    let row: Outer = one(&bench, "SELECT 'a' AS id, '123' AS number, '[1,2]' AS list, 5 AS five", ());
    assert_eq!(row.id, "a");
    assert_eq!(row.inner, Inner { number: "123".to_owned(), list: vec![1, 2] });
    assert_eq!(row.rest, BTreeMap::from([("five".to_owned(), json!(5))]));
}

#[test]
fn wire_values_come_back_from_a_column() {
    fn back<T: Wire + PartialEq + std::fmt::Debug>(value: T, column: Column) {
        let bench = Bench::new();
        let stored = wire_as_column(&value).unwrap();
        assert_eq!(stored, column);
        let rows = bench.on(|store| store.query("SELECT ?1", &[stored], true, 1)).unwrap();
        let row = rows.iter().next().unwrap();
        assert_eq!(column_as_wire::<T>(row.value(0).unwrap()).unwrap(), value);
    }
    let text = |text: &str| Column::Text(text.to_owned());
    back(Role::GuestOfHonour, text("guestOfHonour"));
    back(Id("123".to_owned()), text("123"));
    back(Id("{}".to_owned()), text("{}"));
    back(Shape::Empty, text("Empty"));
    back(Shape::Circle(1.5), text("{\"Circle\":1.5}"));
    back(Shape::Box { w: 1, h: 2 }, text("{\"Box\":{\"w\":1,\"h\":2}}"));
    back(Loose::Number(5), Column::Integer(5));
    back(Loose::Text("5".to_owned()), text("5"));
    back(Loose::List(vec![5]), text("[5]"));
    back(vec![1, 2], text("[1,2]"));
    back(BTreeMap::from([("a".to_owned(), Some(1))]), text("{\"a\":1}"));
    back((1, "x".to_owned()), text("[1,\"x\"]"));
    back(Some(true), Column::Integer(1));
    back(None::<bool>, Column::Null);
    back((), Column::Null);
    back(u64::from(u32::MAX), Column::Integer(i64::from(u32::MAX)));
    back(-1.5_f32, Column::Real(-1.5));
    back('ä', text("ä"));
    back(example(), text(&crate::wire::to_json(&example()).unwrap()));
    assert_eq!(wire_as_column(&u64::MAX).unwrap_err().code(), "sql_value");
}

#[test]
fn scalars_and_tuples_come_back() {
    let bench = Bench::new();
    type Row12 = (i64, u8, f64, f32, bool, char, String, Option<i64>, Vec<u8>, Value, Option<String>, Bytes);
    let values = (
        i64::MIN,
        255_u8,
        0.1,
        0.5_f32,
        true,
        'x',
        "text".to_owned(),
        None::<i64>,
        b"bytes".to_vec(),
        json!([1]),
        Some("some".to_owned()),
        Bytes::from_static(b"b"),
    );
    let sql = "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12";
    assert_eq!(one::<Row12>(&bench, sql, values.clone()), values);
    assert_eq!(one::<f64>(&bench, "SELECT 2", ()), 2.0);
    assert_eq!(one::<Value>(&bench, "SELECT NULL", ()), Value::Null);
    assert_eq!(one::<Role>(&bench, "SELECT 'admin'", ()), Role::Admin);
}

impl FromRow for Role {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row.get("'admin'")
    }
}

#[test]
fn values_that_do_not_fit_are_errors_and_never_wrap() {
    let bench = Bench::new();
    let says = |result: crate::Result<()>, text: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    };
    let sql = bench.sql();
    let drop = |result: crate::Result<i64>| result.map(|_| ());
    says(drop(sql.query_one("SELECT ?1", (u64::MAX,))), "a u64 that is greater than i64::MAX");
    says(drop(sql.query_one("SELECT ?1", (i128::MIN,))), "a i128 that is greater");
    says(drop(sql.query_one("SELECT ?1", (f64::NAN,))), "NaN");
    says(sql.query_one::<u8>("SELECT 256 AS x", ()).map(|_| ()), "column `x`: expected u8");
    says(sql.query_one::<u8>("SELECT -1 AS x", ()).map(|_| ()), "out of its range");
    says(
        sql.query_one::<i64>("SELECT 1.5 AS x", ()).map(|_| ()),
        "column `x`: expected an integer (i64), got REAL",
    );
    says(sql.query_one::<i64>("SELECT '1' AS x", ()).map(|_| ()), "got TEXT");
    says(sql.query_one::<String>("SELECT NULL AS x", ()).map(|_| ()), "column `x`: expected text, got NULL");
    says(sql.query_one::<String>("SELECT 1 AS x", ()).map(|_| ()), "got INTEGER");
    says(sql.query_one::<bool>("SELECT 2 AS x", ()).map(|_| ()), "0 or 1");
    says(sql.query_one::<char>("SELECT 'ab' AS x", ()).map(|_| ()), "one character");
    says(sql.query_one::<Value>("SELECT 'x' AS x", ()).map(|_| ()), "expected JSON text");
    says(
        sql.query_one::<String>("SELECT CAST(x'ff' AS TEXT) AS x", ()).map(|_| ()),
        "column `x`: the text is not UTF-8",
    );
    says(sql.query_one::<(i64, i64)>("SELECT 1", ()).map(|_| ()), "the query has 1 columns, 2 are asked for");
    says(sql.query_one::<i64>("SELECT 1, 2", ()).map(|_| ()), "the query has 2 columns, 1 are asked for");
}

#[test]
fn the_number_of_rows_is_checked() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        let error = sql.query_one::<i64>("SELECT n FROM t", ()).unwrap_err();
        assert_eq!(error.to_string(), "expected exactly one row, got 0: `SELECT n FROM t`");
        assert_eq!(sql.query_optional::<i64>("SELECT n FROM t", ()).unwrap(), None);
        sql.execute("INSERT INTO t VALUES (1), (2)", ()).unwrap();
        let error = sql.query_one::<i64>("SELECT n FROM t", ()).unwrap_err();
        assert_eq!(error.to_string(), "expected exactly one row, got more than one: `SELECT n FROM t`");
        let error = sql.query_optional::<i64>("SELECT n FROM t", ()).unwrap_err();
        assert_eq!(error.code(), "sql_row_count");
        assert_eq!(sql.query::<i64>("SELECT n FROM t ORDER BY n", ()).unwrap(), [1, 2]);
    });
}

#[test]
fn a_bind_error_waits_for_the_end_of_the_chain() {
    let bench = Bench::with_table();
    let before = bench.statements();
    bench.turn(|sql| {
        let statement = sql.statement("INSERT INTO t VALUES (?1)").bind(&u64::MAX).bind(&1);
        assert_eq!(statement.run().unwrap_err().code(), "sql_value");
        let statement = sql.statement("SELECT ?1").bind(&f32::NAN);
        assert_eq!(statement.fetch::<Vec<i64>>().unwrap_err().code(), "sql_value");
    });
    assert_eq!(bench.statements(), before);
}

#[test]
fn parameters_come_in_many_forms() {
    let bench = Bench::new();
    let sum = "SELECT ?1 + ?2";
    assert_eq!(one::<i64>(&bench, sum, (1, 2)), 3);
    assert_eq!(one::<i64>(&bench, sum, [1, 2]), 3);
    assert_eq!(one::<i64>(&bench, sum, &[1, 2]), 3);
    assert_eq!(one::<i64>(&bench, sum, vec![1, 2]), 3);
    assert_eq!(one::<i64>(&bench, sum, [1, 2].as_slice()), 3);
    assert_eq!(one::<i64>(&bench, sum, vec![Column::Integer(1), Column::Integer(2)]), 3);
    assert_eq!(one::<i64>(&bench, "SELECT 3", ()), 3);
    assert_eq!(one::<i64>(&bench, "SELECT :a + :b + :a", (1, 2)), 4);
}

#[test]
fn a_row_can_be_read_by_hand() {
    let bench = Bench::new();
    let sql = "SELECT 1 AS a, 'x' AS b, 2 AS c, 3 AS c UNION ALL SELECT 2, 'y', 0, 0";
    let query = |most| bench.on(|store| store.query(sql, &[], true, most)).unwrap();
    for (most, there) in [(1, 1), (2, 2), (3, 2)] {
        assert_eq!((query(most).len(), query(most).is_empty()), (there, false));
    }
    let rows = query(usize::MAX);
    let last: Vec<String> = rows.iter().map(|row| row.get("b").unwrap()).collect();
    assert_eq!(last, ["x", "y"]);
    let row = rows.iter().next().unwrap();
    assert_eq!((row.columns(), row.name(1), row.name(4)), (4, Some("b"), None));
    assert_eq!(row.value(0).unwrap(), ColumnRef::Integer(1));
    assert!(row.get::<i64>("B").unwrap_err().to_string().contains("no column `B`"));
    assert!(row.get::<i64>("c").unwrap_err().to_string().contains("more than one column `c`"));
    assert!(row.get::<i64>(4).unwrap_err().to_string().contains("none at 4"));
    let none = bench.on(|store| store.query("SELECT 1 WHERE 0", &[], true, 1)).unwrap();
    assert!(none.is_empty() && none.iter().next().is_none());
    let map: Map<String, Value> =
        one(&bench, "SELECT 1 AS a, '[2]' AS b, NULL AS c, 1.5 AS d, x'01' AS e", ());
    assert_eq!(Value::Object(map), json!({ "a": 1, "b": "[2]", "c": null, "d": 1.5, "e": [1] }));
}
