//! Changes of a turn or a transaction that is undone: those through each door, and those that the runtime
//! made in the same turn.

mod accepts;
mod alarms;
mod connections;
mod constraints;
mod model;
mod settings;
mod stopped;
mod streams;
