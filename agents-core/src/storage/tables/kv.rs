//! The keys and values of an object.

use bytes::Bytes;
use rusqlite::types::Value;

use crate::storage::Result;
use crate::storage::error::{SqlError, StorageError};
use crate::storage::store::Store;
use crate::storage::store::statement::Json;

/// The longest key, in bytes.
const KEY_BYTES: usize = 2 * 1024;
/// The largest entry, key and value together, in bytes.
const ENTRY_BYTES: usize = 2 * 1024 * 1024;

const GET: &str = "/*agents*/SELECT value FROM _agents_kv WHERE key = ?1";
const PUT: &str = "/*agents*/INSERT INTO _agents_kv (key, value) VALUES (?1, ?2) \
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "/*agents*/DELETE FROM _agents_kv WHERE key = ?1";
const DELETE_ALL: &str = "/*agents*/DELETE FROM _agents_kv";
const UP: &str = "/*agents*/SELECT key, value FROM _agents_kv \
    WHERE key >= ?1 ORDER BY key LIMIT ?2";
const UP_TO: &str = "/*agents*/SELECT key, value FROM _agents_kv \
    WHERE key >= ?1 AND key < ?3 ORDER BY key LIMIT ?2";
const DOWN: &str = "/*agents*/SELECT key, value FROM _agents_kv \
    WHERE key >= ?1 ORDER BY key DESC LIMIT ?2";
const DOWN_FROM: &str = "/*agents*/SELECT key, value FROM _agents_kv \
    WHERE key >= ?1 AND key < ?3 ORDER BY key DESC LIMIT ?2";

/// A range of entries to list. Without further calls the range has all entries.
///
/// Keys are ordered by their UTF-8 bytes.
///
/// ```
/// use agents_core::storage::KvRange;
///
/// let newest = KvRange::prefix("message:").reversed().limit(20);
/// # let _ = newest;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvRange {
    start: Option<String>,
    start_after: Option<String>,
    end: Option<String>,
    prefix: Option<String>,
    reverse: bool,
    limit: Option<usize>,
}

impl KvRange {
    /// Returns the range of all entries.
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the range of the entries whose keys begin with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..Self::default() }
    }

    /// Limits the range to keys from `key` on.
    #[must_use]
    pub fn start(mut self, key: impl Into<String>) -> Self {
        self.start = Some(key.into());
        self
    }

    /// Limits the range to keys behind `key`.
    #[must_use]
    pub fn start_after(mut self, key: impl Into<String>) -> Self {
        self.start_after = Some(key.into());
        self
    }

    /// Limits the range to keys before `key`.
    #[must_use]
    pub fn end(mut self, key: impl Into<String>) -> Self {
        self.end = Some(key.into());
        self
    }

    /// Reverses the order: from the last key to the first.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Limits the number of entries to `count`.
    #[must_use]
    pub fn limit(mut self, count: usize) -> Self {
        self.limit = Some(count);
        self
    }

    /// Returns the first key of the range.
    fn lowest(&self) -> String {
        // No key lies between a key and the same key followed by a NUL.
        let behind = self.start_after.as_ref().map(|key| format!("{key}\0"));
        [self.start.clone(), self.prefix.clone(), behind].into_iter().flatten().max().unwrap_or_default()
    }

    /// Returns the first key behind the range.
    fn highest(&self) -> Option<String> {
        let behind = self.prefix.as_deref().and_then(successor);
        match (self.end.clone(), behind) {
            (Some(end), Some(behind)) => Some(end.min(behind)),
            (end, behind) => end.or(behind),
        }
    }
}

/// Returns the first text behind all texts that begin with `prefix`, or `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut out = prefix.to_owned();
    while let Some(last) = out.pop() {
        let next = match last {
            // The values in between are not characters.
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            out.push(next);
            return Some(out);
        }
    }
    None
}

impl Store {
    /// Returns the value of a key as JSON text.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_get(&mut self, key: &str) -> Result<Option<Bytes>> {
        let result = self.found().and_then(|parts| match parts {
            Some(mut parts) => parts.read_one(GET, (key,)),
            None => Ok(None),
        });
        self.poison_on_fatal(result)
    }

    /// Sets the value of a key. The value is JSON text.
    ///
    /// # Errors
    /// Fails with [`StorageError::TooBig`], [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_put(&mut self, key: &str, json: &[u8]) -> Result<()> {
        self.check()?;
        for (what, size, limit) in [
            ("the key", key.len(), KEY_BYTES),
            ("the key with its value", key.len() + json.len(), ENTRY_BYTES),
        ] {
            if size > limit {
                return Err(StorageError::TooBig { what, size, limit });
            }
        }
        self.write(PUT, (key, Json(json))).map(|_| ())
    }

    /// Removes a key. Returns whether it existed.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_delete(&mut self, key: &str) -> Result<bool> {
        self.write_if_there(DELETE, (key,)).map(|removed| removed > 0)
    }

    /// Removes all keys. Returns the number of removed keys.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_delete_all(&mut self) -> Result<u64> {
        self.write_if_there(DELETE_ALL, ())
    }

    /// Returns keys with their values as JSON text.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_list(&mut self, range: &KvRange) -> Result<Vec<(String, Bytes)>> {
        let limit = range.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let highest = range.highest();
        let sql = match (&highest, range.reverse) {
            (None, false) => UP,
            (Some(_), false) => UP_TO,
            (None, true) => DOWN,
            (Some(_), true) => DOWN_FROM,
        };
        let mut params = vec![Value::Text(range.lowest()), Value::Integer(limit)];
        params.extend(highest.map(Value::Text));
        let result = self.found().and_then(|parts| {
            let Some(parts) = parts else { return Ok(Vec::new()) };
            parts.metrics.statement();
            let rows: rusqlite::Result<Vec<_>> =
                parts.connection.prepare_cached(sql).and_then(|mut statement| {
                    statement
                        .query_map(rusqlite::params_from_iter(params), |row| {
                            Ok((row.get(0)?, Bytes::copy_from_slice(row.get_ref(1)?.as_bytes()?)))
                        })?
                        .collect()
                });
            let rows = rows.map_err(|error| SqlError::from_sqlite(error, sql))?;
            parts.metrics.rows_read(rows.len() as u64);
            Ok(rows)
        });
        self.poison_on_fatal(result)
    }
}
