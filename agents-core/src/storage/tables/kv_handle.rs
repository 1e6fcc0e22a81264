//! The way from a handler to its object's keys and values.

use bytes::Bytes;

use super::kv::KvRange;
use super::stored::{from_stored, to_stored};
use crate::storage::error::StorageError;
use crate::storage::sql::{Savepoint, Undo};
use crate::wire::Wire;

/// What a [`KvReader`] needs: something that reaches a store on behalf of a caller.
pub trait KvReadDoor {
    /// Returns the value of a key, JSON text.
    ///
    /// # Errors
    /// When storage fails.
    fn get(&self, key: &str) -> crate::Result<Option<Bytes>>;

    /// Lists keys with their values, JSON text.
    ///
    /// # Errors
    /// When storage fails.
    fn list(&self, range: &KvRange) -> crate::Result<Vec<(String, Bytes)>>;
}

/// What a [`Kv`] needs: a door through which a caller also writes.
pub trait KvDoor: KvReadDoor {
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
        read(self.door, key)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// When storage fails, the entry is too large (2 KiB a key, 2 MiB with its value), or the
    /// caller may not write; `storage_json` when the value could not be read again, such as one with NaN in it.
    pub fn put<T: Wire>(&self, key: &str, value: &T) -> crate::Result<()> {
        let json = to_stored(value).map_err(|source| json_error(key, source))?;
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
        read_range(self.door, &range)
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

/// An object's keys and values, for reading alone: what a [`View`](crate::View) gives.
#[derive(Clone, Copy)]
pub struct KvReader<'a> {
    door: &'a (dyn KvReadDoor + 'a),
}

impl std::fmt::Debug for KvReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvReader").finish_non_exhaustive()
    }
}

impl<'a> KvReader<'a> {
    /// Makes one that goes through `door`.
    pub fn new(door: &'a (dyn KvReadDoor + 'a)) -> Self {
        Self { door }
    }

    /// Returns the value of a key; `None` if it has none.
    ///
    /// # Errors
    /// When storage fails, or the value is not a `T`.
    pub fn get<T: Wire>(&self, key: &str) -> crate::Result<Option<T>> {
        read(self.door, key)
    }

    /// Lists keys with their values, in the order of the keys' bytes.
    ///
    /// # Errors
    /// When storage fails, or a value is not a `T`.
    pub fn list<T: Wire>(&self, range: KvRange) -> crate::Result<Vec<(String, T)>> {
        read_range(self.door, &range)
    }
}

fn read<T: Wire>(door: &(dyn KvReadDoor + '_), key: &str) -> crate::Result<Option<T>> {
    door.get(key)?.map(|json| decode(key, &json)).transpose()
}

fn read_range<T: Wire>(door: &(dyn KvReadDoor + '_), range: &KvRange) -> crate::Result<Vec<(String, T)>> {
    let decoded = |(key, json): (String, Bytes)| {
        let value = decode(&key, &json)?;
        Ok((key, value))
    };
    door.list(range)?.into_iter().map(decoded).collect()
}

fn decode<T: Wire>(key: &str, json: &[u8]) -> crate::Result<T> {
    from_stored(json).map_err(|source| json_error(key, source))
}

fn json_error(key: &str, source: serde_json::Error) -> crate::Error {
    StorageError::Json { key: key.to_owned(), source }.into_error()
}
