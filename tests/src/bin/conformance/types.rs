//! The types that the counter stores, sends and returns.

use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
pub(crate) struct Counter {
    pub(crate) count: i64,
}

#[wire]
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) name: Option<String>,
}

#[wire]
pub(crate) struct Closed {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) clean: bool,
}

#[wire]
pub(crate) struct Change {
    pub(crate) source: String,
    pub(crate) count: i64,
}

#[wire]
pub(crate) struct Who {
    pub(crate) id: String,
    pub(crate) server: String,
    pub(crate) agent: String,
    pub(crate) tags: Vec<String>,
    pub(crate) readonly: bool,
    pub(crate) protocol: bool,
    pub(crate) name: Option<String>,
    pub(crate) uri: Option<String>,
}

#[wire]
pub(crate) struct Greeting {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) token: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) readonly: bool,
    pub(crate) protocol: bool,
    pub(crate) tags: Vec<String>,
}
