//! The host: classes, routing, limits, shutdown and the command line.

mod address;
mod agents;
mod body;
mod cli;
mod host;
mod limits;
mod meter;
mod metrics;
mod origin;
mod serve;
mod service;

pub use agents::Agents;
#[cfg(feature = "testing")]
pub(crate) use agents::Mode;
pub use host::Host;
pub use limits::{Limits, Rate};
pub use meter::HostMeter;
pub use service::HostService;
