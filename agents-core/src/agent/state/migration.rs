//! The data of an older program, converted before the agent starts.

use std::sync::Arc;

use serde_json::Value;

use super::{Stored, read_stored};
use crate::agent::instance::user_code::run_in_turn;
use crate::agent::{AgentDefinition, AgentShared, Migrate, StateSource};
use crate::error::{Error, Result};
use crate::object::DataFailure;
use crate::storage::{StoredState, keep};
use crate::support::sampled::sampled;
use crate::support::single_line::SingleLine;

/// The codes of data that this program cannot convert.
const FAILED: &str = "migration_failed";
const CHANGED: &str = "migration_changed";
const NEWER: &str = "newer_version";

/// The data of an agent as its start finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Of this version.
    Current,
    /// Of an older version, and converted in the running turn.
    Converted,
    /// Of this version, but the state could not be read and was put aside.
    PutAside,
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Converts the data of an older program in the running turn and reads the state, once for all activations
    /// in this process. Returns whether something was converted.
    ///
    /// # Errors
    /// Fails when the data cannot be converted or read. The turn is then undone.
    pub(in crate::agent) fn prepare(self: &Arc<Self>, agent: &A) -> Result<bool> {
        if self.object.is_readable() {
            return Ok(false);
        }
        match self.convert(agent) {
            Ok(Found::Current) => {
                self.object.note_readable();
                Ok(false)
            }
            // The turn may still be undone, so the next activation looks again.
            Ok(Found::Converted | Found::PutAside) => Ok(true),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::Data(failure)) => {
                self.object.undo_turn();
                Err(self.refused(&failure))
            }
        }
    }

    /// Converts the data like [`prepare`](Self::prepare), and reads the converted state.
    pub(in crate::agent) fn check_data(self: &Arc<Self>, agent: &A) -> Result<(), DataFailure> {
        let found = match self.convert(agent) {
            Ok(found) => found,
            Err(Failure::Data(failure)) => return Err(failure),
            Err(Failure::Other(error)) => return Err(DataFailure::of_state(&error)),
        };
        if found == Found::PutAside {
            let reason = "the stored state is not of the agent's type; the initial state would replace it";
            return Err(DataFailure::new("unreadable_state", "state", reason));
        }
        let stored = self.object.stored_state().map_err(|error| DataFailure::of_state(&error))?;
        let read = stored.map_or(Ok(()), |json| read_stored::<A::State>(&json).map(drop));
        read.map_err(|error| DataFailure::new("unreadable_state", "state", error))
    }

    /// Logs a failure and returns the error for clients, which has no detail.
    fn refused(&self, failure: &DataFailure) -> Error {
        let DataFailure { code, step, reason } = failure;
        sampled!(
            ERROR,
            "agents whose data cannot be converted",
            class = self.object.class(),
            name = self.object.name(),
            code,
            step,
            "the agent does not start on its data: {}",
            SingleLine(reason)
        );
        let message = match *code {
            NEWER => "The agent was changed by a newer version of the server (newer_version)",
            CHANGED => "The agent cannot start: a migration was changed (migration_changed)",
            _ => "The agent cannot start: a migration failed (migration_failed)",
        };
        Error::new(code, message)
    }

    fn convert(self: &Arc<Self>, agent: &A) -> Result<Found, Failure> {
        let stored = self.object.versioned_state()?;
        if let Some(StoredState { version, .. }) = stored
            && version > A::VERSION
        {
            let reason = format!("the state has version {version}, this program knows {}", A::VERSION);
            return Err(DataFailure::new(NEWER, "state", reason).into());
        }
        let ran = self.object.migrate_tables().map_err(|error| match error.code() {
            FAILED | CHANGED | NEWER => Failure::Data(DataFailure::of_tables(&error)),
            _ => Failure::Other(error),
        })?;
        let found = match (stored, self.table.hooks.migrate) {
            (Some(old), Some(migrate)) if old.version < A::VERSION => {
                self.migrate_state(agent, migrate, &old).map_err(|error| {
                    let step = format!("migrate from version {}", old.version);
                    DataFailure::new(FAILED, step, error)
                })?;
                Found::Converted
            }
            (Some(old), None) if old.version < A::VERSION => match self.read(&old.json)? {
                Stored::Read(state) => {
                    self.object.stage_state(old.json)?;
                    self.remember(Some(state));
                    Found::Converted
                }
                Stored::Nothing | Stored::PutAside => Found::PutAside,
            },
            _ => match self.stored()? {
                Stored::Read(_) | Stored::Nothing => Found::Current,
                Stored::PutAside => Found::PutAside,
            },
        };
        Ok(if ran > 0 && found == Found::Current { Found::Converted } else { found })
    }

    fn migrate_state(self: &Arc<Self>, agent: &A, migrate: Migrate<A>, old: &StoredState) -> Result<()> {
        let value: Value =
            read_stored(&old.json).map_err(|error| Error::hidden("unreadable_state", error))?;
        let parts = self.parts();
        let state = run_in_turn(self.context(), || migrate(agent, parts, old.version, value))??;
        let json = keep(&state)?;
        let source = StateSource::Server { via: None, callable: None };
        self.write(Arc::new(state), json, None, &source, None)
    }
}

/// The reason why the data was not converted.
enum Failure {
    /// The data, or the code that converts it.
    Data(DataFailure),
    /// A failure that may also happen without a migration, such as one of the disk.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<DataFailure> for Failure {
    fn from(failure: DataFailure) -> Self {
        Self::Data(failure)
    }
}
