//! Sleep: what survives it, what is lost, when it comes, what ends it, what prevents it, what it costs.
//!
//! All on the virtual clock of a test host, so that hours pass at once.

mod alarms;
mod connections;
mod durable_object;
mod failures;
mod sleep;
mod support;
