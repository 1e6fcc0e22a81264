//! Methods under names that other runtimes have, or that a view lacks.
//!
//! None of them can be called: each requires a trait that no type implements. So the compiler reports one
//! error, which names the method to write.

use crate::agent::{AgentDefinition, AgentStub, Context, View};
use crate::interface::Interface;

/// A trait that no type implements; the methods of this file require it with their own texts.
pub trait Never {
    /// Returns nothing, because the trait is never implemented.
    fn never<T>() -> T;
}

/// The reason why `cx.schedule(..)` and `cx.queue(..)` do not compile.
#[diagnostic::on_unimplemented(
    message = "an agent has no schedules and no queues: it has one alarm",
    label = "write `cx.object().set_alarm(time)`",
    note = "the hook `on_alarm` does the work that is due, and sets the next alarm",
    note = "work that may be lost when the process ends is a task: `cx.spawn(future)`"
)]
pub trait Schedules: Never {}

/// The reason why `cx.set_alarm(..)` and similar methods do not compile.
#[diagnostic::on_unimplemented(
    message = "the alarm of an agent is at its object",
    label = "write `cx.object()` before this method",
    note = "as in `cx.object().set_alarm(Duration::from_secs(60))`"
)]
pub trait AlarmOfAgent: Never {}

/// The reason why `cx.destroy()` does not compile.
#[diagnostic::on_unimplemented(
    message = "an agent is not destroyed: its data is deleted",
    label = "write `cx.object().delete_all()`"
)]
pub trait Destroys: Never {}

/// The reason why `cx.wait_until(..)` does not compile.
#[diagnostic::on_unimplemented(
    message = "work beside the handler is a task of the agent",
    label = "write `cx.spawn(future)`"
)]
pub trait WaitsUntil: Never {}

/// The reason why methods that write do not compile on a view.
#[diagnostic::on_unimplemented(
    message = "a `View` cannot write",
    label = "not a method of a view",
    note = "take `&Context<Self>` in place of `&View<Self>`"
)]
pub trait WritingView: Never {}

/// The reason why `cx.agent(..)` does not compile on a view.
#[diagnostic::on_unimplemented(
    message = "a `View` cannot call other agents",
    label = "not a method of a view",
    note = "take `&Context<Self>` in place of `&View<Self>`"
)]
pub trait CallingView: Never {}

/// The result of each method is of any type, so that no other error follows.
#[doc(hidden)]
impl<A: AgentDefinition> Context<A> {
    pub fn schedule<When, Method, Payload, Any>(&self, _: When, _: Method, _: Payload) -> Any
    where
        A: Schedules,
    {
        A::never()
    }

    pub fn schedule_every<Period, Method, Payload, Any>(&self, _: Period, _: Method, _: Payload) -> Any
    where
        A: Schedules,
    {
        A::never()
    }

    pub fn queue<Method, Payload, Any>(&self, _: Method, _: Payload) -> Any
    where
        A: Schedules,
    {
        A::never()
    }

    pub fn set_alarm<Time, Any>(&self, _: Time) -> Any
    where
        A: AlarmOfAgent,
    {
        A::never()
    }

    pub fn get_alarm<Any>(&self) -> Any
    where
        A: AlarmOfAgent,
    {
        A::never()
    }

    pub fn delete_alarm<Any>(&self) -> Any
    where
        A: AlarmOfAgent,
    {
        A::never()
    }

    pub fn destroy<Any>(&self) -> Any
    where
        A: Destroys,
    {
        A::never()
    }

    pub fn wait_until<Work, Any>(&self, _: Work) -> Any
    where
        A: WaitsUntil,
    {
        A::never()
    }
}

#[doc(hidden)]
impl<A: AgentDefinition> View<A> {
    pub fn set_state<State, Any>(&self, _: State) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn update_state<Update, Any>(&self, _: Update) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn broadcast<Message, Any>(&self, _: Message) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn spawn<Task, Any>(&self, _: Task) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn keep_awake<Reason, Any>(&self, _: Reason) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn object<Any>(&self) -> Any
    where
        A: WritingView,
    {
        A::never()
    }

    pub fn agent<B: Interface>(&self, _: impl Into<String>) -> AgentStub<B>
    where
        A: CallingView,
    {
        A::never()
    }
}
