//! The one alarm of an object.

use super::Result;
use super::error::SqlError;
use super::store::Store;

const READ: &str = "/*agents*/SELECT at, retries FROM _agents_alarm WHERE id = 0";
const WRITE: &str = "/*agents*/INSERT INTO _agents_alarm (id, at, retries) VALUES (0, ?1, ?2) \
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, retries = excluded.retries";
const DELETE: &str = "/*agents*/DELETE FROM _agents_alarm";

/// When an object wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// The time, in milliseconds since 1970.
    pub at: u64,
    /// How often its handler has failed already.
    pub retries: u32,
}

impl Store {
    /// Returns the alarm of the object, as the running turn sees it.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](super::StorageError::Poisoned), or when SQLite fails.
    pub fn alarm(&mut self) -> Result<Option<Alarm>> {
        let result = self.found().and_then(|parts| {
            let Some(parts) = parts else { return Ok(None) };
            parts.counters.statements += 1;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Alarm { at: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), retries: row.get(1)? })
            };
            let found = parts
                .connection
                .prepare_cached(READ)
                .and_then(|mut statement| statement.query_map((), read)?.next().transpose());
            let found = found.map_err(|error| SqlError::from_sqlite(error, READ))?;
            parts.counters.rows_read += u64::from(found.is_some());
            Ok(found)
        });
        self.settle(result)
    }

    /// Sets the alarm; there is one an object.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](super::StorageError::Poisoned), or when SQLite fails.
    pub fn set_alarm(&mut self, alarm: Alarm) -> Result<()> {
        let at = i64::try_from(alarm.at).unwrap_or(i64::MAX);
        self.write(WRITE, (at, alarm.retries))?;
        self.alarm_changed = true;
        Ok(())
    }

    /// Takes the alarm away.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`](super::StorageError::Poisoned), or when SQLite fails.
    pub fn delete_alarm(&mut self) -> Result<()> {
        if self.write_if_there(DELETE, ())? > 0 {
            self.alarm_changed = true;
        }
        Ok(())
    }

    /// Says whether turns since the last commit may have changed the alarm. A change that was
    /// rolled back may count; the commit starts anew.
    pub fn alarm_changed(&self) -> bool {
        self.alarm_changed
    }
}
