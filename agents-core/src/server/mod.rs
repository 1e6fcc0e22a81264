//! The host: classes, routing, limits, shutdown and the command line.

mod access;
mod builder;
mod command;
mod events;
mod host;
mod http;
mod log;
mod metrics;
mod output;
mod peers;
mod prometheus;

pub use access::config::ResolveName;
pub use builder::Agents;
pub(crate) use builder::Mode;
pub use command::migrate::{FailedMigration, MigrationCheck, MigrationReport};
pub use host::Host;
#[cfg(feature = "fuzzing")]
pub(crate) use http::address::{Address, canonical_name, parse as parse_address};
pub use http::service::HostService;
pub use log::log;
pub use metrics::HostMetrics;
