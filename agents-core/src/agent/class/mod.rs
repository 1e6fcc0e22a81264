//! A registered class of agents: creates an agent and starts it on its object.

pub(super) mod convert;
pub(super) mod definition;
pub(super) mod table;

use std::any::TypeId;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;

use crate::agent::instance::user_code::UserFuture;
use crate::agent::{Agent, AgentDefinition, AgentShared};
use crate::error::{Error, Result};
use crate::object::{BlockedPart, BoxFuture, DataFailure, ObjectContext};
use crate::storage::{Store, from_stored, keep};
use crate::wire::KeyFacts;

/// Information about the agent that a factory makes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AgentInfo<'a> {
    /// The name of the agent.
    pub name: &'a str,
    /// The class of the agent, as it appears in its address.
    pub class: &'a str,
}

type Factory<A> = Box<dyn Fn(AgentInfo<'_>) -> A + Send + Sync>;
type PropsOf<A> = Arc<dyn Fn(AgentInfo<'_>) -> Option<<A as AgentDefinition>::Props> + Send + Sync>;

/// A class of agents.
pub(crate) struct AgentFactory<A: Agent> {
    pub(crate) factory: Factory<A>,
    pub(crate) props: Option<PropsOf<A>>,
    pub(crate) env: Arc<A::Env>,
    pub(crate) send_identity: bool,
    /// The handling of unknown keys by the type of the state.
    pub(crate) key_facts: Arc<KeyFacts>,
}

impl<A: Agent> AgentFactory<A> {
    /// Returns the properties of the agent's first start; on the first start, stores the current ones.
    fn props(&self, object: &ObjectContext) -> Result<Option<A::Props>> {
        // Most classes have no properties, and a wake of such an agent does not have to open the database.
        if TypeId::of::<A::Props>() == TypeId::of::<()>() {
            return Ok(None);
        }
        let stored = object.store(Store::props)?;
        if let Some(json) = stored {
            let unreadable = |error| Error::hidden("unreadable_props", error);
            return Ok(Some(from_stored(json.as_bytes()).map_err(unreadable)?));
        }
        let Some(props) = self.props.as_ref().and_then(|of| of(info(object))) else {
            return Ok(None);
        };
        let json = keep(&props)?;
        object.store(|store| store.put_props(json))?;
        Ok(Some(props))
    }
}

/// An agent as the object layer uses it.
pub(crate) struct AgentObject<A: Agent> {
    pub(super) class: Arc<AgentFactory<A>>,
    pub(super) core: Arc<AgentShared<A>>,
    /// The value that the factory made, until the agent has started.
    made: Mutex<Option<A>>,
}

impl<A: Agent> AgentObject<A> {
    /// Makes an agent on an object that wakes.
    pub(crate) fn new(class: Arc<AgentFactory<A>>, object: &ObjectContext) -> Self {
        let made = (class.factory)(info(object));
        let core = AgentShared::new(object.clone(), class.env.clone(), class.key_facts.clone());
        Self { class, core, made: Mutex::new(Some(made)) }
    }

    pub(super) async fn start_agent(&self) -> Result<()> {
        let missing = || Error::hidden("start", "an agent was started twice");
        let mut agent = self.made.lock().take().ok_or_else(missing)?;
        let _starting = self.core.starting();
        let migrated = self.core.prepare(&agent)?;
        if let Some(on_start) = self.core.table.hooks.on_start {
            let props = self.class.props(&self.core.object)?;
            let parts = self.core.parts();
            let object = self.core.object.clone();
            let start = Box::pin(async move {
                let start = on_start(&mut agent, parts, props);
                match migrated {
                    true => undone_with_its_turn(&object, start).await?,
                    false => start.await?,
                }
                Ok::<_, Error>(agent)
            });
            let start = UserFuture::new(self.core.context(), start).joining(migrated);
            agent = self.core.object.while_blocking(BlockedPart::Everything, start).await??;
        }
        // No other code has seen this core, so the cell is empty.
        let _ = self.core.agent.set(Arc::new(agent));
        Ok(())
    }

    /// Converts and reads the stored data, without a start.
    pub(crate) fn check_data(&self) -> Result<(), DataFailure> {
        let failed = |error: Error| DataFailure::of_state(&error);
        let missing = || Error::hidden("start", "an agent was started twice");
        let agent = self.made.lock().take().ok_or_else(missing).map_err(failed)?;
        self.core.check_data(&agent)
    }

    /// Returns the agent. No event is handled before the agent has started and is set here.
    pub(super) fn agent(&self) -> Result<Arc<A>> {
        let agent = self.core.agent.get();
        agent.cloned().ok_or_else(|| Error::hidden("start", "the agent has not started"))
    }
}

/// Waits for a start. If it fails in the running turn, undoes the turn, so that the migration before it is
/// undone as well.
async fn undone_with_its_turn(object: &ObjectContext, mut start: BoxFuture<'_, Result<()>>) -> Result<()> {
    let mut first = true;
    poll_fn(|cx| {
        let polled = start.as_mut().poll(cx);
        if std::mem::take(&mut first) && matches!(polled, Poll::Ready(Err(_))) {
            object.undo_turn();
        }
        polled
    })
    .await
}

fn info(object: &ObjectContext) -> AgentInfo<'_> {
    AgentInfo { name: object.name(), class: object.class() }
}

impl<A: Agent> fmt::Debug for AgentFactory<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentFactory").field("class", &A::CLASS).finish_non_exhaustive()
    }
}
