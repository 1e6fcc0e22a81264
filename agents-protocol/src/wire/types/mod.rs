//! The types that travel: their form in JSON, as a column, and in TypeScript.
//!
//! Nothing in here knows frames or names of agents.

pub(super) mod alias;
#[doc(hidden)]
pub mod derive;
pub(super) mod duration;
#[doc(hidden)]
pub mod field;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "url", feature = "uuid"))]
pub(super) mod foreign;
pub(super) mod integer;
pub(super) mod key_facts;
pub(super) mod shape;
