//! The methods of an agent's runtime that a handler can use.

use std::fmt;
use std::sync::Arc;

use crate::agent::instance::user_code::UserFuture;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::{
    AgentDefinition, AgentEnv, AgentError, AgentShared, AgentStub, CallOrigin, Connection, ErrorSource,
    HookResult, UpdateResult, View,
};
use crate::error::{Error, Result};
use crate::gateway::{IntoMessage, Selection, Targets};
use crate::interface::Interface;
use crate::object::{BlockedPart, BoxFuture, KeepAwake, ObjectContext, WebSocket, WebSockets};
use crate::storage::Kv;
use crate::storage::sql::Sql;

/// A handler's access to its agent. Cheap to clone.
///
/// A context carries the call that it was made for. While the calling connection is read-only, a
/// state that the context sets is refused: in a helper, after an await, and in a task that took the context
/// along. An agent with `#[agent(strict = true)]` also refuses writes of rows, keys and the alarm.
///
/// A context works inside the agent's handlers and in tasks started with [`spawn`](Self::spawn). In a task of
/// `tokio::spawn` every method that reads or writes the agent fails, because such a write would not belong to
/// any turn of the agent.
pub struct Context<A: AgentDefinition> {
    pub(crate) core: Arc<AgentShared<A>>,
    pub(crate) caller: Option<Connection<A>>,
    /// The callable that runs, by its name on the wire.
    pub(crate) callable: Option<&'static str>,
    /// The object on behalf of the caller; set if the caller is checked before each write.
    pub(crate) guarded: Option<ObjectContext>,
    /// The agents that wait for this handler.
    pub(crate) chain: CallChain,
}

impl<A: AgentDefinition> Context<A> {
    /// Returns the name of the agent in its [canonical form](crate::wire::name::canonical), as it appears in
    /// an address.
    pub fn name(&self) -> &str {
        self.core.object.name()
    }

    /// Returns the class of the agent, as it appears in its address.
    pub fn class(&self) -> &str {
        self.core.object.class()
    }

    /// Returns the value that all agents of the host share.
    ///
    /// Only a class with `#[agent(env = TYPE)]` has this method.
    pub fn env<E>(&self) -> &E
    where
        A: AgentEnv<E>,
    {
        &self.core.env
    }

    /// Returns the time in milliseconds since 1970, UTC.
    pub fn now(&self) -> u64 {
        self.core.object.now()
    }

    /// Returns the connection that this call came from; `None` for HTTP requests and the agent's own work.
    pub fn caller(&self) -> Option<&Connection<A>> {
        self.caller.as_ref()
    }

