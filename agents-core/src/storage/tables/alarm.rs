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
const OWED: i64 = 1;

/// When an object wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// The time, in milliseconds since 1970.
    pub at: u64,
    /// How often its handler has failed already.
    pub retries: u32,
}

/// The alarm of an object, and the one before it that still has to ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// The alarm that is set.
    pub set: Option<Alarm>,
    /// An alarm whose time had come when another one was set or it was deleted. It rings first.
    pub owed: Option<Alarm>,
}

impl Alarms {
    /// Returns the alarm that rings next.
    pub fn next(&self) -> Option<Alarm> {
        self.owed.or(self.set)
    }
}

impl Store {
    /// Returns the alarms of the object, as the running turn sees them.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn alarms(&mut self) -> Result<Alarms> {
        let result = self.found().and_then(|parts| {
            let Some(parts) = parts else { return Ok(Alarms::default()) };
            parts.metrics.statement();
            let alarms = read(parts.connection)?;
            let rows = u64::from(alarms.set.is_some()) + u64::from(alarms.owed.is_some());
            parts.metrics.rows_read(rows);
            Ok(alarms)
        });
        self.poison_on_fatal(result)
    }

    /// Sets the alarm; there is one an object.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn set_alarm(&mut self, alarm: Alarm) -> Result<()> {
        self.write_alarm(SET, Some(alarm))
    }

    /// Takes the alarm away.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn delete_alarm(&mut self) -> Result<()> {
        self.write_alarm(SET, None)
    }

    /// Replaces the alarm that still has to ring before the one that is set; `None` takes it away.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](crate::storage::StorageError::Poisoned), or when SQLite fails.
    pub fn owe_alarm(&mut self, alarm: Option<Alarm>) -> Result<()> {
        self.write_alarm(OWED, alarm)
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

    /// Says whether turns since the last commit may have changed the alarm. A change that was
    /// rolled back may count; the commit starts anew.
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
            if row.get::<_, i64>(0)? == SET { alarms.set = alarm } else { alarms.owed = alarm }
        }
        Ok(())
    };
    read().map_err(|error: rusqlite::Error| SqlError::from_sqlite(error, READ))?;
    Ok(alarms)
}
