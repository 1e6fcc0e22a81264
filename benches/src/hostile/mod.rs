//! Clients that mean no good, and one that measures what the others notice of them.

mod attacks;
mod line;
mod outgoing;
mod soak;
mod witness;

pub use soak::{Plan, soak};
