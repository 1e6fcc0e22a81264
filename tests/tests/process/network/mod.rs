//! The port of a process: bytes that no client sends, paths, origins, TLS, and Rust clients over a restart.

mod frames;
pub(super) mod http;
mod origins;
mod paths;
mod rust_client;
mod tls;
