//! The target of a client: a class, or an agent that is known by name only.

use agents_protocol::interface::Interface;
use agents_protocol::wire::Wire;
use serde_json::Value;

use crate::RemoteCaller;

/// The type of the agent that a client connects to.
///
/// Each class of agents implements this trait: the client has its methods and the type of its state.
/// [`Dynamic`] is an agent whose class is known by name only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`; an agent without methods has an empty one"
)]
pub trait ClientTarget: 'static {
    /// The state of the agent.
    type State: Wire;
    /// The methods of the agent; `()` for [`Dynamic`].
    type Methods: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn methods(caller: RemoteCaller) -> Self::Methods;
}

impl<A: Interface> ClientTarget for A {
    type State = A::State;
    type Methods = A::Methods<RemoteCaller>;

    fn methods(caller: RemoteCaller) -> Self::Methods {
        <A as Interface>::methods(caller)
    }
}

/// An agent whose class is known by name only: methods are called by name, and values have the types that the
/// program asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {}

impl ClientTarget for Dynamic {
    type State = Value;
    type Methods = ();

    fn methods(_: RemoteCaller) {}
}
