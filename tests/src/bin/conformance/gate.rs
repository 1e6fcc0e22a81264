//! A gate for the whole process that a blocked thread waits for.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// Blocks the thread until the gate is opened, and closes it. Returns whether that happened in time.
pub(crate) fn wait(limit: Duration) -> bool {
    let (open, opened) = &GATE;
    let open = open.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = opened.wait_timeout_while(open, limit, |open| !*open);
    let (mut open, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    *open = false;
    !timeout.timed_out()
}

/// Opens the gate for one thread.
pub(crate) fn open() {
    let (open, opened) = &GATE;
    *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
    opened.notify_all();
}
