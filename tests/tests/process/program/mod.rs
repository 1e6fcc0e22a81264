//! The program itself: its command line, its log, its metrics, and its shutdown.

mod log;
mod metrics;
mod migrate;
mod no_subscriber;
mod shutdown;
mod start_errors;
mod types;
