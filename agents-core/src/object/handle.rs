//! The lasting part of an object: its mailbox and its gateway side.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use crate::gateway::{Hub, ObjectPort, PostError, ToObject};
use crate::object::activation::{self, Environment};
use crate::object::mailbox::Mailbox;
use crate::object::{Behavior, ObjectKey};

/// A handle on an object, asleep or awake.
pub(crate) struct ObjectHandle {
    pub(super) key: ObjectKey,
    pub(super) behavior: Arc<dyn Behavior>,
    pub(super) mailbox: Mailbox,
    pub(super) hub: Arc<Hub>,
    pub(super) environment: Arc<Environment>,
    stopping: AtomicBool,
    /// The handle itself, for the task that it starts.
    me: std::sync::Weak<Self>,
}

impl ObjectHandle {
    pub(super) fn new(
        key: ObjectKey,
        behavior: Arc<dyn Behavior>,
        environment: Arc<Environment>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            hub: Arc::new(Hub::new(behavior.policy().hub.clone())),
            key,
            behavior,
            mailbox: Mailbox::default(),
            environment,
            stopping: AtomicBool::new(false),
            me: me.clone(),
        })
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Asks the object to finish what runs and to go.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.mailbox.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl ObjectPort for ObjectHandle {
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        let start = self.mailbox.post(message, cx)?;
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