    /// Returns the callable that this context was made for, by its name on the wire; `None` in hooks.
    pub fn callable(&self) -> Option<&'static str> {
        self.callable
    }

    /// Returns a context for the agent's own work. It has no caller, so no write is refused because the
    /// caller is read-only.
    ///
    /// Use this for facts about a read-only connection that the agent itself decides to store, such as a list
    /// of visitors.
    #[must_use]
    pub fn as_agent(&self) -> Self {
        Self { chain: self.chain.clone(), ..self.core.context() }
    }

    /// Returns the agent or the program that called this agent by [`agent`](Self::agent) or
    /// [`Host::get`](crate::Host::get); `None` for other calls.
    ///
    /// ```
    /// # use agents_core::{AgentDefinition, CallOrigin, Context, Error, Result};
    /// # fn guard<A: AgentDefinition>(cx: &Context<A>) -> Result<()> {
    /// match cx.called_by() {
    ///     Some(CallOrigin::Agent { class, .. }) if class == "lobby" => Ok(()),
    ///     _ => Err(Error::msg("only the lobby may do this")),
    /// }
    /// # }
    /// ```
    pub fn called_by(&self) -> Option<CallOrigin<'_>> {
        self.chain.origin()
    }

    /// Returns a stub of another agent; a method called on the stub runs in that agent.
    ///
    /// The name is written as clients write it: escapes are decoded, see
    /// [`canonical`](crate::wire::name::canonical). The [`name`](Self::name) of an agent can be passed as it
    /// is. Pass a name that people chose through [`escape`](crate::wire::name::escape) first.
    ///
    /// The agent need not exist or be awake. A call is sent after the writes of this handler up to then are
    /// durable. It wakes the other agent and takes 30 s at most (see [`AgentStub::with_timeout`]). While this
    /// handler waits, other handlers of this agent run. The other agent does not learn the caller's
    /// connection.
    ///
    /// ```
    /// # use agents_protocol::interface::Interface;
    /// # use agents_core::{AgentDefinition, Context, Result};
    /// # async fn count<A: AgentDefinition, Lobby: Interface>(cx: &Context<A>) -> Result<u32> {
    /// cx.agent::<Lobby>("main").call("count", ("rooms",)).await
    /// # }
    /// ```
    pub fn agent<B: Interface>(&self, name: impl Into<String>) -> AgentStub<B> {
        let from = (self.core.object.clone(), self.chain.clone());
        AgentStub::new(self.core.object.peers(), name.into(), Some(from))
    }

    /// Returns the state. The first read loads the state from the database. An agent without a stored state
    /// gets its initial state, which is stored.
    ///
    /// # Errors
    /// When the agent has neither a state nor an initial one (see [`try_state`](Self::try_state)), or when
    /// the database fails.
    pub fn state(&self) -> Result<Arc<A::State>> {
        self.core.state()
    }

    /// Returns the state; `None` if the agent has neither a state nor an initial one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn try_state(&self) -> Result<Option<Arc<A::State>>> {
        self.core.try_state()
    }

    /// Replaces the state. The new state is checked, stored, and sent to every connection that takes frames
    /// of the protocol, before any message that this handler sends later.
    ///
    /// # Errors
    /// `readonly` when the calling connection may not write, the error of `validate_state_change`, an error
    /// when the state is too large ([`Limits::state_bytes`](crate::Limits::state_bytes), 4 MiB),
    /// `storage_json` when it could not be read again (for example a float that is NaN), or `overflow` as for
    /// [`broadcast`](Self::broadcast). Nothing has changed then.
    pub fn set_state(&self, state: A::State) -> Result<()> {
        self.core.set_state(state, &self.source(), None)
    }

    /// Changes a copy of the state, replaces the state with the copy in one step, and returns the result of
    /// `update`.
    ///
    /// If `update` returns an error, nothing has changed. If the JSON of the state is the same as before, the
    /// state is neither stored nor sent, and no hook is called.
    ///
    /// ```
    /// # use agents_core::{AgentDefinition, Context, Error, Result};
    /// # use agents_protocol::interface::AgentClass;
    /// # fn buy<A: AgentDefinition + AgentClass<State = u32>>(cx: &Context<A>) -> Result<u32> {
    /// cx.update_state(|left| match *left {
    ///     0 => Err(Error::msg("sold out")),
    ///     _ => {
    ///         *left -= 1;
    ///         Ok(*left)
    ///     }
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`state`](Self::state) and [`set_state`](Self::set_state), and the error of `update`.
    pub fn update_state<R: UpdateResult>(
        &self,
        update: impl FnOnce(&mut A::State) -> R,
    ) -> Result<R::Output> {
        self.core.update_state(&self.source(), update)
    }

    /// Sends a message to every connection, including the caller's.
    ///
    /// The messages that one turn sends are held in memory until the turn ends.
    ///
    /// # Errors
    /// `overflow` when more than
    /// [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) waits to be sent by the
    /// agent, when a value has no JSON form, or outside of the agent's handlers.
    pub fn broadcast(&self, message: impl IntoMessage) -> Result<()> {
        self.broadcast_except(message, std::iter::empty::<&str>())
    }

    /// Sends a message to every connection except those with these ids; unknown ids are ignored.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn broadcast_except<I>(&self, message: impl IntoMessage, without: I) -> Result<()>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut selection = Selection::default();
        for id in without {
            selection.except.extend(self.core.object.by_id(id.as_ref())?.map(|entry| entry.key));
        }
        self.core.object.send(Targets::Many(Box::new(selection)), message.into_message()?, false)
    }

    /// Returns the open connections, oldest first.
    ///
    /// Outside of the agent's handlers the list is empty.
    pub fn connections(&self) -> impl Iterator<Item = Connection<A>> + use<A> {
        self.listed(self.core.object.get_web_sockets())
    }

    /// Returns the open connections that have a tag, oldest first.
    pub fn connections_tagged(&self, tag: &str) -> impl Iterator<Item = Connection<A>> + use<A> {
        self.listed(self.core.object.get_web_sockets().tag(tag))
    }

    fn listed(&self, sockets: WebSockets) -> impl Iterator<Item = Connection<A>> + use<A> {
        let core = self.core.clone();
        sockets.into_iter().map(move |socket| Connection { core: core.clone(), socket })
    }

    /// Returns the open connection with this id.
    pub fn connection(&self, id: &str) -> Option<Connection<A>> {
        let object = &self.core.object;
        let entry = object.by_id(id).ok().flatten()?;
        Some(Connection { core: self.core.clone(), socket: WebSocket { object: object.clone(), entry } })
    }

    /// Returns the object that the agent runs on. It has the alarm, the WebSockets by several tags, the
    /// messages that are answered while the object hibernates, and more.
    ///
    /// A write through the object is checked against a read-only caller only if the agent is strict.
    pub fn object(&self) -> &ObjectContext {
        self.guarded.as_ref().unwrap_or(&self.core.object)
    }

    /// Keeps the agent awake until the guard is dropped; `reason` appears in the agent's status.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn keep_awake(&self, reason: impl Into<String>) -> Result<KeepAwake> {
        self.core.object.keep_awake(reason)
    }

    /// Returns the agent's database.
    pub fn sql(&self) -> Sql<'_> {
        self.object().sql()
    }

    /// Returns the agent's key-value store, in the same database.
    pub fn storage(&self) -> Kv<'_> {
        self.object().storage()
    }

    /// Returns the agent itself, for code that keeps it. A handler has the agent as `&self`, which a task
    /// cannot keep; see also [`spawn_with`](Self::spawn_with).
    ///
    /// ```
    /// use agents_core::{AgentDefinition, Context, Result};
    ///
    /// fn later<A: AgentDefinition>(cx: &Context<A>, tick: fn(&A)) -> Result<()> {
    ///     let agent = cx.instance()?;
    ///     cx.spawn(async move { tick(&agent) })
    /// }
    /// ```
    ///
    /// # Errors
    /// While `on_start` runs, because it has the agent as `&mut self`. A task that `on_start` spawns may call
    /// this later.
    pub fn instance(&self) -> Result<Arc<A>> {
        let agent = self.core.agent.get();
        agent.cloned().ok_or_else(|| Error::hidden("starting", "the agent has not started yet"))
    }

    /// Runs a future as a task of the agent. The task may use this context and keeps the agent awake. It is
    /// dropped when the activation ends. An error that the future returns goes to `on_error`. A task that
    /// calls methods of the agent is started with [`spawn_with`](Self::spawn_with).
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn spawn<F>(&self, future: F) -> Result<()>
    where
        F: Future<Output: HookResult> + Send + 'static,
    {
        self.run_task(Box::pin(async move { future.await.into_result() }))
    }

    /// Runs a task of the agent that is given the agent and this context; otherwise as
    /// [`spawn`](Self::spawn).
    ///
    /// The task gets the instance on which the handler runs. If a panic replaces that instance, the task
    /// keeps the old one: rows, keys, the state and connections are shared with the new instance, fields are
    /// not. A task that `on_start` spawns begins when the agent has started, and is dropped if the start
    /// fails.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use agents_core::{AgentDefinition, Context, Result};
    ///
    /// fn later<A: AgentDefinition>(cx: &Context<A>, tick: fn(&A, &Context<A>)) -> Result<()> {
    ///     cx.spawn_with(async move |agent, cx| {
    ///         tokio::time::sleep(Duration::from_secs(1)).await;
    ///         tick(&agent, &cx);
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn spawn_with<T, F>(&self, task: T) -> Result<()>
    where
        T: FnOnce(Arc<A>, Self) -> F + Send + 'static,
        F: Future<Output: HookResult> + Send + 'static,
    {
        let cx = self.clone();
        self.run_task(Box::pin(async move {
            match cx.core.started().await {
                Some(agent) => task(agent, cx).await.into_result(),
                None => Ok(()),
            }
        }))
    }

    fn run_task(&self, task: BoxFuture<'static, Result<()>>) -> Result<()> {
        let core = self.core.clone();
        let object = core.object.clone();
        object.run(Box::pin(async move {
            // The future runs without an ambient context; a task has only the context that it was given or
            // has captured.
            let work = UserFuture::unnamed(core.object.clone(), task);
            if let Err(error) = work.await.and_then(std::convert::identity) {
                core.on_error(AgentError::Server { error, source: ErrorSource::Task }).await;
            }
            Ok(())
        }))
    }

    /// Waits until no other exclusive work of this agent runs, then runs this work.
    ///
    /// Other handlers still interleave with exclusive work. An instance that panicked is replaced, but its
    /// exclusive work that still runs excludes the work of the new instance.
    ///
    /// # Errors
    /// `nested_exclusive` inside of exclusive work, which would wait for itself: in
    /// [`exclusive`](Self::exclusive), or in a `#[callable(exclusive)]`. This is not detected in a task that
    /// exclusive work spawned and waits for; such a task waits forever.
    ///
    /// `call_cycle` when another agent called this handler, and waits for it, on behalf of exclusive work of
    /// this agent.
    pub async fn exclusive<F: Future>(&self, work: F) -> Result<F::Output> {
        let _one_at_a_time = self.core.enter_exclusive(&self.chain).await?;
        Ok(self.core.object.while_blocking(BlockedPart::Exclusive, work).await)
    }

    /// Returns a view of the agent, which has no methods that write.
    pub fn view(&self) -> View<A> {
        View(self.clone())
    }
}

impl<A: AgentDefinition> Clone for Context<A> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            core: self.core.clone(),
            caller: self.caller.clone(),
            callable: self.callable,
            guarded: self.guarded.clone(),
        }
    }
}

impl<A: AgentDefinition> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("agent", self.core.object.key())
            .field("caller", &self.caller)
            .field("callable", &self.callable)
            .finish()
    }
}
