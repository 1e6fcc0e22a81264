//! The alarm of an object: set, asked for, and run.

use std::time::{Duration, SystemTime};

use super::journal::Change;
use super::{Inner, ObjectContext, Write};
use crate::error::Result;
use crate::object::alarm::{millis_of, moment_of};
use crate::object::{AlarmInfo, AlarmTime};
use crate::storage::{Alarm, Alarms, StorageError, Store};

/// The first pause after a failed alarm; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest pause between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(1024);

/// An alarm handler that runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::object) struct Ringing {
    alarm: Alarm,
    /// Another alarm had been set in its place before it rang.
    owed: bool,
}

impl ObjectContext {
    /// Sets the alarm: at a moment ([`SystemTime`]) or after a span of time ([`Duration`]) the object is
    /// woken and its `alarm` handler runs. There is one alarm; a new one replaces it. A moment that has passed
    /// means soon.
    ///
    /// The alarm counts with the other writes of its turn, and survives sleep and restarts. It rings at
    /// least once: when the handler fails, it is tried again after 2, 4, 8 … 1,024 s, each up to a
    /// quarter longer, for as long as it takes. What an object sets while it starts is the next alarm: one whose
    /// time has come still rings before it.
    ///
    /// # Errors
    /// When storage fails, or outside of the object's handlers.
    pub fn set_alarm(&self, time: impl AlarmTime) -> Result<()> {
        let at = millis_of(time.moment(moment_of(self.now())));
        self.change_alarm(Some(Alarm { at, retries: 0 }))
    }

    /// Returns when the alarm will ring; `None` if none is set, also inside the handler that it
    /// started.
    ///
    /// # Errors
    /// When storage fails, or outside of the object's handlers.
    pub fn get_alarm(&self) -> Result<Option<SystemTime>> {
        let mut inner = self.turn()?;
        let rings = inner.ringing.is_some();
        let alarms = inner.store()?.alarms().map_err(StorageError::into_error)?;
        let alarm = match alarms {
            // The one that is set is the one that rings.
            Alarms { owed: None, .. } if rings => None,
            // One that still has to ring is tried again, if no other one is set.
            Alarms { set: None, owed } if !rings => owed,
            Alarms { set, .. } => set,
        };
        Ok(alarm.map(|alarm| moment_of(alarm.at)))
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
        let now = self.now();
        let mut inner = self.turn()?;
        let (rings, starts) = (inner.ringing.is_some(), inner.starts);
        inner.with_store(|store| {
            let change = |store: &mut Store| {
                match store.alarms()? {
                    // What rings has to end well before it is gone, and a start comes before the alarm that
                    // it was for.
                    Alarms { set: Some(due), owed: None }
                        if rings || (starts && (due.at <= now || due.retries > 0)) =>
                    {
                        store.owe_alarm(Some(due))?;
                    }
                    Alarms { owed: Some(_), .. } if !rings && !starts => store.owe_alarm(None)?,
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

    /// Begins to ring if the time has come; `None` when the index of alarms was early or late.
    pub(in crate::object) fn begin_alarm(&self) -> Result<Option<AlarmInfo>> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_owed = true;
        if inner.ringing.is_some() {
            // The index hears of it when the handler is done, and would only ask again before.
            return Ok(None);
        }
        let alarms = inner.store()?.alarms().map_err(StorageError::into_error)?;
        let Some(alarm) = alarms.next().filter(|alarm| alarm.at <= now) else {
            inner.alarm_unsettled = true;
            return Ok(None);
        };
        inner.change_ringing(Some(Ringing { alarm, owed: alarms.owed.is_some() }));
        Ok(Some(AlarmInfo { scheduled_time: moment_of(alarm.at), retry_count: alarm.retries }))
    }

    /// The handler is done: the alarm is gone, or it is tried again later.
    pub(in crate::object) fn finish_alarm(&self, ok: bool) -> Result<()> {
        let now = self.now();
        let mut inner = self.turn()?;
        inner.alarm_unsettled = true;
        let Some(Ringing { alarm, owed }) = inner.ringing else { return Ok(()) };
        inner.change_ringing(None);
        let retries = alarm.retries.saturating_add(1);
        let retry = Alarm { at: now.saturating_add(retry_after(retries)), retries };
        let store = inner.store()?;
        let end = |store: &mut Store| match store.alarms()?.owed {
            // What the handler set takes the place of another try.
            Some(_) => store.owe_alarm((owed && !ok).then_some(retry)),
            None if ok => store.delete_alarm(),
            None => store.set_alarm(retry),
        };
        end(store).map_err(StorageError::into_error)
    }

    /// When the alarm rings, for the index of alarms.
    pub(in crate::object) fn alarm_at(store: &mut Store) -> Result<Option<u64>> {
        Ok(store.alarms().map_err(StorageError::into_error)?.next().map(|alarm| alarm.at))
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
