//! The name and the state of a class.

use crate::wire::Wire;

/// A type that can be the state of an agent: `#[wire]` and `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of an agent",
    label = "not a state",
    note = "a state is `#[wire] #[derive(Clone)]`, and `Default` unless `initial_state` says otherwise"
)]
pub trait AgentState: Wire + Clone + Send + Sync + 'static {}

impl<T: Wire + Clone + Send + Sync + 'static> AgentState for T {}

/// A class of agents as everybody knows it, with or without a server; written by `#[agent]` on a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`"
)]
pub trait AgentClass: Sized + 'static {
    /// The synchronised state.
    type State: AgentState;

    /// The name of the Rust type, as in `ChatRoom`.
    const CLASS: &'static str;
    /// The class as it stands in addresses, as in `chat-room`.
    const ROUTE: &'static str;
}
