//! The events of the log: their fields, and the values that they do not have.

mod captured;
mod errors;
mod events;
mod sessions;
mod values;
