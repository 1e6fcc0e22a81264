//! The scenarios.

mod broadcast;
mod calls;
mod connections;
mod greeting;
mod request;
mod sequence;
mod target;
mod wake;

pub use broadcast::broadcast;
pub use calls::{Calls, Protocol, calls};
pub use connections::{Crowd, connections};
pub use sequence::{Operation, Sequence, sequence};
pub use target::{Target, Window};
pub use wake::{Wake, wake};
