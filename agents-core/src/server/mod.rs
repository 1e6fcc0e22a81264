//! The host: classes, routing, limits, shutdown and the command line.

mod accept;
mod address;
mod admission;
mod agents;
mod answer;
mod body;
mod cli;
mod files;
mod host;
mod limits;
mod meter;
mod metrics;
mod origin;
mod patient;
mod proxies;
mod serve;
mod service;

pub use agents::Agents;
#[cfg(feature = "testing")]
pub(crate) use agents::Mode;
pub use host::Host;
pub use limits::{Limits, Rate};
pub use meter::HostMeter;
pub use service::HostService;
