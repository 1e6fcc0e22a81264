//! Changes of an undone turn or transaction: changes through each handle, and changes that the runtime made
//! in the same turn.

mod accepts;
mod alarms;
mod connections;
mod constraints;
mod model;
mod settings;
mod stopped;
mod streams;
