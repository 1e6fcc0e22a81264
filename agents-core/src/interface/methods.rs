//! The methods of a class as calls.

use crate::interface::{AgentClass, Caller};

/// The callables of a class as methods, for whoever can carry a call; written by `#[agent]` on an `impl`.
///
/// Each callable is a method of [`Methods`](Self::Methods) with the same name, the owned arguments, and what
/// it returns on success. An argument with a `#[default = ..]` is an `Option`. A callable that streams gives
/// [`Caller::Stream`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`; an agent without methods has an empty one"
)]
pub trait Interface: AgentClass {
    /// The methods, over one way to carry calls.
    type Methods<C: Caller>: Clone + Send + Sync + 'static;

    /// Makes the methods.
    fn methods<C: Caller>(caller: C) -> Self::Methods<C>;
}
