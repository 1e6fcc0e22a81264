//! The callables and hooks that `#[agent]` on an `impl` publishes.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::agent::rpc::callable_list::built_in;
use crate::agent::{
    AgentDefinition, AgentError, AlarmInfo, Call, CallContext, Refusal, Request, Response, StateChange,
    StateRejection, StateSource,
};
use crate::error::Result;
use crate::gateway::{Close, Message};
use crate::interface::{AgentClass, Interface, Outcome};
use crate::object::BoxFuture;
use crate::wire::Describe;

/// An agent: a struct and an `impl` that both carry `#[agent]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on its `impl` too; an agent without methods has an empty one"
)]
pub trait Agent: AgentDefinition + Interface {
    /// Returns the callables and hooks.
    fn table() -> &'static Table<Self>;
}

/// The callables and hooks of a class.
pub struct Table<A: AgentDefinition> {
    /// The methods that clients may call.
    pub callables: &'static [Callable<A>],
    /// The wire names of the methods that clients may not call.
    pub others: &'static [&'static str],
    /// The methods that the runtime calls.
    pub hooks: Hooks<A>,
}

/// A method that clients may call.
pub struct Callable<A: AgentDefinition> {
    /// The name on the wire.
    pub name: &'static str,
    /// The name in Rust.
    pub rust_name: &'static str,
    /// The doc comment.
    pub docs: &'static str,
    /// The note of `#[deprecated]`; empty if the attribute has no note.
    pub deprecated: Option<&'static str>,
    /// `true` if the method is refused for a read-only connection before the body runs.
    pub write: bool,
    /// The right that the method needs; `has_right` is asked for it before the body runs.
    pub require: Option<&'static str>,
    /// `true` if calls run one at a time.
    pub exclusive: bool,
    /// `true` if other agents and the program may call the method, and clients may not.
    pub internal: bool,
    /// `true` if the method answers with a stream.
    pub streaming: bool,
    /// The arguments that clients give, in order.
    pub arguments: &'static [Argument],
    /// The TypeScript type of the result.
    pub result: Describe,
    /// The TypeScript type of the items of a stream.
    pub items: Option<Describe>,
    /// `true` if a stream may end with a result of another type than the method returns.
    pub ends_by_hand: bool,
    /// Decodes the arguments, calls the method and encodes the result.
    pub invoke: fn(Call<A>) -> BoxFuture<'static, Result<Outcome>>,
}

/// An argument of a callable.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// The name for clients.
    pub name: &'static str,
    /// The name in Rust.
    pub rust_name: &'static str,
    /// The TypeScript type.
    pub describe: Describe,
    /// `true` if the argument has a default for a missing value or `null`.
    pub has_default: bool,
}

/// A hook that is asked about a connection.
pub type Ask<A, T> = fn(Arc<A>, CallContext<A>) -> BoxFuture<'static, Result<T>>;
/// A hook that is notified of an event.
pub type Tell<A, P> = fn(Arc<A>, CallContext<A>, P) -> BoxFuture<'static, Result<()>>;
/// The hook that answers HTTP requests.
pub type Serve<A> = fn(Arc<A>, CallContext<A>, Request) -> BoxFuture<'static, Result<Response>>;
/// The hook that is asked for a right.
pub type Decide<A> = fn(Arc<A>, CallContext<A>, &'static str) -> BoxFuture<'static, Result<bool>>;
/// The hook that starts an instance.
pub type Start<A> =
    for<'a> fn(&'a mut A, CallContext<A>, Option<<A as AgentDefinition>::Props>) -> BoxFuture<'a, Result<()>>;
/// The hook that admits a connection.
pub type Authorize<A> = fn(
    Arc<A>,
    CallContext<A>,
)
    -> BoxFuture<'static, Result<Option<<A as AgentDefinition>::Connection>, Refusal>>;
/// The hook that checks a state.
pub type Validate<A> = fn(&A, &<A as AgentClass>::State, &StateSource<A>) -> Result<()>;

/// The hook that converts a stored state of an older version.
pub type Migrate<A> = fn(&A, CallContext<A>, u32, Value) -> Result<<A as AgentClass>::State>;

/// The hooks of a class; hooks that are not written are `None`.
#[expect(missing_docs, reason = "the hooks are described in the guide `hooks` of the crate `agents`")]
pub struct Hooks<A: AgentDefinition> {
    pub migrate: Option<Migrate<A>>,
    pub on_start: Option<Start<A>>,
    pub authorize: Option<Authorize<A>>,
    pub connection_tags: Option<Ask<A, Vec<String>>>,
    pub should_connection_be_readonly: Option<Ask<A, bool>>,
    pub should_send_protocol_messages: Option<Ask<A, bool>>,
    pub on_connect: Option<Ask<A, ()>>,
    pub has_right: Option<Decide<A>>,
    pub on_message: Option<Tell<A, Message>>,
    pub on_close: Option<Tell<A, Close>>,
    pub on_error: Option<Tell<A, AgentError<A>>>,
    pub on_request: Option<Serve<A>>,
    pub validate_state_change: Option<Validate<A>>,
    pub on_state_changed: Option<Tell<A, StateChange<A>>>,
    pub on_state_rejected: Option<Tell<A, StateRejection<A>>>,
    pub on_alarm: Option<Tell<A, AlarmInfo>>,
    pub on_hibernate: Option<Ask<A, ()>>,
}

impl<A: AgentDefinition> Hooks<A> {
    /// A table without hooks.
    pub const NONE: Self = Self {
        migrate: None,
        on_start: None,
        authorize: None,
        connection_tags: None,
        should_connection_be_readonly: None,
        should_send_protocol_messages: None,
        on_connect: None,
        has_right: None,
        on_message: None,
        on_close: None,
        on_error: None,
        on_request: None,
        validate_state_change: None,
        on_state_changed: None,
        on_state_rejected: None,
        on_alarm: None,
        on_hibernate: None,
    };
}

impl<A: AgentDefinition> Table<A> {
    /// Finds a method of the class, or else a built-in one.
    pub(crate) fn callable(&'static self, name: &str) -> Option<&'static Callable<A>> {
        self.callables.iter().find(|callable| callable.name == name).or_else(|| built_in(name))
    }
}

impl<A: AgentDefinition> fmt::Debug for Table<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("callables", &self.callables).finish_non_exhaustive()
    }
}

impl<A: AgentDefinition> fmt::Debug for Callable<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<A: AgentDefinition> fmt::Debug for Hooks<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
