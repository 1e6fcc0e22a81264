//! Hibernation: the data that survives it, the data that is lost, its begin and its end, the reasons that
//! prevent it, and its cost.
//!
//! All tests run on the virtual clock of a test host, so that hours pass at once.

mod alarms;
mod connections;
mod durable_object;
mod failures;
mod migrations;
mod sleep;
mod support;
