//! The changes that a turn has made outside of the database, and their undo.

use std::fmt;
use std::sync::Arc;

use super::Inner;
use super::alarm::FiringAlarm;
use crate::gateway::ConnectionKey;
use crate::object::ConnectionEntry;
use crate::object::connections::entry::Kept;
use crate::object::runtime::settings::{Settings, SettingsSlot};

/// A change that a running turn has made, with the value before.
///
/// Every method that changes memory writes one. Nothing else is needed to undo the change with its
/// transaction or its turn.
pub(super) enum Change {
    /// The stored data of a connection: attachment, tags, whether it is closed.
    Kept(Arc<ConnectionEntry>, Kept),
    /// The connection was added to the roster.
    Known(ConnectionKey),
    Settings(Settings),
    /// The alarm that is firing.
    FiringAlarm(Option<FiringAlarm>),
    /// A change of a layer above.
    Other(Box<dyn Restore>),
}

/// Memory of a layer above the object that is restored when a turn is undone.
///
/// The restore runs under the lock of the object: it calls no method of the context and runs no user code.
pub(crate) trait Restore: Send {
    fn restore(self: Box<Self>);
}

impl<F: FnOnce() + Send> Restore for F {
    fn restore(self: Box<Self>) {
        self();
    }
}

/// A point to which a turn, or a transaction inside it, is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalMark {
    effects: usize,
    spawned: usize,
    changes: usize,
}

impl Inner {
    /// Returns the current point of the running turn.
    pub(super) fn mark(&self) -> JournalMark {
        let changes = self.turn.as_ref().map_or(0, |turn| turn.changes.len());
        JournalMark { effects: self.gate.mark(), spawned: self.spawned.len(), changes }
    }

    /// Records a change of the running turn.
    pub(super) fn note(&mut self, change: Change) {
        if let Some(turn) = &mut self.turn {
            turn.changes.push(change);
        }
    }

    /// Undoes all changes since a mark of the running turn, the last change first.
    pub(super) fn undo_to(&mut self, mark: JournalMark, settings: &SettingsSlot) {
        for effect in self.gate.undo_to(mark.effects) {
            self.give_up(effect);
        }
        for task in self.spawned.split_off(mark.spawned.min(self.spawned.len())) {
            if task.stays {
                self.spawned.push(task);
            } else {
                self.give_up(task);
            }
        }
        let changes = match &mut self.turn {
            Some(turn) => turn.changes.split_off(mark.changes.min(turn.changes.len())),
            None => Vec::new(),
        };
        for change in changes.into_iter().rev() {
            match change {
                Change::Kept(entry, kept) => {
                    entry.replace(kept);
                }
                Change::Known(connection) => {
                    self.roster.remove(connection);
                }
                Change::Settings(before) => settings.replace(before),
                Change::FiringAlarm(before) => self.firing = before,
                Change::Other(memory) => memory.restore(),
            }
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept(..) => "Kept",
            Self::Known(_) => "Known",
            Self::Settings(_) => "Settings",
            Self::FiringAlarm(_) => "FiringAlarm",
            Self::Other(_) => "Other",
        })
    }
}
