//! What a turn or a transaction changed that is undone: each door, and what the runtime did in the same turn.

mod accepts;
mod alarms;
mod connections;
mod constraints;
mod model;
mod settings;
mod streams;
