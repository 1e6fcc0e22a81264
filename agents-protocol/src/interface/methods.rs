//! The methods of a class as calls.

use crate::interface::{AgentClass, Caller};

/// The callables of a class as methods over a transport. `#[agent]` on an `impl` implements it.
///
/// Each callable is a method of [`Methods`](Self::Methods) with the same name. The method takes owned
/// arguments and returns the success value of the callable. An argument with a `#[default = ..]` is an
/// `Option`. A callable that streams returns [`Caller::Stream`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`; an agent without methods has an empty one"
)]
pub trait Interface: AgentClass {
    /// The type of the methods over the transport `C`.
    type Methods<C: Caller>: Clone + Send + Sync + 'static;

    /// Returns the methods over a transport.
    fn methods<C: Caller>(caller: C) -> Self::Methods<C>;
}
