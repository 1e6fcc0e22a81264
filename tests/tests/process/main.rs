//! The built server as a process: killed, stopped, fed with nonsense, and started twice.

mod blocked;
mod clients;
mod faults;
mod frames;
mod http;
mod kill;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod origins;
mod paths;
mod program;
mod silent;
mod slow;
mod stop;
mod tls;
mod types;
