//! Items that the expansions of the macros use for servers and clients. They are not part of the public API.

pub use std::boxed::Box;
pub use std::option::Option;
pub use std::result::Result;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use serde_json::Value;
pub use {serde, serde_json};

pub use crate::error::Error;
pub use crate::interface::{AgentClass, AgentState, CallArguments, Caller, Interface, Outcome, Reply};
pub use crate::wire::types::derive as ts_rs;
pub use crate::wire::types::field::{self as wire_field, SerdeField};
pub use crate::wire::{JsonMessage, KeyFacts, Wire};

/// The names of the prelude, with the meaning that the derive of `ts_rs` expects.
pub mod standard {
    pub use ::std::option::Option::{self, None, Some};
    pub use ::std::string::String;

    /// The part of the crate `std` that the derive uses.
    pub mod std {
        pub use ::std::{fmt, path};
    }
}
