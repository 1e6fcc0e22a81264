//! Keys and values beside the rows.

use bytes::Bytes;
use rusqlite::types::Value;

use super::Result;
use super::error::{SqlError, StorageError};
use super::sql::{Savepoint, Undo};
use super::statement::Json;
use super::store::Store;
use crate::wire::{Wire, from_json, to_json};

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

/// Which entries to list: all of them, unless something narrows it down.
///
/// Keys are in the order of their UTF-8 bytes.
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
    /// All entries.
    pub fn all() -> Self {
        Self::default()
    }

    /// The entries whose keys begin with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..Self::default() }
    }

    /// Only keys from `key` on.
    #[must_use]
    pub fn start(mut self, key: impl Into<String>) -> Self {
        self.start = Some(key.into());
        self
    }

    /// Only keys behind `key`.
    #[must_use]
    pub fn start_after(mut self, key: impl Into<String>) -> Self {
        self.start_after = Some(key.into());
        self
    }

    /// Only keys before `key`.
    #[must_use]
    pub fn end(mut self, key: impl Into<String>) -> Self {
        self.end = Some(key.into());
        self
    }

    /// From the last key to the first.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Not more than `count` entries.
    #[must_use]
    pub fn limit(mut self, count: usize) -> Self {
        self.limit = Some(count);
        self
    }

    /// The first key that is high enough.
    fn lowest(&self) -> String {
        // Nothing lies between a key and the same key with a NUL behind it.
        let behind = self.start_after.as_ref().map(|key| format!("{key}\0"));
        [self.start.clone(), self.prefix.clone(), behind].into_iter().flatten().max().unwrap_or_default()
    }

    /// The first key that is too high.
    fn highest(&self) -> Option<String> {
        let behind = self.prefix.as_deref().and_then(successor);
        match (self.end.clone(), behind) {
            (Some(end), Some(behind)) => Some(end.min(behind)),
            (end, behind) => end.or(behind),
        }
    }
}

/// The first text behind all texts that begin with `prefix`; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut out = prefix.to_owned();
    while let Some(last) = out.pop() {
        let next = match last {
            // What lies between are no characters.
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
    /// Returns the value of a key, JSON text.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_get(&mut self, key: &str) -> Result<Option<Bytes>> {
        let result = self.found().and_then(|parts| match parts {
            Some(mut parts) => parts.read_one(GET, (key,)),
            None => Ok(None),
        });
        self.settle(result)
    }

    /// Sets the value of a key, JSON text.
    ///
    /// # Errors
    /// [`StorageError::TooBig`], [`StorageError::Poisoned`], or when SQLite fails.
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

    /// Removes a key; says whether it was there.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_delete(&mut self, key: &str) -> Result<bool> {
        self.write_if_there(DELETE, (key,)).map(|removed| removed > 0)
    }

    /// Removes all keys; returns how many there were.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`], or when SQLite fails.
    pub fn kv_delete_all(&mut self) -> Result<u64> {
        self.write_if_there(DELETE_ALL, ())
    }

    /// Lists keys with their values, JSON text.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`], or when SQLite fails.
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
            parts.counters.statements += 1;
            let rows: rusqlite::Result<Vec<_>> =
                parts.connection.prepare_cached(sql).and_then(|mut statement| {
                    statement
                        .query_map(rusqlite::params_from_iter(params), |row| {
                            Ok((row.get(0)?, Bytes::copy_from_slice(row.get_ref(1)?.as_bytes()?)))
                        })?
                        .collect()
                });
            let rows = rows.map_err(|error| SqlError::from_sqlite(error, sql))?;
            parts.counters.rows_read += rows.len() as u64;
            Ok(rows)
        });
        self.settle(result)
    }
}

/// What a [`Kv`] needs: something that reaches a store on behalf of a caller.
pub trait KvDoor {
    /// Returns the value of a key, JSON text.
    ///
    /// # Errors
    /// When storage fails.
    fn get(&self, key: &str) -> crate::Result<Option<Bytes>>;

