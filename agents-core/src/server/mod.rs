//! The host: classes, routing, limits, shutdown and the command line.

mod address;
mod agents;
mod cli;
mod host;
mod limits;
mod origin;
mod serve;
mod service;

pub use agents::Agents;
pub use host::Host;
pub use limits::Limits;
pub use service::HostService;
