//! The lines of the log about wakes and sleeps, at the level `debug`.

use tokio::time::Instant;
use tracing::Level;

use crate::object::ObjectHandle;
use crate::support::unwind::caught;

/// An activation whose begin is in the log; `None` if the level is off.
pub(super) struct WakeLog(Option<Instant>);

impl WakeLog {
    /// Logs that an object wakes, with the first event that waits for it.
    pub(super) fn woke(handle: &ObjectHandle) -> Self {
        if !tracing::enabled!(target: "agents::object", Level::DEBUG) {
            return Self(None);
        }
        // The subscriber is code of the program, and its panics do not concern the object.
        let _ = caught(|| {
            let cause = handle.mailbox.first_kind().unwrap_or("nothing");
            let (class, name) = (&*handle.key.class, &*handle.key.name);
            tracing::debug!(target: "agents::object", class, name, cause, "woke");
        });
        Self(Some(Instant::now()))
    }

    /// Logs that the activation is over.
    pub(super) fn slept(self, handle: &ObjectHandle, reason: &'static str) {
        let Some(began) = self.0 else { return };
        let _ = caught(|| {
            let awake_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (class, name) = (&*handle.key.class, &*handle.key.name);
            tracing::debug!(target: "agents::object", class, name, reason, awake_ms, "slept");
        });
    }
}
