//! What a class of agents is from the outside: its name, its state, and methods that are calls.
//!
//! No I/O and no runtime in here. The macros write it for the server and for clients alike; whoever can
//! carry a call ([`Caller`]) gets the typed methods of every class.

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
