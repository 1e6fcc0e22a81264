//! Tests of wire types in columns.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::types::{Id, Loose, Role, Shape, example, wire};
use crate::storage::sql::{
    ColumnRef, FromColumn, FromRow, Row, ToColumn, column_as_wire, row_as_struct, wire_as_column,
};
use crate::storage::tests::*;
use crate::wire::Wire;

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
    back(Loose::Number(5), text("5"));
    back(Loose::Text("5".to_owned()), text("\"5\""));
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Payload(Value);
wire!(Payload);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Mixed {
    Flag(bool),
    Number(f64),
    Text(String),
    Many(Vec<Mixed>),
}
wire!(Mixed);

/// The types that accept any kind of value, alone and beside other fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    payload: Payload,
    mixed: Option<Mixed>,
    plain: Value,
}
wire!(Holder);

impl FromRow for Holder {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row_as_struct(row)
    }
}

#[test]
fn what_takes_anything_comes_back_as_it_was_whatever_the_column() {
    let bench = Bench::new();
    let text = |text: &str| Mixed::Text(text.to_owned());
    let mixed = [
        Mixed::Flag(true),
        Mixed::Flag(false),
        Mixed::Number(1.0),
        Mixed::Number(0.1),
        text("5"),
        text("true"),
        text("null"),
        text(""),
        text("plain"),
        text("[\"a\"]"),
        text("{\"a\":1}"),
        text("\"quoted\""),
        Mixed::Many(vec![Mixed::Flag(true), text("1")]),
    ];
    bench.turn(|sql| {
        sql.execute_batch(
            "CREATE TABLE loose (a TEXT, b INTEGER, c REAL, d NUMERIC, e BLOB, f);
             CREATE TABLE strict (a TEXT, b ANY, c ANY, d ANY, e ANY, f ANY) STRICT;",
        )
        .unwrap();
        for mixed in mixed {
            let payload = Payload(serde_json::to_value(&mixed).unwrap());
            let holder =
                Holder { plain: payload.0.clone(), payload: payload.clone(), mixed: Some(mixed.clone()) };
            for table in ["loose", "strict"] {
                let insert = |values| {
                    sql.execute(&format!("INSERT INTO {table} VALUES (?1, ?1, ?1, ?1, ?1, ?1)"), values)
                };
                sql.execute(&format!("DELETE FROM {table}"), ()).unwrap();
                insert([wire_as_column(&mixed).unwrap()]).unwrap();
                for column in ["a", "b", "c", "d", "e", "f"] {
                    let select = format!("SELECT {column} FROM {table}");
                    let (read,): (Mixed,) = sql.query_one(&select, ()).unwrap();
                    assert_eq!(read, mixed, "{table}.{column}");
                    let (read,): (Payload,) = sql.query_one(&select, ()).unwrap();
                    let numbers = (read.0.as_f64(), payload.0.as_f64());
                    assert!(read == payload || numbers.0.is_some() && numbers.0 == numbers.1, "{read:?}");
                }
            }
            let read: Holder = sql
                .query_one(
                    "SELECT ?1 AS payload, ?2 AS mixed, ?3 AS plain",
                    (&holder.payload, &holder.mixed, &holder.plain),
                )
                .unwrap();
            assert_eq!(read, holder);
        }
        let nothing = Holder { payload: Payload(json!([])), mixed: None, plain: Value::Null };
        let values = (&nothing.payload, &nothing.mixed, &nothing.plain);
        assert_eq!(
            sql.query_one::<Holder>("SELECT ?1 AS payload, ?2 AS mixed, ?3 AS plain", values).unwrap(),
            nothing
        );
    });
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Scores { scores: BTreeMap<u32, u32> },
    }
    wire!(Tagged);
    #[derive(Debug, Serialize, Deserialize)]
    struct Hidden {
        #[serde(skip_serializing)]
        secret: u8,
    }
    wire!(Hidden);
    #[derive(Debug, Serialize, Deserialize)]
    struct Average(Option<f64>);
    wire!(Average);
    #[derive(Debug, Serialize, Deserialize)]
    struct Small(#[serde(deserialize_with = "small")] u8);
    wire!(Small);
    fn small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        let number = u8::deserialize(deserializer)?;
        if number < 10 { Ok(number) } else { Err(serde::de::Error::custom("too large")) }
    }
    fn refused<T: Wire>(value: &T, says: &str) {
        let error = wire_as_column(value).unwrap_err();
        assert_eq!(error.code(), "sql_value");
        assert_eq!(error.to_string(), format!("cannot be stored in a column: {says}"));
    }
    let unread = "the type does not read what it writes: ";
    assert_eq!(serde_json::from_str::<Hidden>("{\"secret\":3}").unwrap().secret, 3);
    let scores = Tagged::Scores { scores: BTreeMap::from([(1, 2)]) };
    refused(&scores, &format!("{unread}invalid type: string \"1\", expected u32"));
    refused(&Hidden { secret: 1 }, &format!("{unread}missing field `secret` at line 1 column 2"));
    refused(&Average(Some(f64::NAN)), "a number that is not a number (NaN)");
    refused(&vec![Average(Some(f64::INFINITY))], "`[0]`: JSON has no number inf");
    refused(&Small(10), &format!("{unread}too large"));
    refused(
        &(0..128).fold(Payload(Value::Null), |inner, _| Payload(json!([inner.0]))),
        &format!("`{}`: nested deeper than 127 levels", "[0]".repeat(127)),
    );
    let error = (0..128).fold(Value::Null, |inner, _| json!([inner])).to_column().unwrap_err();
    assert_eq!(error.code(), "sql_value");
    assert!(wire_as_column(&Small(9)).is_ok() && wire_as_column(&Average(None)).is_ok());
    // SQLite has infinities, and JSON does not.
    let bench = Bench::new();
    assert_eq!(one::<f64>(&bench, "SELECT 9e999", ()), f64::INFINITY);
    let error = bench.sql().query_one::<Map<String, Value>>("SELECT 9e999 AS x", ()).unwrap_err();
    assert_eq!(error.to_string(), "column `x`: JSON has no number inf");
    assert_eq!(bench.sql().query_one::<Value>("SELECT 9e999 AS x", ()).unwrap_err().code(), "sql_column");
}
