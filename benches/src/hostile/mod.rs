//! Hostile clients, and a client that measures their effect on others.

mod attacks;
mod line;
mod outgoing;
mod soak;
mod witness;

pub use soak::{Plan, soak};
