//! The key-value API of a handler for its object.

use bytes::Bytes;

use super::kv::KvRange;
use super::stored::{from_stored, to_stored};
use crate::storage::error::StorageError;
use crate::storage::sql::{Savepoint, SavepointGuard};
use crate::wire::Wire;

/// The access of a [`KvReader`] to a store, with the rights of a caller.
pub trait KvReadBackend {
    /// Returns the value of a key as JSON text.
    ///
    /// # Errors
    /// Fails when storage fails.
    fn get(&self, key: &str) -> crate::Result<Option<Bytes>>;

    /// Returns keys with their values as JSON text.
    ///
    /// # Errors
    /// Fails when storage fails.
    fn list(&self, range: &KvRange) -> crate::Result<Vec<(String, Bytes)>>;
}

/// The access of a [`Kv`] to a store, which also allows a caller to write.
pub trait KvBackend: KvReadBackend {
    /// Sets the value of a key. The value is JSON text.
    ///
    /// # Errors
    /// Fails when storage fails, the entry is too large, or the caller may not write.
    fn put(&self, key: &str, json: &[u8]) -> crate::Result<()>;

    /// Removes a key. Returns whether it existed.
    ///
    /// # Errors
    /// Fails when storage fails or the caller may not write.
    fn delete(&self, key: &str) -> crate::Result<bool>;

    /// Removes all keys. Returns the number of removed keys.
    ///
    /// # Errors
    /// Fails when storage fails or the caller may not write.
    fn delete_all(&self) -> crate::Result<u64>;

    /// Takes a step of a transaction.
    ///
    /// # Errors
    /// Fails when storage fails.
    fn savepoint(&self, step: Savepoint) -> crate::Result<()>;
}

/// The keys and values of an object.
#[derive(Clone, Copy)]
pub struct Kv<'a> {
    backend: &'a (dyn KvBackend + 'a),
}

impl std::fmt::Debug for Kv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kv").finish_non_exhaustive()
    }
}

impl<'a> Kv<'a> {
    /// Returns a handle that uses the given access to a store.
    pub fn new(backend: &'a (dyn KvBackend + 'a)) -> Self {
        Self { backend }
    }

    /// Returns the value of a key, or `None` if the key does not exist.
    ///
    /// # Errors
    /// Fails when storage fails, or the value is not a `T`.
    pub fn get<T: Wire>(&self, key: &str) -> crate::Result<Option<T>> {
        read(self.backend, key)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// Fails when storage fails, when the entry is too large (2 KiB for a key, 2 MiB with its value), or when
    /// the caller may not write. Fails with `storage_json` when the value could not be read again, such as a
    /// value that contains NaN.
    pub fn put<T: Wire>(&self, key: &str, value: &T) -> crate::Result<()> {
        let json = to_stored(value).map_err(|source| json_error(key, source))?;
        self.backend.put(key, json.as_bytes())
    }

    /// Removes a key. Returns whether it existed.
    ///
    /// # Errors
    /// Fails when storage fails or the caller may not write.
    pub fn delete(&self, key: &str) -> crate::Result<bool> {
        self.backend.delete(key)
    }

    /// Returns keys with their values, ordered by the bytes of the keys.
    ///
    /// # Errors
    /// Fails when storage fails, or a value is not a `T`.
    pub fn list<T: Wire>(&self, range: KvRange) -> crate::Result<Vec<(String, T)>> {
        read_range(self.backend, &range)
    }

    /// Removes all keys. Returns their number. Tables and the state stay.
    ///
    /// # Errors
    /// Fails when storage fails or the caller may not write.
    pub fn delete_all(&self) -> crate::Result<u64> {
        self.backend.delete_all()
    }

    /// Runs `body` as a transaction. If `body` fails or panics, all its writes are undone, including rows and
    /// a change of the state, and its messages are not sent. Transactions nest.
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
    /// Fails with the error of `body`, or when storage fails.
    pub fn transaction<R>(&self, body: impl FnOnce(&Self) -> crate::Result<R>) -> crate::Result<R> {
        let step = |step| self.backend.savepoint(step);
        SavepointGuard::around(&step, || body(self))
    }
}

/// The keys and values of an object for reading only, as a [`View`](crate::View) offers them.
#[derive(Clone, Copy)]
pub struct KvReader<'a> {
    backend: &'a (dyn KvReadBackend + 'a),
}

impl std::fmt::Debug for KvReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvReader").finish_non_exhaustive()
    }
}

impl<'a> KvReader<'a> {
    /// Returns a handle that uses the given access to a store.
    pub fn new(backend: &'a (dyn KvReadBackend + 'a)) -> Self {
        Self { backend }
    }

    /// Returns the value of a key, or `None` if the key does not exist.
    ///
    /// # Errors
    /// Fails when storage fails, or the value is not a `T`.
    pub fn get<T: Wire>(&self, key: &str) -> crate::Result<Option<T>> {
        read(self.backend, key)
    }

    /// Returns keys with their values, ordered by the bytes of the keys.
    ///
    /// # Errors
    /// Fails when storage fails, or a value is not a `T`.
    pub fn list<T: Wire>(&self, range: KvRange) -> crate::Result<Vec<(String, T)>> {
        read_range(self.backend, &range)
    }
}

fn read<T: Wire>(backend: &(dyn KvReadBackend + '_), key: &str) -> crate::Result<Option<T>> {
    backend.get(key)?.map(|json| decode(key, &json)).transpose()
}

fn read_range<T: Wire>(
    backend: &(dyn KvReadBackend + '_),
    range: &KvRange,
) -> crate::Result<Vec<(String, T)>> {
    let decoded = |(key, json): (String, Bytes)| {
        let value = decode(&key, &json)?;
        Ok((key, value))
    };
    backend.list(range)?.into_iter().map(decoded).collect()
}

fn decode<T: Wire>(key: &str, json: &[u8]) -> crate::Result<T> {
    from_stored(json).map_err(|source| json_error(key, source))
}

fn json_error(key: &str, source: serde_json::Error) -> crate::Error {
    StorageError::Json { key: key.to_owned(), source }.into_error()
}
