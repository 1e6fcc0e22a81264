//! The interface of a class of agents: its name, its state, and its callables as methods.
//!
//! This layer has no I/O and no runtime. The macros implement it for the server and for clients, so each
//! transport ([`Caller`]) offers the typed methods of each class.

mod arguments;
mod caller;
mod class;
mod methods;
mod reply;

pub use arguments::{CallArguments, Write};
pub use caller::Caller;
pub use class::{AgentClass, AgentState};
pub use methods::Interface;
#[cfg(feature = "runtime")]
pub(crate) use reply::not_json;
pub use reply::{Outcome, Reply};
