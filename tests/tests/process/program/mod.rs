//! The program itself: its command line, its log, its metrics, and its shutdown.

mod metrics;
mod migrate;
mod no_subscriber;
mod shutdown;
mod types;
