//! What was refused, and how the agent hears of it.

use std::fmt;
use std::sync::Arc;

use crate::agent::{AgentDefinition, AgentShared, StateSource};
use crate::sampled::sampled;

/// An attempt that was refused, for `on_state_rejected`.
///
/// The hook hears of every one: pushes, states set by handlers and tasks, calls that need a right, and
/// what a [strict](crate::AgentOptions::strict) agent refuses. It does so also when the handler goes on, fails, or
/// rolls its transaction back. At most 1,024 rejections wait for it; further ones are dropped, and the
/// first of them is logged.
#[non_exhaustive]
pub struct StateRejection<A: AgentDefinition> {
    /// Who tried.
    pub source: StateSource<A>,
    /// Why it was refused.
    pub kind: RejectionKind,
    /// What was tried.
    pub attempt: Attempt,
    /// The error, with more detail than the client reads.
    pub message: String,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The connection is read-only.
    Readonly,
    /// `validate_state_change` refused the state.
    Validation,
    /// The state was not of the agent's type, or too large.
    Invalid,
    /// The connection does not have this right: `#[callable(require = "..")]`.
    Right(&'static str),
}

/// What was tried when it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// To replace the state.
    State,
    /// To run a callable that needs a right, or a handler that asked for one with
    /// [`require_writable`](crate::Context::require_writable). Its name is in
    /// [`StateSource::callable`].
    Call,
    /// To write rows.
    Sql,
    /// To write keys and values.
    Storage,
    /// To set or delete the alarm.
    Alarm,
    /// To change the auto-response or the event timeout of the object.
    Settings,
    /// To delete all that the agent stored.
    DeleteAll,
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Tells `on_state_rejected`, if there is one.
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
        let place = match self.life.begin_rejection() {
            Ok(place) => place,
            Err(first) => {
                // A client is refused as often as it tries, so it is said once in a while.
                if first {
                    sampled!(
                        WARN, "rejections without their hook", agent = ?self.object.key(), ?kind, ?attempt, "more rejections than on_state_rejected deals with"
                    );
                }
                return;
            }
        };
        let parts = self.parts_about(&source);
        let rejection = StateRejection { source, kind, attempt, message: message.into() };
        let told = self.tell(hook(agent.clone(), parts, rejection));
        let life = self.life.clone();
        let done = self.object.spawn_detached(Box::pin(async move {
            told.await;
            life.end_rejection();
            Ok(())
        }));
        match done {
            Ok(()) => place.forget(),
            Err(error) => {
                tracing::error!(agent = ?self.object.key(), %error, "on_state_rejected did not run")
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
