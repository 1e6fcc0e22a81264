//! The host: classes, routing, limits, shutdown and the command line.

mod accept;
mod access;
mod address;
mod admit;
mod agents;
mod answer;
mod body;
mod cli;
mod cors;
mod entrance;
mod files;
mod host;
mod meter;
mod metrics;
mod origin;
mod patient;
mod proxies;
mod serve;
mod service;
mod turnstile;
mod typescript;

pub use crate::gateway::{Limits, Rate};
pub use access::FindName;
#[cfg(feature = "fuzzing")]
pub(crate) use address::{Address, canonical_name, parse as parse_address};
pub use agents::Agents;
#[cfg(feature = "testing")]
pub(crate) use agents::Mode;
pub use host::Host;
pub use meter::HostMeter;
pub use service::HostService;
