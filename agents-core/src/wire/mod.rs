//! The wire protocol: names, values and frames.
//!
//! No I/O and no runtime in here; the Rust client shares this layer with the server.

#[cfg(feature = "runtime")]
mod alias;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod derive;
mod duration;
#[doc(hidden)]
pub mod field;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "url", feature = "uuid"))]
mod foreign;
pub mod frame;
mod integer;
pub mod name;
mod shape;
mod surrogate;
mod value;

pub use duration::Duration;
pub use integer::{I64, I128, U64, U128};
#[cfg(feature = "runtime")]
pub(crate) use shape::Declaration;
pub use shape::Shape;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use shape::{Describe, TypeName, TypeSet};
pub use value::{JsonMessage, Wire, from_json, from_value, to_json, to_value};
