//! Checks constraints at the end of a turn: deferred foreign keys, and those that a setting defers.
//!
//! SQLite checks them only at a COMMIT, and a broken one would fail the commit that several turns share. So
//! each turn that may have broken a constraint is checked at its end. SQLite counts the broken constraints.
//! The count cannot be read, but its effect is visible: before SQLite checks whether a removed row repairs a
//! constraint, it checks whether any is broken. An update that changes nothing takes more steps if there are
//! broken ones.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, StatementStatus};

use super::Store;
use super::statement::{OpenStore, run};
use crate::storage::Result;
use crate::storage::error::{SqlError, SqlErrorKind};

const DEFERRED: &str = "/*agents*/SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' \
    AND instr(lower(sql), 'deferred') > 0)";
const TABLES: &str = "CREATE TEMP TABLE _agents_parents (id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE _agents_children
        (parent INTEGER NOT NULL REFERENCES _agents_parents (id) DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO temp._agents_parents VALUES (1);
    INSERT INTO temp._agents_children VALUES (1);";
/// The row that is written had a parent and still has it.
const PROBE: &str = "/*agents*/UPDATE temp._agents_children SET parent = 1 WHERE rowid = 1";
const BREAK: &str = "/*agents*/INSERT INTO temp._agents_children VALUES (2)";
const SAVEPOINT: &str = "/*agents*/SAVEPOINT s";
const RELEASE: &str = "/*agents*/RELEASE s";
const ROLLBACK_TO: &str = "/*agents*/ROLLBACK TO s";

const BROKEN: &str = "SELECT \"table\", rowid, parent, fkid FROM pragma_foreign_key_check LIMIT 1";
const COLUMNS: &str = "SELECT \"from\" FROM pragma_foreign_key_list(?1) WHERE id = ?2 ORDER BY seq";
/// The longest time for finding the name of a broken constraint.
const LONGEST_SEARCH: Duration = Duration::from_millis(20);

/// The known facts about deferred constraints.
#[derive(Debug, Default)]
pub(in crate::storage) struct Deferred {
    /// `true` if a table has such a constraint; `None` when the tables may have changed.
    known: Option<bool>,
    /// `true` if a setting of the open transaction defers constraints.
    put_off: bool,
    /// `true` if SQL of the running turn has written.
    wrote: bool,
    /// The number of steps that the probe takes when all constraints hold.
    steps: Option<i32>,
}

impl Deferred {
    /// Records that SQL of the user is about to write or to change a setting.
    pub(in crate::storage) fn writes(&mut self, setting: bool) {
        self.wrote = true;
        self.put_off |= setting;
    }

    /// Records that the tables may have changed.
    pub(in crate::storage) fn forget_tables(&mut self) {
        self.known = None;
    }

    pub(in crate::storage) fn turn_ended(&mut self) {
        self.wrote = false;
    }

    /// Returns whether a setting defers constraints, and resets the answer.
    pub(in crate::storage) fn takes_put_off(&mut self) -> bool {
        std::mem::take(&mut self.put_off)
    }
}

impl Store {
    /// Checks the deferred constraints at the end of a turn.
    ///
    /// # Errors
    /// Returns the constraint that does not hold; nothing is undone. When SQLite fails, the store is
    /// poisoned.
    pub(in crate::storage) fn check_deferred(&mut self) -> Result<()> {
        if !self.levels.deferred.wrote {
            return Ok(());
        }
        let broken = self.found().and_then(|parts| match parts {
            Some(mut parts) => Ok(parts.defers()? && parts.is_broken()?),
            None => Ok(false),
        });
        match broken {
            Ok(false) => Ok(()),
            Ok(true) => {
                // The rollback restores a table that the turn has dropped.
                self.levels.deferred.forget_tables();
                let message = self
                    .broken()
                    .unwrap_or_else(|| "a foreign key does not hold at the end of the turn".into());
                Err(SqlError::new(SqlErrorKind::Constraint, message, "").into())
            }
            Err(error) => {
                self.poison();
                Err(error)
            }
        }
    }

    /// Returns a description of a broken constraint, if one is found in time.
    fn broken(&mut self) -> Option<String> {
        let parts = self.opened().ok()?;
        let _scope = parts.authorizer.enter(true, LONGEST_SEARCH);
        let read = |row: &Row<'_>| {
            let row_number: Option<i64> = row.get(1)?;
            Ok((row.get::<_, String>(0)?, row_number, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
        };
        let found = parts.connection.query_row(BROKEN, (), read).optional().ok()?;
        let (table, row, parent, key) = found?;
        let columns = parts.connection.prepare(COLUMNS).and_then(|mut statement| {
            let columns = statement.query_map((&table, key), |row| row.get::<_, String>(0))?;
            columns.collect::<rusqlite::Result<Vec<_>>>()
        });
        let columns = columns.ok()?.join("`, `");
        let row = row.map(|row| format!(", in the row {row}")).unwrap_or_default();
        Some(format!(
            "at the end of the turn `{columns}` of the table `{table}` refers to nothing in `{parent}`{row}"
        ))
    }
}

impl OpenStore<'_> {
    /// Returns whether constraints may be deferred.
    fn defers(&mut self) -> Result<bool> {
        if self.levels.deferred.put_off {
            return Ok(true);
        }
        if let Some(known) = self.levels.deferred.known {
            return Ok(known);
        }
        self.metrics.statement();
        let found = self.connection.prepare_cached(DEFERRED);
        let found = found.and_then(|mut statement| statement.query_row((), |row| row.get(0)));
        let found = found.map_err(|error| SqlError::from_sqlite(error, DEFERRED))?;
        self.levels.deferred.known = Some(found);
        Ok(found)
    }

    /// Returns whether a constraint is broken at the moment.
    fn is_broken(&mut self) -> Result<bool> {
        let steps = self.probe()?;
        if self.levels.deferred.steps == Some(steps) {
            return Ok(false);
        }
        // The steps are compared with those for a constraint that is certainly broken.
        run(self.connection, self.metrics, SAVEPOINT)?;
        run(self.connection, self.metrics, BREAK)?;
        let most = self.probe()?;
        run(self.connection, self.metrics, ROLLBACK_TO)?;
        run(self.connection, self.metrics, RELEASE)?;
        if steps < most {
            self.levels.deferred.steps = Some(steps);
        }
        Ok(steps >= most)
    }

    /// Returns the number of steps that the probe takes.
    fn probe(&mut self) -> Result<i32> {
        loop {
            match self.try_probe() {
                Ok(Some(steps)) => return Ok(steps),
                // The probe was prepared again meanwhile, which adds steps.
                Ok(None) => {}
                Err(error) if error.kind == SqlErrorKind::NoSuchTable => {
                    // The tables of the probe were rolled back with a transaction, or the file was just
                    // opened.
                    self.metrics.statement();
                    let made = self.connection.execute_batch(TABLES);
                    made.map_err(|error| SqlError::from_sqlite(error, TABLES))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn try_probe(&mut self) -> Result<Option<i32>, Box<SqlError>> {
        self.metrics.statement();
        let explain = |error| SqlError::from_sqlite(error, PROBE);
        let mut statement = self.connection.prepare_cached(PROBE).map_err(explain)?;
        statement.reset_status(StatementStatus::RePrepare);
        statement.reset_status(StatementStatus::VmStep);
        statement.execute(()).map_err(explain)?;
        let again = statement.get_status(StatementStatus::RePrepare) > 0;
        Ok((!again).then(|| statement.get_status(StatementStatus::VmStep)))
    }
}
