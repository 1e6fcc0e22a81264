//! The wire protocol: names, values and frames.
//!
//! This layer has no I/O and no runtime. The Rust client shares it with the server.

#[cfg(feature = "runtime")]
mod alias;
pub mod close_code;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod derive;
mod duration;
mod encode;
#[doc(hidden)]
pub mod field;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "url", feature = "uuid"))]
mod foreign;
pub mod frame;
mod integer;
#[cfg(feature = "runtime")]
mod key_facts;
pub mod name;
mod shape;
mod surrogate;
mod value;

pub use duration::Duration;
#[doc(hidden)]
pub use encode::strict_json;
#[cfg(feature = "runtime")]
pub(crate) use integer::SCALAR;
pub use integer::{I64, I128, U64, U128};
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use key_facts::KeyFacts;
#[cfg(feature = "runtime")]
pub(crate) use shape::Declaration;
pub use shape::Shape;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use shape::{Describe, TypeName, TypeSet};
#[cfg(feature = "runtime")]
pub(crate) use surrogate::replaced as without_lone_surrogates;
#[cfg(feature = "runtime")]
pub(crate) use value::De;
pub use value::{JsonMessage, Wire, from_json, from_value, to_json, to_value};
