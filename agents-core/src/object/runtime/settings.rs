//! The settings that an object has given to the runtime, stored with the object.

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::gateway::AutoResponse;

/// The settings of an object. They survive hibernation in the handle, and restarts in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) auto_response: Option<AutoResponse>,
    /// The maximum time of a handler of a WebSocket event.
    pub(crate) event_timeout: Option<Duration>,
}

/// The settings of an object in its handle.
#[derive(Debug, Default)]
pub(crate) struct SettingsSlot(Mutex<Slot>);

#[derive(Debug, Default)]
enum Slot {
    /// The settings were not read yet.
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

    /// Drops the settings, so that they are read from the database again: changes may not have become
    /// durable.
    pub(crate) fn forget(&self) {
        *self.0.lock() = Slot::Unknown;
    }
}
