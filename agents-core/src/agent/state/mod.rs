//! The synchronised state: loaded on first use, changed in one place, sent to all connections.

mod dropped_keys;
mod migration;
pub(super) mod pushed;
pub(super) mod source;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::agent::connections::flags::NO_PROTOCOL;
use crate::agent::{
    AgentDefinition, AgentError, AgentShared, Attempt, Connection, ErrorSource, OnUnreadable, RejectionKind,
    StateChange, StateSource, UpdateResult,
};
use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::object::{BoxFuture, WebSocket};
use crate::storage::{StorageError, from_stored, keep};
use crate::support::sampled::sampled;
use crate::support::single_line::SingleLine;
use crate::wire::{Wire, frame};

/// The decoded state, valid while the version of the object's state is the same.
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

/// The content of the row of the state.
enum Stored<S> {
    Nothing,
    Read(Arc<S>),
    /// The program cannot read the state; a copy was kept, and the row was deleted.
    PutAside,
}

/// The error of a stored state that the program cannot read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the stored state is not of the agent's type and is not changed; give the type a default or `#[serde(from = ..)]`, or \
     the class `on_unreadable = \"initial\"`"
)]
struct UnreadableState(#[source] serde_json::Error);

impl<S> Default for StateCache<S> {
    fn default() -> Self {
        Self { version: 0, loaded: Loaded::No }
    }
}

impl<A: AgentDefinition> AgentShared<A> {
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
        if let Stored::Read(state) = self.stored()? {
            return Ok(Some(state));
        }
        let Some(initial) = A::initial_state() else {
            self.remember(None);
            return Ok(None);
        };
        // The first read of an initial state is a change by the server.
        let initial = Arc::new(initial);
        let source = StateSource::Server { via: None, callable: None };
        let json = self.encode(&initial, &source)?;
        self.write(initial.clone(), json, None, &source, None)?;
        Ok(Some(initial))
    }

    fn stored(&self) -> Result<Stored<A::State>> {
        let Some(stored) = self.object.versioned_state()? else { return Ok(Stored::Nothing) };
        if stored.version != A::VERSION {
            return Err(Error::hidden(
                "migrating",
                "the state is being migrated: use the value that `migrate` is given",
            ));
        }
        self.read(&stored.json)
    }

    fn read(&self, json: &[u8]) -> Result<Stored<A::State>> {
        let error = match read_stored::<A::State>(json) {
            Ok(state) => {
                let state = Arc::new(state);
                self.remember(Some(state.clone()));
                return Ok(Stored::Read(state));
            }
            Err(error) => error,
        };
        if self.on_unreadable == OnUnreadable::Fail {
            return Err(Error::hidden("unreadable_state", UnreadableState(error)));
        }
        let key = self.object.put_state_aside()?;
        tracing::warn!(
            class = self.object.class(), name = self.object.name(),
            error = %SingleLine(&error),
            "the stored state is not of the agent's type; it is kept under the key `{key}`, and the initial state \
             replaces it"
        );
        Ok(Stored::PutAside)
    }

    fn remember(&self, state: Option<Arc<A::State>>) {
        let now = StateCache {
            version: self.object.state_version(),
            loaded: state.map_or(Loaded::Unset, Loaded::Set),
        };
        let before = std::mem::replace(&mut *self.state.lock(), now);
        // Dropped without the lock: its destructor is user code.
        drop(before);
    }

    /// Replaces the state.
    pub(crate) fn set_state(
        self: &Arc<Self>,
        state: A::State,
        source: &StateSource<A>,
        except: Option<&WebSocket>,
    ) -> Result<()> {
        self.check_write(source, Attempt::State)?;
        let json = self.encode(&state, source)?;
        self.replace(state, json, source, except)
    }

    /// Changes a copy of the state and replaces the state with it, unless `update` fails or changes nothing.
    pub(crate) fn update_state<R: UpdateResult>(
        self: &Arc<Self>,
        source: &StateSource<A>,
        update: impl FnOnce(&mut A::State) -> R,
    ) -> Result<R::Output> {
        let mut state = A::State::clone(&*self.state()?);
        self.check_write(source, Attempt::State)?;
        let output = update(&mut state).into_output()?;
        let json = self.encode(&state, source)?;
        if self.object.stored_state()?.is_none_or(|stored| stored != json.as_bytes()) {
            self.replace(state, json, source, None)?;
        }
        Ok(output)
    }

    fn encode(self: &Arc<Self>, state: &A::State, source: &StateSource<A>) -> Result<String> {
        keep(state).map_err(|error| self.unfit(error, source))
    }

    /// Reports a state that cannot be stored as rejected, for any source; returns the error.
    fn unfit(self: &Arc<Self>, error: Error, source: &StateSource<A>) -> Error {
        self.rejected(source.clone(), RejectionKind::Invalid, Attempt::State, error.to_string());
        error
    }

    /// Validates and writes a state; every change of the state passes through this method.
    fn replace(
        self: &Arc<Self>,
        state: A::State,
        json: String,
        source: &StateSource<A>,
        except: Option<&WebSocket>,
    ) -> Result<()> {
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
        self.write(Arc::new(state), json, previous, source, except)
    }

    /// Stores a state, then sends it, then calls the change hook.
    fn write(
        self: &Arc<Self>,
        state: Arc<A::State>,
        json: String,
        previous: Option<Arc<A::State>>,
        source: &StateSource<A>,
        except: Option<&WebSocket>,
    ) -> Result<()> {
        let frame = self.object.has_connections()?.then(|| frame::state_changed(&json));
        if let Some(frame) = &frame {
            // Checked before anything changes.
            self.object.check_room(frame.len())?;
        }
        self.object.stage_state(json.into()).map_err(|error| match error.downcast_ref() {
            Some(StorageError::TooBig { .. }) => {
                self.object.reached(Limit::StateBytes);
                self.unfit(error, source)
            }
            _ => error,
        })?;
        self.remember(Some(state.clone()));
        if let Some(frame) = frame {
            let sockets = self.object.get_web_sockets().without_flags(NO_PROTOCOL);
            sockets.except(except).send_latest(frame)?;
        }
        if let (Some(agent), Some(hook)) = (self.agent.get(), self.table.hooks.on_state_changed) {
            let change = StateChange { previous, state, source: source.clone() };
            let hook = self.run_state_hook(hook(agent.clone(), self.parts_about(source), change));
            self.object.run(Box::pin(async move {
                hook.await;
                Ok(())
            }))?;
        }
        Ok(())
    }

    /// Handles a state that a client pushes; `Err` has the text that is sent back.
    pub(crate) fn push(
        self: &Arc<Self>,
        connection: &Connection<A>,
        raw: &RawValue,
    ) -> Result<(), Cow<'static, str>> {
        let source = StateSource::Client(connection.clone());
        if self.check_write(&source, Attempt::State).is_err() {
            return Err(frame::READONLY.into());
        }
        let refused = |message: String| {
            sampled!(
                DEBUG,
                "pushed states of other types",
                class = self.object.class(),
                name = self.object.name(),
                "a pushed state is not of the agent's type"
            );
            self.rejected(source.clone(), RejectionKind::Invalid, Attempt::State, message);
        };
        let state = match pushed::read(raw.get(), &self.key_facts) {
            Ok((state, None)) => state,
            Ok((_, Some(key))) => {
                let message = format!("the state has no key `{key}`");
                let answer = format!("{}: {message}", frame::STATE_REJECTED);
                refused(message);
                return Err(answer.into());
            }
            Err(error) => {
                refused(error.to_string());
                return Err(frame::STATE_REJECTED.into());
            }
        };
        self.set_state(state, &source, Some(&connection.socket)).map_err(|error| {
            sampled!(
                DEBUG,
                "pushed states that were rejected",
                class = self.object.class(),
                name = self.object.name(),
                code = error.code(),
                "a pushed state was rejected"
            );
            match error.downcast_ref() {
                Some(StorageError::TooBig { .. }) => format!("{}: {error}", frame::STATE_REJECTED).into(),
                _ => frame::STATE_REJECTED.into(),
            }
        })
    }

    /// Runs a hook about the state; an error of the hook does not undo the change.
    pub(super) fn run_state_hook(
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

/// Reads a state as it is read from a file.
pub(crate) fn read_stored<T: Wire>(json: &[u8]) -> Result<T, serde_json::Error> {
    from_stored(json)
}
