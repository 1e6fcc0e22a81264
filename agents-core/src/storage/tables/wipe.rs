//! Removes everything that an object stored.

use rusqlite::Connection;

use crate::storage::Result;
use crate::storage::error::{SqlError, StorageError};
use crate::storage::sql::reserved::is_reserved;
use crate::storage::store::Store;
use crate::storage::store::statement::OpenStore;
use crate::storage::tables::migrations::Migrations;

const LIST: &str = "/*agents*/SELECT type, name, coalesce(sql, '') LIKE 'CREATE VIRTUAL%' FROM sqlite_schema \
    WHERE type IN ('table', 'view', 'trigger', 'index') AND name NOT LIKE 'sqlite#_%' ESCAPE '#'";
const DEFERS: &str = "/*agents*/PRAGMA defer_foreign_keys";
const OWN: [&str; 3] = [
    "/*agents*/DELETE FROM _agents_kv",
    "/*agents*/DELETE FROM _agents_alarm",
    "/*agents*/DELETE FROM _agents_meta WHERE key IN ('props', 'settings', 'migrations')",
];

/// An item of the schema that belongs to the user.
struct Item {
    kind: String,
    name: String,
    is_virtual: bool,
}

impl Store {
    /// Removes everything that the object stored: tables, views, triggers and indexes of the user, keys and
    /// values, the state, the alarm, the settings, the properties and the record of the migrations. The metadata of the file stays. A
    /// rollback of the running turn restores everything.
    ///
    /// # Errors
    /// Fails with [`StorageError::Misuse`] outside of a turn; [`StorageError::Poisoned`], or when SQLite
    /// fails.
    pub fn wipe(&mut self) -> Result<()> {
        // The wipe has a level of its own, so that a failure restores everything that was removed before.
        self.savepoint_push()?;
        let result = self.take_all();
        let result = self.poison_on_fatal(result);
        if !self.is_poisoned() {
            match &result {
                Ok(()) => self.savepoint_release()?,
                Err(_) => self.savepoint_rollback()?,
            }
        }
        result
    }

    /// Removes everything like [`Store::wipe`], and makes the tables of the migrations again.
    pub(crate) fn wipe_and_migrate(&mut self, migrations: &Migrations) -> Result<()> {
        if migrations.is_empty() {
            return self.wipe();
        }
        self.savepoint_push()?;
        let result = self.wipe().and_then(|()| self.migrate(migrations).map(drop));
        if !self.is_poisoned() {
            match &result {
                Ok(()) => self.savepoint_release()?,
                Err(_) => self.savepoint_rollback()?,
            }
        }
        result
    }

    fn take_all(&mut self) -> Result<()> {
        self.stage_state(None)?;
        self.separate_write()?;
        let Some(mut parts) = self.found()? else { return Ok(()) };
        parts.ready_to_write()?;
        parts.levels.forget_tables();
        drop_items(&mut parts)?;
        for sql in OWN {
            parts.change(sql, ())?;
        }
        self.alarm_changed = true;
        Ok(())
    }
}

fn drop_items(parts: &mut OpenStore<'_>) -> Result<()> {
    let connection = parts.connection;
    // The rows of a referenced table are removed before the rows that refer to them. In between the
    // references do not hold.
    let deferred = connection
        .query_row(DEFERS, (), |row| row.get::<_, bool>(0))
        .map_err(|error| StorageError::from(SqlError::from_sqlite(error, DEFERS)))?;
    defer(connection, true)?;
    // With a table its indexes, triggers and shadow tables are removed as well, so each kind is listed right
    // before its items are removed.
    let turns: [fn(&Item) -> bool; 4] = [
        |item| item.kind == "trigger",
        |item| item.kind == "view",
        |item| item.is_virtual,
        |item| item.kind == "table",
    ];
    for is_due in turns {
        for item in list(connection)?.iter().filter(|item| is_due(item)) {
            let kind = item.kind.to_uppercase();
            execute(
                connection,
                &format!("/*agents*/DROP {kind} IF EXISTS \"{}\"", item.name.replace('"', "\"\"")),
            )?;
        }
    }
    defer(connection, deferred)
}

fn list(connection: &Connection) -> Result<Vec<Item>> {
    let read =
        |row: &rusqlite::Row<'_>| Ok(Item { kind: row.get(0)?, name: row.get(1)?, is_virtual: row.get(2)? });
    let items = connection
        .prepare(LIST)
        .and_then(|mut statement| statement.query_map((), read)?.collect::<rusqlite::Result<Vec<_>>>());
    let items = items.map_err(|error| StorageError::from(SqlError::from_sqlite(error, LIST)))?;
    Ok(items.into_iter().filter(|item| !is_reserved(&item.name)).collect())
}

fn defer(connection: &Connection, on: bool) -> Result<()> {
    execute(connection, &format!("/*agents*/PRAGMA defer_foreign_keys = {on}"))
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_batch(sql).map_err(|error| SqlError::from_sqlite(error, sql).into())
}
