//! The one alarm of an object.

use rusqlite::Connection;

use crate::storage::Result;
use crate::storage::error::SqlError;
use crate::storage::store::Store;

const READ: &str = "/*agents*/SELECT id, at, retries FROM _agents_alarm";
const WRITE: &str = "/*agents*/INSERT INTO _agents_alarm (id, at, retries) VALUES (?1, ?2, ?3) \
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, retries = excluded.retries";
const DELETE: &str = "/*agents*/DELETE FROM _agents_alarm WHERE id = ?1";

/// The rows of the table.
const SET: i64 = 0;
const PENDING: i64 = 1;

/// An alarm: a time at which an object is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// The time, in milliseconds since 1970.
    pub at: u64,
    /// The number of times that the handler has failed.
    pub retries: u32,
}

/// The alarm of an object, and an earlier alarm that is still due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// The alarm that is set.
    pub set: Option<Alarm>,
    /// An alarm that was due when it was replaced or deleted. It is delivered first.
    pub pending: Option<Alarm>,
}

impl Alarms {
    /// Returns the alarm that is delivered next.
    pub fn next(&self) -> Option<Alarm> {
        self.pending.or(self.set)
    }
}

impl Store {
    /// Returns the alarms of the object, as the running turn sees them.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn alarms(&mut self) -> Result<Alarms> {
        let result = self.found().and_then(|parts| {
            let Some(parts) = parts else { return Ok(Alarms::default()) };
            parts.metrics.statement();
            let alarms = read(parts.connection)?;
            let rows = u64::from(alarms.set.is_some()) + u64::from(alarms.pending.is_some());
            parts.metrics.rows_read(rows);
            Ok(alarms)
        });
        self.poison_on_fatal(result)
    }

    /// Sets the alarm. Each object has one alarm.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn set_alarm(&mut self, alarm: Alarm) -> Result<()> {
        self.write_alarm(SET, Some(alarm))
    }

    /// Deletes the alarm.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn delete_alarm(&mut self) -> Result<()> {
        self.write_alarm(SET, None)
    }

    /// Replaces the alarm that is delivered before the one that is set; `None` deletes it.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn set_pending_alarm(&mut self, alarm: Option<Alarm>) -> Result<()> {
        self.write_alarm(PENDING, alarm)
    }

    fn write_alarm(&mut self, row: i64, alarm: Option<Alarm>) -> Result<()> {
        let changed = match alarm {
            Some(Alarm { at, retries }) => {
                self.write(WRITE, (row, i64::try_from(at).unwrap_or(i64::MAX), retries))?
            }
            None => self.write_if_there(DELETE, (row,))?,
        };
        self.alarm_changed |= changed > 0;
        Ok(())
    }

    /// Returns whether turns since the last commit may have changed the alarm. A change that was rolled back
    /// may count. A commit resets the answer.
    pub fn alarm_changed(&self) -> bool {
        self.alarm_changed
    }
}

/// Reads the alarms in a database.
pub(in crate::storage) fn read(connection: &Connection) -> Result<Alarms> {
    let mut alarms = Alarms::default();
    let mut read = || {
        let mut statement = connection.prepare_cached(READ)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let at = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            let alarm = Some(Alarm { at, retries: row.get(2)? });
            if row.get::<_, i64>(0)? == SET { alarms.set = alarm } else { alarms.pending = alarm }
        }
        Ok(())
    };
    read().map_err(|error: rusqlite::Error| SqlError::from_sqlite(error, READ))?;
    Ok(alarms)
}
