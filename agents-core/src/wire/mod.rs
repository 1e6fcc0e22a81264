//! The wire protocol: names, values and frames.
//!
//! No I/O and no runtime in here; the Rust client shares this layer with the server.

pub mod frame;
pub mod name;
mod value;

pub use value::{JsonMessage, Wire, from_json, from_value, to_json, to_value};
