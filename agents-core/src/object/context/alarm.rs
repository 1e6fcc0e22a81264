//! The alarm of an object: set, asked for, and run.

use std::time::Duration;

use super::journal::Change;
use super::{Inner, ObjectContext, Write};
use crate::error::Result;
use crate::object::AlarmInfo;
use crate::storage::{Alarm, StorageError, Store};

/// The first pause after a failed alarm; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest pause between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(1024);

/// An alarm handler that runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::object) struct Ringing {
    alarm: Alarm,
    /// An alarm was set or deleted since it began.
    changed: bool,
}

impl ObjectContext {
    /// Sets the alarm: at `at`, in milliseconds since 1970, the object is woken and its `alarm`
    /// handler runs. There is one alarm; a new one replaces it. A time that has passed means soon.
    ///
    /// It counts with the other writes of its turn, and survives sleep and restarts. It rings at
    /// least once: when the handler fails, it is tried again after 2, 4, 8 … 1,024 s, each up to a
    /// quarter longer, for as long as it takes.
    ///
    /// # Errors
    /// When storage fails, or outside of the object's handlers.
    pub fn set_alarm(&self, at: u64) -> Result<()> {
        self.change_alarm(Some(Alarm { at, retries: 0 }))
    }

    /// Returns when the alarm will ring; `None` if none is set, also inside the handler that it
    /// started.
    ///
    /// # Errors
    /// When storage fails, or outside of the object's handlers.
    pub fn get_alarm(&self) -> Result<Option<u64>> {
        let mut inner = self.turn()?;
        if inner.ringing.as_ref().is_some_and(|ringing| !ringing.changed) {
            return Ok(None);
        }
        let alarm = inner.store()?.alarm().map_err(StorageError::into_error)?;
        Ok(alarm.map(|alarm| alarm.at))
    }

    /// Takes the alarm away. A handler that runs is not stopped.
    ///
    /// # Errors
    /// When storage fails, or outside of the object's handlers.
    pub fn delete_alarm(&self) -> Result<()> {
        self.change_alarm(None)
    }

    fn change_alarm(&self, alarm: Option<Alarm>) -> Result<()> {
        self.may_write(Write::Alarm)?;
        let mut inner = self.turn()?;
        let changed = |store: &mut Store| match alarm {
            Some(alarm) => store.set_alarm(alarm),
            None => store.delete_alarm(),
        };
        inner.with_store(|store| changed(store).map_err(StorageError::into_error))?;
        if let Some(ringing) = inner.ringing.filter(|ringing| !ringing.changed) {
            inner.change_ringing(Some(Ringing { changed: true, ..ringing }));
        }
        Ok(())
    }

    /// Begins to ring if the time has come; `None` when the index of alarms was early or late.
    pub(in crate::object) fn ring(&self) -> Result<Option<AlarmInfo>> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_owed = true;
        if inner.ringing.is_some() {
            // The index hears of it when the handler is done, and would only ask again before.
            return Ok(None);
        }
        let alarm = inner.store()?.alarm().map_err(StorageError::into_error)?;
        let Some(alarm) = alarm.filter(|alarm| alarm.at <= now) else {
            inner.alarm_unsettled = true;
            return Ok(None);
        };
        inner.change_ringing(Some(Ringing { alarm, changed: false }));
        Ok(Some(AlarmInfo { scheduled_time: alarm.at, retry_count: alarm.retries }))
    }

    /// The handler is done: the alarm is gone, or it is tried again later.
    pub(in crate::object) fn rang(&self, ok: bool) -> Result<()> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_unsettled = true;
        let Some(Ringing { alarm, changed }) = inner.ringing else { return Ok(()) };
        inner.change_ringing(None);
        // One that was set meanwhile takes the place of this one, whatever became of it.
        if changed {
            return Ok(());
        }
        let store = inner.store()?;
        if ok {
            store.delete_alarm()
        } else {
            let retries = alarm.retries.saturating_add(1);
            store.set_alarm(Alarm { at: now.saturating_add(retry_after(retries)), retries })
        }
        .map_err(StorageError::into_error)
    }

    /// When the alarm rings, for the index of alarms.
    pub(in crate::object) fn alarm_at(store: &mut Store) -> Result<Option<u64>> {
        Ok(store.alarm().map_err(StorageError::into_error)?.map(|alarm| alarm.at))
    }
}

impl Inner {
    fn change_ringing(&mut self, ringing: Option<Ringing>) {
        let before = std::mem::replace(&mut self.ringing, ringing);
        self.note(Change::Ringing(before));
    }
}

/// The pause before a try, in milliseconds; the first one is 1.
pub(in crate::object) fn retry_after(retry: u32) -> u64 {
    let doubled = FIRST_RETRY.saturating_mul(1 << retry.saturating_sub(1).min(16));
    let pause = u64::try_from(doubled.min(LONGEST_RETRY).as_millis()).unwrap_or(u64::MAX);
    // Spread out, so that what failed together is not tried together.
    pause + fastrand::u64(0..=pause / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        for (retry, seconds) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 1024), (11, 1024), (u32::MAX, 1024)] {
            let pause = retry_after(retry);
            assert!((seconds * 1000..=seconds * 1250).contains(&pause), "{retry}: {pause}");
        }
    }
}
