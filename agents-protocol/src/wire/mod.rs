//! The wire protocol: names, values and frames.
//!
//! This layer has no I/O and no runtime. The Rust client shares it with the server.

pub mod close_code;
mod encode;
pub mod frame;
pub mod name;
mod surrogate;
#[doc(hidden)]
pub mod types;
mod value;

#[doc(hidden)]
pub use encode::strict_json;
#[cfg(feature = "runtime")]
pub(crate) use surrogate::replaced as without_lone_surrogates;
pub use types::duration::Duration;
#[cfg(feature = "runtime")]
pub(crate) use types::integer::SCALAR;
pub use types::integer::{I64, I128, U64, U128};
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use types::key_facts::KeyFacts;
#[cfg(feature = "runtime")]
pub(crate) use types::shape::Declaration;
pub use types::shape::Shape;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use types::shape::{Describe, TypeName, TypeSet};
#[cfg(feature = "runtime")]
pub(crate) use value::De;
pub use value::{JsonMessage, Wire, from_json, from_value, to_json, to_value};
