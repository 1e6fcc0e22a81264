//! The built server as a process: killed, stopped, fed with nonsense, and started twice.

mod conformance;
mod failures;
mod network;
mod program;
