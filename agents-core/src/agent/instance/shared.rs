//! Values that all handlers of an instance share.

use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::agent::instance::lifecycle::ActivationData;
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
    pub(crate) life: Arc<ActivationData>,
    /// `true` if read-only callers may not write rows, keys and the alarm either.
    pub(crate) strict: bool,
    /// The reaction to a stored state that does not have the agent's type.
    pub(crate) on_unreadable: OnUnreadable,
    /// The handling of unknown keys by the type of the state.
    pub(crate) key_facts: Arc<KeyFacts>,
    /// Set once the instance has started.
    pub(crate) agent: OnceLock<Arc<A>>,
}

impl<A: Agent> AgentShared<A> {
    pub(crate) fn new(object: ObjectContext, env: Arc<A::Env>, key_facts: Arc<KeyFacts>) -> Arc<Self> {
        Arc::new(Self {
            life: object.of_this_life(),
            object,
            table: A::table(),
            env,
            state: Mutex::default(),
            strict: A::options().strict,
            on_unreadable: A::options().on_unreadable,
            key_facts,
            agent: OnceLock::new(),
        })
    }
}

impl<A: AgentDefinition> AgentShared<A> {
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
        discard(self.agent.take(), self.object.key());
    }
}

impl<A: AgentDefinition> fmt::Debug for AgentShared<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentShared").field("object", &self.object).finish_non_exhaustive()
    }
}
