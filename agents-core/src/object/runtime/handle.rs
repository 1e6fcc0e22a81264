//! The part of an object that exists while it hibernates: its mailbox and its hub.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use crate::gateway::{Hub, ObjectPort, PostError, ToObject};
use crate::limits::Limits;
use crate::object::activation::disk_work::DiskWork;
use crate::object::activation::{self, Environment};
use crate::object::runtime::alarm_service::Indexed;
use crate::object::runtime::lifecycle::Lifecycle;
use crate::object::runtime::mailbox::Mailbox;
use crate::object::runtime::settings::SettingsSlot;
use crate::object::{Behavior, ObjectKey};

/// A handle on an object, hibernating or awake.
pub(crate) struct ObjectHandle {
    pub(in crate::object) key: ObjectKey,
    pub(in crate::object) behavior: Arc<dyn Behavior>,
    pub(in crate::object) mailbox: Mailbox,
    pub(in crate::object) hub: Arc<Hub>,
    pub(in crate::object) environment: Arc<Environment>,
    pub(in crate::object) life: Lifecycle,
    pub(in crate::object) settings: SettingsSlot,
    pub(in crate::object) indexed: Indexed,
    pub(in crate::object) disk: DiskWork,
    /// Set once this process has read or written the stored state, so that no later activation checks it
    /// again.
    pub(in crate::object) readable: AtomicBool,
    /// How many times in a row the database could not be opened.
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
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            hub: Arc::new(Hub::new(environment.gateway.clone())),
            key,
            behavior,
            mailbox: Mailbox::default(),
            environment,
            life: Lifecycle::default(),
            settings: SettingsSlot::default(),
            indexed: Indexed::default(),
            disk: DiskWork::default(),
            readable: AtomicBool::new(false),
            failed_openings: AtomicU32::new(0),
            commands: AtomicU8::new(0),
            me: me.clone(),
        })
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Returns the limits of the host.
    pub(in crate::object) fn limits(&self) -> &Limits {
        &self.environment.gateway.limits
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
        self.life.is_awake() || !self.mailbox.is_idle()
    }

    /// Posts a message; waits while the mailbox is full. A retired handle returns the message.
    pub(crate) async fn deliver(&self, message: ToObject) -> Result<(), ToObject> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let Some(next) = message.take() else { return Poll::Ready(Ok(())) };
            match self.post(next, cx) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(PostError::Full(back, _)) => {
                    message = Some(back);
                    Poll::Pending
                }
                Err(PostError::Retired(back)) => Poll::Ready(Err(back)),
            }
        })
        .await
    }
}

impl ObjectPort for ObjectHandle {
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        let limits = self.limits();
        let waits = |error: &PostError| {
            if let PostError::Full(_, limit) = error {
                self.environment.gateway.totals.limits.record(*limit);
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
}

impl fmt::Debug for ObjectHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectHandle").field("key", &self.key).finish_non_exhaustive()
    }
}
