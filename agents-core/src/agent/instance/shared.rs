//! Values that all handlers of an instance share.

use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::agent::instance::activation_data::ActivationData;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::state::StateCache;
use crate::agent::{Agent, AgentDefinition, Context, OnUnreadable, Table};
use crate::object::ObjectContext;
use crate::support::unwind::discard;
use crate::wire::KeyFacts;

/// The typed side of an object.
pub(crate) struct AgentShared<A: AgentDefinition> {
    pub(crate) object: ObjectContext,
    pub(crate) table: &'static Table<A>,
    pub(crate) env: Arc<A::Env>,
    pub(crate) state: Mutex<StateCache<A::State>>,
    /// The values that this instance shares with all others of the same activation.
    pub(crate) activation: Arc<ActivationData>,
    /// `true` if read-only callers may not write rows, keys and the alarm either.
    pub(crate) strict: bool,
    /// The reaction to a stored state that does not have the agent's type.
    pub(crate) on_unreadable: OnUnreadable,
    /// The handling of unknown keys by the type of the state.
    pub(crate) key_facts: Arc<KeyFacts>,
    /// Set once the instance has started.
    pub(crate) agent: OnceLock<Arc<A>>,
    /// Closed when the start of the instance is over. It never has a permit.
    start: Semaphore,
}

/// Ends the start of an instance when it is dropped, so that no task waits for an instance that never starts.
pub(crate) struct Starting<'a>(&'a Semaphore);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<A: Agent> AgentShared<A> {
    pub(crate) fn new(object: ObjectContext, env: Arc<A::Env>, key_facts: Arc<KeyFacts>) -> Arc<Self> {
        Arc::new(Self {
            activation: object.activation_data(),
            object,
            table: A::table(),
            env,
            state: Mutex::default(),
            strict: A::options().strict,
            on_unreadable: A::options().on_unreadable,
            key_facts,
            agent: OnceLock::new(),
            start: Semaphore::new(0),
        })
    }
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Begins the start of the instance, which is over when the guard is dropped.
    pub(crate) fn starting(&self) -> Starting<'_> {
        Starting(&self.start)
    }

    /// Waits until the start of the instance is over; returns the agent, or `None` if the start failed.
    pub(crate) async fn started(&self) -> Option<Arc<A>> {
        // The semaphore has no permits, so this ends when it is closed.
        let _ = self.start.acquire().await;
        self.agent.get().cloned()
    }

    /// Returns a context for work of the agent itself, without a connection.
    pub(crate) fn context(self: &Arc<Self>) -> Context<A> {
        Context {
            core: self.clone(),
            caller: None,
            callable: None,
            guarded: None,
            chain: CallChain::default(),
        }
    }
}

impl<A: AgentDefinition> Drop for AgentShared<A> {
    fn drop(&mut self) {
        // The last owner may be a task, and a panic of the agent's destructor is not the task's own.
        discard(self.agent.take(), self.object.key().address());
    }
}

impl<A: AgentDefinition> fmt::Debug for AgentShared<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentShared").field("object", &self.object).finish_non_exhaustive()
    }
}
