//! Rejected attempts and their report to the agent.

use std::fmt;
use std::sync::Arc;

use crate::agent::{AgentDefinition, AgentShared, StateSource};
use crate::support::sampled::sampled;

/// A rejected attempt, as it is given to `on_state_rejected`.
///
/// The hook is called for every rejection: states that clients push, states that handlers and tasks set,
/// calls that need a right, and writes that a [strict](crate::AgentOptions::strict) agent refuses. The hook
/// is also called when the handler continues, fails, or rolls its transaction back. At most 1,024 rejections
/// wait for the hook; further ones are dropped, and the first dropped one is logged.
#[non_exhaustive]
pub struct StateRejection<A: AgentDefinition> {
    /// The source of the attempt.
    pub source: StateSource<A>,
    /// The reason for the rejection.
    pub kind: RejectionKind,
    /// The action that was attempted.
    pub attempt: Attempt,
    /// The error, with more detail than the client reads.
    pub message: String,
}

/// The reason for a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The connection is read-only.
    Readonly,
    /// `validate_state_change` returned an error.
    Validation,
    /// The state did not have the agent's type, or was too large.
    Invalid,
    /// The connection does not have this right, which `#[callable(require = "..")]` names.
    Right(&'static str),
}

/// An action that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// Replacing the state.
    State,
    /// Running a callable that needs a right, or a handler that called
    /// [`require_writable`](crate::Context::require_writable). The name of the callable is in
    /// [`StateSource::callable`].
    Call,
    /// Writing rows.
    Sql,
    /// Writing keys and values.
    Storage,
    /// Setting or deleting the alarm.
    Alarm,
    /// Changing the auto-response or the event timeout of the object.
    Settings,
    /// Deleting all data of the agent.
    DeleteAll,
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Reports a rejection to `on_state_rejected`, if the agent has this hook.
    pub(in crate::agent) fn rejected(
        self: &Arc<Self>,
        source: StateSource<A>,
        kind: RejectionKind,
        attempt: Attempt,
        message: impl Into<String>,
    ) {
        let (Some(agent), Some(hook)) = (self.agent.get(), self.table.hooks.on_state_rejected) else {
            return;
        };
        let permit = match self.activation.begin_rejection() {
            Ok(permit) => permit,
            Err(first) => {
                // A client can cause a rejection with every message, so only the first dropped one is logged.
                if first {
                    sampled!(
                        WARN,
                        "rejections without their hook",
                        class = self.object.class(),
                        name = self.object.name(),
                        ?kind,
                        ?attempt,
                        "too many rejections wait for on_state_rejected, further ones are dropped"
                    );
                }
                return;
            }
        };
        let parts = self.parts_about(&source);
        let rejection = StateRejection { source, kind, attempt, message: message.into() };
        let hook = self.run_state_hook(hook(agent.clone(), parts, rejection));
        let activation = self.activation.clone();
        let done = self.object.spawn_detached(Box::pin(async move {
            hook.await;
            activation.end_rejection();
            Ok(())
        }));
        match done {
            Ok(()) => permit.forget(),
            Err(error) => {
                tracing::error!(class = self.object.class(), name = self.object.name(), %error, "on_state_rejected did not run")
            }
        }
    }
}

impl<A: AgentDefinition> fmt::Debug for StateRejection<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateRejection")
            .field("source", &self.source)
            .field("kind", &self.kind)
            .field("attempt", &self.attempt)
            .field("message", &self.message)
            .finish()
    }
}
