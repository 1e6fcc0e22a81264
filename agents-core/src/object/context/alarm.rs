//! The alarm of an object: its access, its start and its end.

use std::time::{Duration, SystemTime};

use super::journal::Change;
use super::{Inner, ObjectContext, WriteKind};
use crate::error::Result;
use crate::object::alarm::time::{millis_of, moment_of};
use crate::object::{AlarmInfo, AlarmTime};
use crate::storage::{Alarm, Alarms, StorageError, Store};

/// The first pause after a failed alarm; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest pause between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(1024);

/// An alarm whose handler runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::object) struct FiringAlarm {
    alarm: Alarm,
    /// `true` if another alarm had replaced this one before it fired.
    pending: bool,
}

impl ObjectContext {
    /// Sets the alarm: at a moment ([`SystemTime`]) or after a time span ([`Duration`]) the object is woken
    /// and its `alarm` handler runs. An object has one alarm; a new one replaces it. An alarm in the past
    /// fires as soon as possible.
    ///
    /// The alarm is committed with the other writes of its turn, and survives hibernation and restarts. Its
    /// handler runs at least once. When the handler fails, it is retried after 2, 4, 8 … 1,024 s, each pause
    /// up to a quarter longer, until it succeeds. An alarm that is set during `start` is the next alarm: an
    /// alarm that is already due still fires before it.
    ///
    /// # Errors
    /// Fails when storage fails, or outside of the object's handlers.
    pub fn set_alarm(&self, time: impl AlarmTime) -> Result<()> {
        let at = millis_of(time.moment(moment_of(self.now())));
        self.change_alarm(Some(Alarm { at, retries: 0 }))
    }

    /// Returns when the alarm will fire. Returns `None` if no alarm is set, also inside the handler of the
    /// current alarm.
    ///
    /// # Errors
    /// Fails when storage fails, or outside of the object's handlers.
    pub fn get_alarm(&self) -> Result<Option<SystemTime>> {
        let mut inner = self.turn()?;
        let fires = inner.firing.is_some();
        let alarms = inner.store()?.alarms().map_err(StorageError::into_error)?;
        let alarm = match alarms {
            // The alarm that is set is the one that is firing.
            Alarms { pending: None, .. } if fires => None,
            // An alarm that still has to fire is retried, if no other one is set.
            Alarms { set: None, pending } if !fires => pending,
            Alarms { set, .. } => set,
        };
        Ok(alarm.map(|alarm| moment_of(alarm.at)))
    }

    /// Deletes the alarm. A running handler is not stopped.
    ///
    /// # Errors
    /// Fails when storage fails, or outside of the object's handlers.
    pub fn delete_alarm(&self) -> Result<()> {
        self.change_alarm(None)
    }

    fn change_alarm(&self, alarm: Option<Alarm>) -> Result<()> {
        self.may_write(WriteKind::Alarm)?;
        let now = self.now();
        let mut inner = self.turn()?;
        let (fires, starts) = (inner.firing.is_some(), inner.starts);
        inner.with_store(|store| {
            let change = |store: &mut Store| {
                match store.alarms()? {
                    // A firing alarm has to end successfully before it is deleted, and an instance may start
                    // for a due alarm that has not fired yet.
                    Alarms { set: Some(due), pending: None }
                        if fires || (starts && (due.at <= now || due.retries > 0)) =>
                    {
                        store.set_pending_alarm(Some(due))?;
                    }
                    Alarms { pending: Some(_), .. } if !fires && !starts => store.set_pending_alarm(None)?,
                    _ => {}
                }
                match alarm {
                    Some(alarm) => store.set_alarm(alarm),
                    None => store.delete_alarm(),
                }
            };
            change(store).map_err(StorageError::into_error)
        })
    }

    /// Begins to fire the alarm if it is due; returns `None` when no alarm is due, because the index
    /// woke the object early or a second time.
    pub(in crate::object) fn begin_alarm(&self) -> Result<Option<AlarmInfo>> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_unreported = true;
        if inner.firing.is_some() {
            // The result is reported to the index when the handler is done; a report now would only cause
            // another wake.
            return Ok(None);
        }
        let alarms = inner.store()?.alarms().map_err(StorageError::into_error)?;
        let Some(alarm) = alarms.next().filter(|alarm| alarm.at <= now) else {
            inner.alarm_report_due = true;
            return Ok(None);
        };
        inner.change_firing(Some(FiringAlarm { alarm, pending: alarms.pending.is_some() }));
        Ok(Some(AlarmInfo { scheduled_time: moment_of(alarm.at), retry_count: alarm.retries }))
    }

    /// Ends the alarm after its handler: deletes it, or schedules a retry.
    pub(in crate::object) fn finish_alarm(&self, ok: bool) -> Result<()> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_report_due = true;
        let Some(FiringAlarm { alarm, pending }) = inner.firing else { return Ok(()) };
        inner.change_firing(None);
        let retries = alarm.retries.saturating_add(1);
        let retry = Alarm { at: now.saturating_add(retry_after(retries)), retries };
        let store = inner.store()?;
        let end = |store: &mut Store| match store.alarms()?.pending {
            // An alarm that the handler set replaces the retry.
            Some(_) => store.set_pending_alarm((pending && !ok).then_some(retry)),
            None if ok => store.delete_alarm(),
            None => store.set_alarm(retry),
        };
        end(store).map_err(StorageError::into_error)
    }

    /// Returns the time of the next alarm, for the index of alarms.
    pub(in crate::object) fn alarm_at(store: &mut Store) -> Result<Option<u64>> {
        Ok(store.alarms().map_err(StorageError::into_error)?.next().map(|alarm| alarm.at))
    }
}

impl Inner {
    fn change_firing(&mut self, firing: Option<FiringAlarm>) {
        let before = std::mem::replace(&mut self.firing, firing);
        self.note(Change::FiringAlarm(before));
    }
}

/// Returns the pause before a retry, in milliseconds; the first retry is 1.
pub(in crate::object) fn retry_after(retry: u32) -> u64 {
    let doubled = FIRST_RETRY.saturating_mul(1 << retry.saturating_sub(1).min(16));
    let pause = u64::try_from(doubled.min(LONGEST_RETRY).as_millis()).unwrap_or(u64::MAX);
    // The pauses are spread, so that alarms that failed together are not retried together.
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
