//! The scenarios.

mod broadcast;
mod calls;
mod connections;
mod greeting;
mod target;

pub use broadcast::broadcast;
pub use calls::{Calls, Protocol, calls};
pub use connections::connections;
pub use target::{Target, Window};
