//! The synchronised state: loaded lazily, written through one gate, sent to everyone.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::agent::flags::NO_PROTOCOL;
use crate::agent::rights;
use crate::agent::{
    AgentCore, AgentError, AgentTypes, Attempt, Connection, ErrorSource, RejectionKind, StateChange,
    StateSource,
};
use crate::error::{Error, Result};
use crate::object::{BoxFuture, WebSocket};
use crate::report::Line;
use crate::storage::StorageError;
use crate::wire::{self, frame};

/// The decoded state, valid as long as the object's state has not moved on.
#[derive(Debug)]
pub(crate) struct StateCache<S> {
    version: u64,
    loaded: Loaded<S>,
}

#[derive(Debug)]
enum Loaded<S> {
    No,
    Unset,
    Set(Arc<S>),
}

impl<S> Default for StateCache<S> {
    fn default() -> Self {
        Self { version: 0, loaded: Loaded::No }
    }
}

impl<A: AgentTypes> AgentCore<A> {
    pub(crate) fn state(self: &Arc<Self>) -> Result<Arc<A::State>> {
        self.try_state()?
            .ok_or_else(|| Error::hidden("no_state", "the agent has no state yet and no initial one"))
    }

    pub(crate) fn try_state(self: &Arc<Self>) -> Result<Option<Arc<A::State>>> {
        {
            let cache = self.state.lock();
            if cache.version == self.object.state_version() && self.object.in_turn() {
                match &cache.loaded {
                    Loaded::Set(state) => return Ok(Some(state.clone())),
                    Loaded::Unset => return Ok(None),
                    Loaded::No => {}
                }
            }
        }
        self.load()
    }

    fn load(self: &Arc<Self>) -> Result<Option<Arc<A::State>>> {
        let stored = self.object.stored_state()?;
        if let Some(json) = stored {
            let text = std::str::from_utf8(&json).map_err(Error::internal);
            match text.and_then(|text| wire::from_json::<A::State>(text).map_err(Error::internal)) {
                Ok(state) => {
                    let state = Arc::new(state);
                    self.remember(Some(state.clone()));
                    return Ok(Some(state));
                }
                Err(error) => self.put_corrupt_state_aside(&json, &error)?,
            }
        }
        let Some(initial) = A::initial_state() else {
            self.remember(None);
            return Ok(None);
        };
        // The first read of an initial state is a change by the server.
        let initial = Arc::new(initial);
        self.write(initial.clone(), None, &StateSource::Server { via: None, callable: None }, None)?;
        Ok(Some(initial))
    }

    /// A state that this version of the program cannot read is kept, not overwritten.
    fn put_corrupt_state_aside(&self, json: &Bytes, error: &Error) -> Result<()> {
        tracing::warn!(
            agent = ?self.object.key(),
            %error,
            "the stored state is not of the agent's type; it is kept under the key `unreadable_state` and the \
             initial state takes its place"
        );
        self.object.store(|store| {
            let text = serde_json::to_vec(&String::from_utf8_lossy(json))?;
            store.kv_put("unreadable_state", &text).map_err(StorageError::into_error)?;
            store.stage_state(None).map_err(StorageError::into_error)
        })
    }

    fn remember(&self, state: Option<Arc<A::State>>) {
        let now = StateCache {
            version: self.object.state_version(),
            loaded: state.map_or(Loaded::Unset, Loaded::Set),
        };
        let before = std::mem::replace(&mut *self.state.lock(), now);
        // Without the lock: its destructor is code of the user.
        drop(before);
    }

    /// The one gate that every change of the state goes through.
    pub(crate) fn set_state(
        self: &Arc<Self>,
        state: A::State,
        source: &StateSource<A>,
        except: Option<&WebSocket>,
    ) -> Result<()> {
        if source.connection().is_some_and(Connection::is_readonly) {
            self.rejected(source.clone(), RejectionKind::Readonly, Attempt::State, frame::READONLY);
            return Err(rights::readonly());
        }
        let agent = self.agent.get();
        if let (Some(agent), Some(validate)) = (agent, self.table.hooks.validate_state_change)
            && let Err(error) = validate(agent, &state, source)
        {
            self.rejected(source.clone(), RejectionKind::Validation, Attempt::State, error.to_string());
            return Err(error);
        }
        let previous = match self.table.hooks.on_state_changed {
            Some(_) => self.try_state()?,
            None => None,
        };
        self.write(Arc::new(state), previous, source, except)
    }

    /// Stores a state, then sends it, then tells the change hook.
    fn write(
        self: &Arc<Self>,
        state: Arc<A::State>,
        previous: Option<Arc<A::State>>,
        source: &StateSource<A>,
        except: Option<&WebSocket>,
    ) -> Result<()> {
        let unfit = |error: Error| {
            self.rejected(source.clone(), RejectionKind::Invalid, Attempt::State, error.to_string());
            error
        };
        let json = wire::to_json(&*state).map_err(|error| unfit(error.into()))?;
        let frame = self.object.has_connections()?.then(|| frame::state_changed(&json));
        if let Some(frame) = &frame {
            // Before anything changes.
            self.object.check_room(frame.len())?;
        }
        self.object.stage_state(json.into()).map_err(|error| match error.downcast_ref() {
            Some(StorageError::TooBig { .. }) => unfit(error),
            _ => error,
        })?;
        self.remember(Some(state.clone()));
        if let Some(frame) = frame {
            let sockets = self.object.get_web_sockets().without_flags(NO_PROTOCOL);
            sockets.except(except).send_latest(frame)?;
        }
        if let (Some(agent), Some(hook)) = (self.agent.get(), self.table.hooks.on_state_changed) {
            let change = StateChange { previous, state, source: source.clone() };
            let told = self.tell(hook(agent.clone(), self.parts_about(source), change));
            self.object.run(Box::pin(async move {
                told.await;
                Ok(())
            }))?;
        }
        Ok(())
    }

    /// A client pushes a state; `Err` has what is sent back to it.
    pub(crate) fn push(
        self: &Arc<Self>,
        connection: &Connection<A>,
        raw: &RawValue,
    ) -> Result<(), &'static str> {
        let source = StateSource::Client(connection.clone());
        if connection.is_readonly() {
            self.rejected(source, RejectionKind::Readonly, Attempt::State, frame::READONLY);
            return Err(frame::READONLY);
        }
        let state = match wire::from_json(raw.get()) {
            Ok(state) => state,
            Err(error) => {
                tracing::debug!(agent = ?self.object.key(), error = %Line(&error), "a pushed state is not of the agent's type");
                self.rejected(source, RejectionKind::Invalid, Attempt::State, error.to_string());
                return Err(frame::STATE_REJECTED);
            }
        };
        self.set_state(state, &source, Some(&connection.socket)).map_err(|error| {
            tracing::info!(agent = ?self.object.key(), error = %Line(&error), "a pushed state was rejected");
            frame::STATE_REJECTED
        })
    }

    /// Runs a hook about the state; its errors change nothing.
    pub(super) fn tell(
        self: &Arc<Self>,
        hook: BoxFuture<'static, Result<()>>,
    ) -> impl Future<Output = ()> + Send + use<A> {
        let core = self.clone();
        let guarded = self.guard(self.context(), hook);
        async move {
            if let Err(error) = guarded.await {
                core.on_error(AgentError::Server { error, source: ErrorSource::StateHook }).await;
            }
        }
    }
}
