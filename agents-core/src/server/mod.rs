//! The host: classes, routing, limits, shutdown and the command line.

mod access;
mod builder;
mod cli;
mod events;
mod host;
mod http;
mod log;
mod metrics;
mod migrate_command;
mod output;
mod peers;
mod prometheus;
mod types_command;

pub use access::config::ResolveName;
pub use builder::Agents;
#[cfg(feature = "testing")]
pub(crate) use builder::Mode;
pub use host::Host;
#[cfg(feature = "fuzzing")]
pub(crate) use http::address::{Address, canonical_name, parse as parse_address};
pub use http::service::HostService;
pub use log::log;
pub use metrics::HostMetrics;
pub use migrate_command::{FailedMigration, MigrationCheck, MigrationReport};