    /// Sets the value of a key, JSON text.
    ///
    /// # Errors
    /// When storage fails, the entry is too large, or the caller may not write.
    fn put(&self, key: &str, json: &[u8]) -> crate::Result<()>;

    /// Removes a key; says whether it was there.
    ///
    /// # Errors
    /// When storage fails or the caller may not write.
    fn delete(&self, key: &str) -> crate::Result<bool>;

    /// Lists keys with their values, JSON text.
    ///
    /// # Errors
    /// When storage fails.
    fn list(&self, range: &KvRange) -> crate::Result<Vec<(String, Bytes)>>;

    /// Removes all keys; returns how many there were.
    ///
    /// # Errors
    /// When storage fails or the caller may not write.
    fn delete_all(&self) -> crate::Result<u64>;

    /// Takes a step of a transaction.
    ///
    /// # Errors
    /// When storage fails.
    fn savepoint(&self, step: Savepoint) -> crate::Result<()>;
}

/// An object's keys and values.
#[derive(Clone, Copy)]
pub struct Kv<'a> {
    door: &'a (dyn KvDoor + 'a),
}

impl std::fmt::Debug for Kv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kv").finish_non_exhaustive()
    }
}

impl<'a> Kv<'a> {
    /// Makes one that goes through `door`.
    pub fn new(door: &'a (dyn KvDoor + 'a)) -> Self {
        Self { door }
    }

    /// Returns the value of a key; `None` if it has none.
    ///
    /// # Errors
    /// When storage fails, or the value is not a `T`.
    pub fn get<T: Wire>(&self, key: &str) -> crate::Result<Option<T>> {
        self.door.get(key)?.map(|json| decode(key, &json)).transpose()
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// When storage fails, the entry is too large (2 KiB a key, 2 MiB with its value), or the
    /// caller may not write.
    pub fn put<T: Wire>(&self, key: &str, value: &T) -> crate::Result<()> {
        let json = to_json(value).map_err(|source| json_error(key, source))?;
        self.door.put(key, json.as_bytes())
    }

    /// Removes a key; says whether it was there.
    ///
    /// # Errors
    /// When storage fails or the caller may not write.
    pub fn delete(&self, key: &str) -> crate::Result<bool> {
        self.door.delete(key)
    }

    /// Lists keys with their values, in the order of the keys' bytes.
    ///
    /// # Errors
    /// When storage fails, or a value is not a `T`.
    pub fn list<T: Wire>(&self, range: KvRange) -> crate::Result<Vec<(String, T)>> {
        self.door
            .list(&range)?
            .into_iter()
            .map(|(key, json)| {
                let value = decode(&key, &json)?;
                Ok((key, value))
            })
            .collect()
    }

    /// Removes all keys; returns how many there were. Tables and the state stay.
    ///
    /// # Errors
    /// When storage fails or the caller may not write.
    pub fn delete_all(&self) -> crate::Result<u64> {
        self.door.delete_all()
    }

    /// Runs `body` as one: if it fails or panics, all it wrote is undone, rows and a changed state
    /// too, and what it sent is not sent. Transactions nest.
    ///
    /// ```
    /// # use agents_core::storage::Kv;
    /// # fn pay(kv: &Kv<'_>) -> agents_core::Result<()> {
    /// kv.transaction(|kv| {
    ///     let coins: u32 = kv.get("coins")?.unwrap_or(0);
    ///     kv.put("coins", &(coins + 1))?;
    ///     kv.put("paid", &true)
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `body` returns, or when storage fails.
    pub fn transaction<R>(&self, body: impl FnOnce(&Self) -> crate::Result<R>) -> crate::Result<R> {
        let step = |step| self.door.savepoint(step);
        Undo::around(&step, || body(self))
    }
}

fn decode<T: Wire>(key: &str, json: &[u8]) -> crate::Result<T> {
    std::str::from_utf8(json)
        .map_err(serde::de::Error::custom)
        .and_then(from_json)
        .map_err(|source| json_error(key, source))
}

fn json_error(key: &str, source: serde_json::Error) -> crate::Error {
    StorageError::Json { key: key.to_owned(), source }.into_error()
}
