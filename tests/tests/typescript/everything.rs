//! One agent with every kind of wire type.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use agents::bytes::Bytes;
use agents::prelude::*;
use agents::serde_json::Value;
use agents::wire::{self, I64, I128, U64, U128};

/// A struct with fields of every kind.
///
/// Its comment has two paragraphs, and `*/` in one.
#[wire]
#[derive(Clone, Default)]
pub(crate) struct Everything {
    /// Counts; a comment with */ in it.
    pub(crate) count: u64,
    pub(crate) small: u8,
    pub(crate) signed: i64,
    pub(crate) huge: u128,
    pub(crate) size: usize,
    pub(crate) float: f64,
    pub(crate) letter: char,
    pub(crate) flag: bool,
    pub(crate) maybe: Option<String>,
    pub(crate) nested_maybe: Vec<Option<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) also_left_out: Vec<u8>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) never_left_out: Option<u8>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip)]
    pub(crate) hidden: String,
    pub(crate) by_name: BTreeMap<String, Vec<u32>>,
    pub(crate) by_number: HashMap<u32, bool>,
    pub(crate) by_digits: BTreeMap<U64, u8>,
    pub(crate) pair: (String, i32),
    pub(crate) triple: [u8; 3],
    pub(crate) set: BTreeSet<String>,
    pub(crate) any: Value,
    pub(crate) boxed: Box<u8>,
    pub(crate) raw: Bytes,
    pub(crate) exact: U64,
    pub(crate) exact_signed: I64,
    pub(crate) exact_huge: (U128, I128),
    pub(crate) lasts: wire::Duration,
    pub(crate) by_flag: BTreeMap<bool, u8>,
    pub(crate) by_own_flag: BTreeMap<Flag, BTreeMap<bool, u8>>,
    #[doc = concat!(" One */ two", " three.")]
    #[doc = "/ four"]
    pub(crate) noted: Option<bool>,
}

#[wire]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flag(pub(crate) bool);

/// A name that TypeScript has for itself, and a comment that only the compiler knows:
#[doc = concat!("*/", " none")]
#[wire]
pub(crate) struct Record {
    pub(crate) nothing: Empty,
    pub(crate) pages: BTreeMap<String, Index<String, Page<u8>>>,
}

#[wire]
pub(crate) struct Empty {}

/// Generic over its keys.
#[wire]
pub(crate) struct Index<K: Ord, V> {
    pub(crate) by: BTreeMap<K, V>,
}

/// Variants without fields.
#[wire]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Plain {
    DarkRed,
    /// The other one.
    #[serde(rename = "vert")]
    Green,
}

/// Variants of every kind, each an object with one key.
#[wire]
pub(crate) enum External {
    Unit,
    New(u32),
    Pair(u32, String),
    Fields { first_field: bool, second: Option<Plain> },
}

#[wire]
#[serde(tag = "type")]
pub(crate) enum Internal {
    Unit,
    New(Point),
    Fields { at_point: Point },
}

#[wire]
#[serde(tag = "t", content = "c")]
pub(crate) enum Adjacent {
    Unit,
    New(u32),
    Pair(u32, String),
    Fields { x: u32 },
}

#[wire]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(u32),
    Text(String),
    Point(Point),
    Nothing,
}

#[wire]
#[derive(Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Keys of another struct among its own.
#[wire]
pub(crate) struct Flat {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) point: Point,
}

/// A type that holds itself.
#[wire]
pub(crate) struct Tree {
    pub(crate) value: u32,
    pub(crate) children: Vec<Tree>,
    pub(crate) page: Option<Box<Page<Tree>>>,
}

/// Generic over its items.
#[wire]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<u64>,
}

#[wire]
pub(crate) struct Id(pub(crate) String);

#[wire]
pub(crate) struct Both(pub(crate) u8, pub(crate) Id);

#[wire]
pub(crate) struct Nothing;

#[wire]
pub(crate) struct Dates {
    pub(crate) at: chrono::DateTime<chrono::Utc>,
    pub(crate) day: chrono::NaiveDate,
    pub(crate) stamp: jiff::Timestamp,
    pub(crate) link: url::Url,
    pub(crate) id: uuid::Uuid,
}

/// An agent that names all of it.
#[agent(state = Everything, name = "all-of-it")]
#[derive(Default)]
pub(crate) struct Kitchen;

#[agent]
#[allow(
    clippy::too_many_arguments,
    clippy::new_ret_no_self,
    clippy::wrong_self_convention,
    reason = "what is tested are arguments and names"
)]
impl Kitchen {
    #[hook]
    fn has_right(&self, _right: &str) -> bool {
        true
    }

    /// Enums of every shape.
    #[callable]
    fn enums(
        &self,
        plain: Plain,
        external: External,
        internal: Internal,
        adjacent: Adjacent,
        untagged: Untagged,
    ) {
        drop((plain, external, internal, adjacent, untagged));
    }

    /// Ends a comment: */ and goes on.
    ///
    /// - a list
    #[callable(write)]
    fn set_all(&self, everything: Everything) -> Everything {
        everything
    }

    #[callable(write, require = "editor")]
    async fn trees(&self, tree: Tree, flat: Flat) -> Result<Page<Page<Tree>>> {
        drop((tree, flat));
        Ok(Page { items: Vec::new(), next: None })
    }

    #[callable]
    fn optional(
        &self,
        first: Option<u8>,
        #[default = 7] second: u32,
        third: String,
        fourth: Option<Vec<String>>,
        #[default = "x".to_owned()] fifth: String,
        sixth: Value,
    ) -> Option<VecDeque<Box<Id>>> {
        drop((first, second, third, fourth, fifth, sixth));
        None
    }

    /// The old way.
    #[callable]
    #[deprecated(note = "use `optional`")]
    fn old(&self, both: Both) -> Nothing {
        drop(both);
        Nothing
    }

    /// Words that TypeScript keeps for itself.
    #[callable]
    fn delete(&self, default: String, r#in: BTreeMap<Plain, u8>) -> (u8, Id) {
        drop((default, r#in));
        (1, Id(String::new()))
    }

    #[callable]
    fn new(&self) {}

    #[callable]
    fn records(&self, by: BTreeMap<bool, Record>) -> Index<u32, Option<bool>> {
        drop(by);
        Index { by: BTreeMap::new() }
    }

    #[callable]
    fn motto(&self) -> Result<&'static str> {
        Ok("never late")
    }

    /// Counts down.
    #[callable]
    fn count(&self, from: U64) -> impl Stream<Item = Result<Point>> + use<> {
        let _ = from;
        futures_util::stream::empty()
    }

    /// Speaks.
    #[callable]
    fn speak(&self, out: &StreamingResponse<String>, for_: wire::Duration) -> Result<u32> {
        let _ = for_;
        out.send("hello".to_owned())?;
        Ok(1)
    }

    #[callable]
    fn whisper(&self, out: &StreamingResponse<()>) -> Result<()> {
        out.end(3)
    }

    #[callable]
    fn dates(
        &self,
        dates: Dates,
        from: jiff::civil::Date,
        to: chrono::DateTime<chrono::Utc>,
    ) -> Vec<uuid::Uuid> {
        drop((dates, from, to));
        Vec::new()
    }
}
