//! The rule about read-only connections: who is read-only, what a write of theirs becomes, and who hears of it.

use std::sync::Arc;

use crate::agent::{AgentDefinition, AgentShared, Attempt, Connection, RejectionKind, StateSource};
use crate::error::{Error, Result};
use crate::object::{Flags, WriteGuard, WriteKind};
use crate::wire::frame;

/// The bit of a connection that may not change the agent's state.
const READONLY: Flags = Flags::bit(0);

/// The access to writes that a connection has.
///
/// Its bit is kept with the socket, so that it survives hibernation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum WriteAccess {
    Allowed,
    ReadOnly,
}

impl WriteAccess {
    pub(in crate::agent) fn new(readonly: bool) -> Self {
        if readonly { Self::ReadOnly } else { Self::Allowed }
    }

    /// Reads the access off the flags of a connection.
    pub(in crate::agent) fn of(flags: Flags) -> Self {
        Self::new(flags.has(READONLY))
    }

    /// Returns the flags with this access.
    pub(in crate::agent) fn put(self, flags: Flags) -> Flags {
        flags.with(READONLY, self.is_readonly())
    }

    pub(in crate::agent) fn is_readonly(self) -> bool {
        self == Self::ReadOnly
    }
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Checks that the source of a write may write.
    ///
    /// # Errors
    /// `readonly`; `on_state_rejected` is called with the attempt.
    pub(in crate::agent) fn check_write(
        self: &Arc<Self>,
        source: &StateSource<A>,
        attempt: Attempt,
    ) -> Result<()> {
        if source.connection().is_some_and(Connection::is_readonly) {
            return Err(self.reject_write(source.clone(), attempt, frame::READONLY));
        }
        Ok(())
    }

    /// Reports a write of a read-only source; returns the error for its handler.
    fn reject_write(self: &Arc<Self>, source: StateSource<A>, attempt: Attempt, why: &str) -> Error {
        self.rejected(source, RejectionKind::Readonly, attempt, why);
        Error::new(frame::READONLY_CODE, frame::READONLY)
    }
}

/// The connection that a context of a strict agent writes for.
pub(in crate::agent) struct GuardedCaller<A: AgentDefinition> {
    pub(in crate::agent) core: Arc<AgentShared<A>>,
    pub(in crate::agent) connection: Connection<A>,
    pub(in crate::agent) callable: Option<&'static str>,
}

impl<A: AgentDefinition> WriteGuard for GuardedCaller<A> {
    fn may_write(&self) -> bool {
        !self.connection.is_readonly()
    }

    fn refused(&self, write: WriteKind, why: &str) -> Error {
        let attempt = match write {
            WriteKind::Sql => Attempt::Sql,
            WriteKind::Storage => Attempt::Storage,
            WriteKind::Alarm => Attempt::Alarm,
            WriteKind::Settings => Attempt::Settings,
            WriteKind::Everything => Attempt::DeleteAll,
        };
        let source = StateSource::Server { via: Some(self.connection.clone()), callable: self.callable };
        self.core.reject_write(source, attempt, why)
    }
}
