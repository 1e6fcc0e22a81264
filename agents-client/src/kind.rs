//! The type of the agent, as a client knows it.

use agents_core::interface::Interface;
use agents_core::wire::Wire;
use serde_json::Value;

use crate::Remote;

/// The type of the agent, as a client knows it: its class, or [`Untyped`].
///
/// Every class of agents implements this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`; an agent without methods has an empty one"
)]
pub trait Kind: 'static {
    /// The state of the agent.
    type State: Wire;
    /// The methods of the agent.
    type Methods: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn methods(remote: Remote) -> Self::Methods;
}

impl<A: Interface> Kind for A {
    type State = A::State;
    type Methods = A::Methods<Remote>;

    fn methods(remote: Remote) -> Self::Methods {
        <A as Interface>::methods(remote)
    }
}

/// An agent of an unknown class: methods are called by name, and the caller chooses the types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

impl Kind for Untyped {
    type State = Value;
    type Methods = ();

    fn methods(_: Remote) {}
}
