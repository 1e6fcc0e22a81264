//! What an object has told the runtime to do in its place; kept with the object.

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::gateway::AutoResponse;

/// The settings of an object. They survive sleep in the handle and restarts in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) auto_response: Option<AutoResponse>,
    /// How long a handler of a WebSocket event may run.
    pub(crate) event_timeout: Option<Duration>,
}

/// The place of the settings beside a sleeping object.
#[derive(Debug, Default)]
pub(crate) struct SettingsSlot(Mutex<Slot>);

#[derive(Debug, Default)]
enum Slot {
    /// Not read yet.
    #[default]
    Unknown,
    Default,
    Set(Box<Settings>),
}

impl SettingsSlot {
    pub(crate) fn is_known(&self) -> bool {
        !matches!(*self.0.lock(), Slot::Unknown)
    }

    pub(crate) fn get(&self) -> Settings {
        match &*self.0.lock() {
            Slot::Set(settings) => Settings::clone(settings),
            Slot::Unknown | Slot::Default => Settings::default(),
        }
    }

    pub(crate) fn event_timeout(&self) -> Option<Duration> {
        match &*self.0.lock() {
            Slot::Set(settings) => settings.event_timeout,
            Slot::Unknown | Slot::Default => None,
        }
    }

    pub(crate) fn replace(&self, settings: Settings) {
        let default = settings == Settings::default();
        *self.0.lock() = if default { Slot::Default } else { Slot::Set(Box::new(settings)) };
    }

    /// They are read from the database again: what was set may not have become durable.
    pub(crate) fn forget(&self) {
        *self.0.lock() = Slot::Unknown;
    }
}
