//! The part of an object that exists while it hibernates: its mailbox and its way to the gateway.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::Context;

use crate::gateway::{GatewayPort, ObjectPort, PostError, ToObject};
use crate::limits::Limits;
use crate::object::activation::disk_work::DiskWork;
use crate::object::activation::{self, Environment};
use crate::object::alarm::index_entry::IndexEntry;
use crate::object::connections::room::RoomQuestions;
use crate::object::runtime::lifecycle::Lifecycle;
use crate::object::runtime::mailbox::Mailbox;
use crate::object::runtime::settings::SettingsSlot;
use crate::object::{Behavior, ObjectKey};
use crate::storage::Store;

/// A handle on an object, hibernating or awake.
pub(crate) struct ObjectHandle {
    pub(in crate::object) key: ObjectKey,
    pub(in crate::object) behavior: Arc<dyn Behavior>,
    pub(in crate::object) mailbox: Mailbox,
    pub(crate) gateway: Arc<dyn GatewayPort>,
    pub(in crate::object) room_questions: RoomQuestions,
    pub(in crate::object) environment: Arc<Environment>,
    pub(in crate::object) lifecycle: Lifecycle,
    pub(in crate::object) settings: SettingsSlot,
    pub(in crate::object) alarm_entry: IndexEntry,
    pub(in crate::object) disk: DiskWork,
    /// Set once this process has found the stored data to be of the current version and readable, so that no
    /// later activation checks it again. Taken back when an activation fails, because a migration may not have
    /// become durable.
    pub(in crate::object) readable: AtomicBool,
    /// The number of times in a row that the database could not be opened.
    pub(in crate::object) failed_openings: AtomicU32,
    commands: AtomicU8,
    /// A weak reference to the handle itself, for the task that it starts.
    me: Weak<Self>,
}

/// A command for an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Finish the running handlers and end; no handler starts any more.
    Stop = 1,
    /// Hibernate as soon as nothing runs, without an idle time.
    Sleep = 2,
    /// End immediately, as if the process were killed.
    Crash = 4,
}

impl ObjectHandle {
    pub(in crate::object) fn new(
        key: ObjectKey,
        behavior: Arc<dyn Behavior>,
        environment: Arc<Environment>,
        gateway: impl FnOnce(Weak<dyn ObjectPort>) -> Arc<dyn GatewayPort>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me: &Weak<Self>| Self {
            gateway: gateway(me.clone()),
            room_questions: RoomQuestions::default(),
            key,
            behavior,
            mailbox: Mailbox::default(),
            environment,
            lifecycle: Lifecycle::default(),
            settings: SettingsSlot::default(),
            alarm_entry: IndexEntry::default(),
            disk: DiskWork::default(),
            readable: AtomicBool::new(false),
            failed_openings: AtomicU32::new(0),
            commands: AtomicU8::new(0),
            me: me.clone(),
        })
    }

    /// Returns the limits of the host.
    pub(in crate::object) fn limits(&self) -> &Limits {
        &self.environment.limits
    }

    /// Returns the store of the object, which is not open yet.
    pub(in crate::object) fn store(&self) -> Store {
        let Environment { folder, store, .. } = &*self.environment;
        let store = folder.store(&self.key.class, &self.key.name, store);
        store.with_state_version(self.behavior.data_version().state)
    }

    /// Returns a number that identifies the handle as long as it exists.
    pub(in crate::object) fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Gives a command to the activation, if there is one.
    pub(crate) fn command(&self, command: Command) {
        self.commands.fetch_or(command as u8, Ordering::AcqRel);
        self.mailbox.wake();
    }

    pub(crate) fn has_command(&self, command: Command) -> bool {
        self.commands.load(Ordering::Acquire) & command as u8 != 0
    }

    /// Withdraws a command that was carried out or is no longer needed.
    pub(crate) fn withdraw(&self, command: Command) {
        self.commands.fetch_and(!(command as u8), Ordering::AcqRel);
    }

    pub(in crate::object) fn is_stopping(&self) -> bool {
        self.has_command(Command::Stop)
    }

    /// Returns whether the object is in memory or about to be.
    pub(crate) fn is_awake(&self) -> bool {
        self.lifecycle.is_awake() || !self.mailbox.is_idle()
    }
}

impl ObjectPort for ObjectHandle {
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        if let ToObject::Room { request } = message {
            self.room_questions.answer(request);
            return Ok(());
        }
        let limits = self.limits();
        let waits = |error: &PostError| {
            if let PostError::Full(_, limit) = error {
                self.environment.limit_counts.record(*limit);
            }
        };
        // Only an awake object has state to drop when a connection ends. A hibernating object streams no
        // response, so the outcome of its last response is not a reason to wake it.
        let unheard = matches!(message, ToObject::Close { .. }) && !self.behavior.options().wakes_on_close;
        if unheard || message.about_request().is_some() {
            return self.mailbox.post_to_reader(limits, message, cx).inspect_err(waits);
        }
        let start = self.mailbox.post(limits, message, cx).inspect_err(waits)?;
        if start && let Some(me) = self.me.upgrade() {
            let environment = me.environment.clone();
            environment.tasks.spawn_on(activation::run(me), &environment.runtime);
        }
        Ok(())
    }

    fn address(&self) -> (&str, &str) {
        self.key.address()
    }
}

impl fmt::Debug for ObjectHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectHandle").field("key", &self.key).finish_non_exhaustive()
    }
}
