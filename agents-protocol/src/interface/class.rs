//! The name and the state of a class.

use crate::wire::Wire;

/// A type that can be the state of an agent: `#[wire]` and `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of an agent",
    label = "not a state",
    note = "a state is `#[wire] #[derive(Clone)]`, and `Default` unless the agent sets `initial_state`"
)]
pub trait AgentState: Wire + Clone + Send + Sync + 'static {}

impl<T: Wire + Clone + Send + Sync + 'static> AgentState for T {}

/// A class of agents as the server and all clients know it. `#[agent]` on a struct implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`"
)]
pub trait AgentClass: Sized + 'static {
    /// The type of the synchronised state.
    type State: AgentState;

    /// The name of the Rust type, as in `ChatRoom`.
    const CLASS: &'static str;
    /// The name of the class in addresses, as in `chat-room`.
    const ROUTE: &'static str;
}
