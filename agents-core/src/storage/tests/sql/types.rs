//! The types that the tests store in columns and read from rows.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::storage::sql::{
    ColumnRef, FromColumn, FromRow, Row, ToColumn, column_as_wire, row_as_struct, wire_as_column,
};
use crate::storage::tests::*;
use crate::wire::Wire;

/// The part of `#[wire]` that matters for these tests.
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
pub(super) struct Post {
    pub(super) author: String,
    pub(super) body_text: String,
    pub(super) created_at: i64,
    pub(super) pinned: bool,
    pub(super) score: Option<f64>,
    pub(super) tags: Vec<String>,
    pub(super) role: Role,
    pub(super) id: Id,
    pub(super) extra: Value,
    pub(super) data: Vec<u8>,
}
wire!(Post);

impl FromRow for Post {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row_as_struct(row)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Role {
    Admin,
    GuestOfHonour,
}
wire!(Role);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Id(pub(super) String);
wire!(Id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Shape {
    Empty,
    Circle(f64),
    Box { w: u32, h: u32 },
}
wire!(Shape);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Loose {
    Number(i64),
    Text(String),
    List(Vec<i64>),
}
wire!(Loose);

pub(super) fn example() -> Post {
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

impl FromRow for Role {
    fn from_row(row: &Row<'_>) -> crate::Result<Self> {
        row.get("'admin'")
    }
}

pub(super) use wire;
