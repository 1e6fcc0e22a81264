//! The port of a process: invalid bytes, paths, origins, TLS, and Rust clients across a restart.

mod frames;
pub(super) mod http;
mod origins;
mod paths;
mod rust_client;
mod tls;
