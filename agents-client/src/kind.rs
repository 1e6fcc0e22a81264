//! What a client knows of its agent.

use agents_core::interface::Interface;
use agents_core::wire::Wire;
use serde_json::Value;

use crate::Remote;

/// What a client knows of its agent: its class, or nothing ([`Untyped`]).
///
/// Every class of agents is one.
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

/// An agent of which nothing is known: methods are called by name, values are what you say they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

impl Kind for Untyped {
    type State = Value;
    type Methods = ();

    fn methods(_: Remote) {}
}
