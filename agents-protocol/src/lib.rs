//! The protocol of the crate `agents`: what a server and its clients share. Programs use that crate.
//!
//! This crate has no I/O, no runtime and no feature that distinguishes servers and clients.

#[doc(hidden)]
#[path = "rt.rs"]
pub mod __rt;
pub mod close_code;
pub mod error;
pub mod interface;
pub mod message;
#[cfg(feature = "axum")]
#[doc(hidden)]
pub mod response;
#[doc(hidden)]
pub mod unwind;
pub mod wire;

pub use error::{Error, Result};
pub use {serde, serde_json};
