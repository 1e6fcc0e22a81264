//! The program itself: its command line, its log, its metrics, and how it stops.

mod metrics;
mod no_subscriber;
mod shutdown;
mod types;
