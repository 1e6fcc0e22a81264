//! The wire protocol: names, values and frames.
//!
//! This layer has no I/O and no runtime. The Rust client shares it with the server.

mod encode;
pub mod frame;
pub mod name;
mod surrogate;
#[doc(hidden)]
pub mod types;
mod value;

pub use crate::close_code;
pub use types::duration::Duration;
pub use types::integer::{I64, I128, U64, U128};
pub use types::shape::Shape;
pub use value::{JsonMessage, Wire, from_json, from_value, to_json, to_value};

// Items that only the crates of this project use: the Rust client, the server and the expansions of the macros.
#[doc(hidden)]
pub use encode::strict_json;
#[doc(hidden)]
pub use surrogate::replaced as without_lone_surrogates;
#[doc(hidden)]
pub use types::integer::SCALAR;
#[doc(hidden)]
pub use types::key_facts::KeyFacts;
#[doc(hidden)]
pub use types::shape::{Declaration, Describe, TypeName, TypeSet};
#[doc(hidden)]
pub use value::De;
