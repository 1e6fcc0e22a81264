//! The built server as a process: killed, stopped, started twice, and with invalid input.

mod conformance;
mod failures;
mod network;
mod program;
