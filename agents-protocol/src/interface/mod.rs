//! The interface of a class of agents: its name, its state, and its callables as methods.
//!
//! This layer has no I/O and no runtime. The macros implement it for the server and for clients, so each
//! transport ([`Caller`]) offers the typed methods of each class.

mod arguments;
mod caller;
mod class;
mod methods;
mod reply;
mod update;

pub use arguments::{CallArguments, Write};
pub use caller::Caller;
pub use class::{AgentClass, AgentState};
pub use methods::Interface;
pub use reply::{Outcome, Reply};
pub use update::UpdateResult;
