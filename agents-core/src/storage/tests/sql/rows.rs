//! Tests of rows as Rust types.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::types::{Post, Role, example, wire};
use crate::storage::sql::{
    ColumnRef, FromColumn, FromRow, Row, ToColumn, column_as_wire, row_as_struct, wire_as_column,
};
use crate::storage::tests::*;
use crate::wire::Wire;

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
        ("?3 AS", "'x' || ?3 AS", "column `createdAt`: expected i64, got text"),
        ("?4 AS", "2 * ?4 AS", "column `pinned`: expected a boolean, got an integer"),
        ("?1 AS", "length(?1) AS", "column `author`: expected a string, got an integer"),
        ("?6 AS", "'[1' || substr(?6, 1, 0) AS", "column `tags`: in its JSON text"),
        ("?7 AS", "'guest' || substr(?7, 1, 0) AS", "column `role`: expected one of "),
        ("?4 AS", "substr(?4, 1, 0) || NULL AS", "column `pinned`: expected a boolean, got NULL"),
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

/// The same types where serde reads the columns before it knows the fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped {
    plain: Value,
    #[serde(flatten)]
    rest: Rest,
}
wire!(Wrapped);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    on: bool,
    one: i64,
    off: Option<bool>,
    zero: u8,
    note: String,
    list: Vec<u8>,
    title: Option<String>,
    last: bool,
}

impl FromRow for Wrapped {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row_as_struct(row)
    }
}

#[test]
fn flattened_fields_take_flags_and_text_that_looks_like_json() {
    let bench = Bench::new();
    let mut wrapped = Wrapped {
        plain: json!("5"),
        rest: Rest {
            on: true,
            one: 1,
            off: Some(false),
            zero: 0,
            note: "[1,2]".to_owned(),
            list: vec![1, 2],
            title: Some("{}".to_owned()),
            last: true,
        },
    };
    let sql = "SELECT ?1 AS plain, ?2 AS \"on\", ?3 AS one, ?4 AS off, ?5 AS zero, ?6 AS note, ?7 AS list, \
               ?8 AS title, ?9 AS last";
    for _ in 0..3 {
        let rest = &wrapped.rest;
        let list = wire_as_column(&rest.list).unwrap();
        let values = (
            &wrapped.plain,
            rest.on,
            rest.one,
            rest.off,
            rest.zero,
            &rest.note,
            list,
            &rest.title,
            rest.last,
        );
        assert_eq!(one::<Wrapped>(&bench, sql, values), wrapped);
        (wrapped.rest.off, wrapped.rest.on) = (None, !wrapped.rest.on);
        (wrapped.rest.title, wrapped.rest.note) = (None, "plain".to_owned());
    }
    let sql = "SELECT 'x' AS plain, 1 AS \"on\", 1 AS one, 0 AS off, 0 AS zero, '[]' AS note, '[]' AS list, \
               NULL AS title, 2 AS last";
    let error = bench.sql().query_one::<Wrapped>(sql, ()).unwrap_err();
    assert!(error.to_string().contains("expected a boolean, got an integer"), "{error}");
    assert_eq!(error.code(), "sql_row", "{error}");
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
    says(sql.query_one::<(i64, i64)>("SELECT 1", ()).map(|_| ()), "the query has 1 columns, 2 are requested");
    says(sql.query_one::<i64>("SELECT 1, 2", ()).map(|_| ()), "the query has 2 columns, 1 are requested");
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
    assert!(row.get::<i64>(4).unwrap_err().to_string().contains("index 4 is too large"));
    let none = bench.on(|store| store.query("SELECT 1 WHERE 0", &[], true, 1)).unwrap();
    assert!(none.is_empty() && none.iter().next().is_none());
    let map: Map<String, Value> =
        one(&bench, "SELECT 1 AS a, '[2]' AS b, NULL AS c, 1.5 AS d, x'01' AS e", ());
    assert_eq!(Value::Object(map), json!({ "a": 1, "b": "[2]", "c": null, "d": 1.5, "e": [1] }));
}
