//! Tests of the layer as a whole. The parts of a single file are tested beside it.

mod alarm_index;
mod file;
mod sql;
mod store;
mod tables;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;

use super::sql::{Column, Params, Rows, Savepoint, Sql, SqlBackend, SqlReadBackend};
use super::{
    DataFolder, Faults, Kv, KvBackend, KvRange, KvReadBackend, SqlErrorKind, StorageError, Store,
    StoreOptions,
};

/// A store in a folder of its own, used in the same way as by an agent.
struct Bench {
    store: RefCell<Option<Store>>,
    read_only: bool,
    options: StoreOptions,
    faults: Arc<Faults>,
    folder: DataFolder,
    _root: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(StoreOptions::default())
    }

    fn with(mut options: StoreOptions) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(root.path()).unwrap();
        let faults = Arc::new(Faults::default());
        options.faults = Some(Arc::clone(&faults));
        let store = folder.open_store("room", "lobby", &options).unwrap();
        Self { store: RefCell::new(Some(store)), read_only: false, options, faults, folder, _root: root }
    }

    /// Runs `f` on the store.
    fn on<R>(&self, f: impl FnOnce(&mut Store) -> R) -> R {
        f(self.store.borrow_mut().as_mut().unwrap())
    }

    /// Runs `f` as a separate turn.
    fn turn<R>(&self, f: impl FnOnce(&Sql<'_>) -> R) -> R {
        self.on(Store::begin_turn).unwrap();
        let value = f(&self.sql());
        self.on(Store::end_turn).unwrap();
        value
    }

    fn commit(&self) -> Option<u64> {
        self.on(Store::commit).unwrap().map(|lsn| lsn.0)
    }

    fn statements(&self) -> u64 {
        self.on(|store| store.statements())
    }

    fn sql(&self) -> Sql<'_> {
        Sql::new(self)
    }

    fn kv(&self) -> Kv<'_> {
        Kv::new(self)
    }

    /// Drops the store, as after a crash of the object, and opens the file again.
    fn reopen(&self) {
        self.store.borrow_mut().take();
        let store = self.folder.open_store("room", "lobby", &self.options).unwrap();
        *self.store.borrow_mut() = Some(store);
    }

    fn numbers(&self) -> Vec<i64> {
        self.sql().query("SELECT n FROM t ORDER BY n", ()).unwrap()
    }

    /// Returns a store with the table that the tests of turns use.
    fn with_table() -> Self {
        let bench = Self::new();
        bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", ()).unwrap());
        bench.commit();
        bench
    }
}

fn insert(sql: &Sql<'_>, n: i64) {
    assert_eq!(sql.execute("INSERT INTO t (n) VALUES (?1)", (n,)).unwrap(), 1);
}

/// Returns the storage error inside an error for handlers.
fn storage(error: &crate::Error) -> &StorageError {
    error.downcast_ref().unwrap_or_else(|| panic!("not from storage: {error}"))
}

fn kind(error: &crate::Error) -> SqlErrorKind {
    match storage(error) {
        StorageError::Sql(error) => error.kind,
        other => panic!("not from SQLite: {other}"),
    }
}

impl SqlReadBackend for Bench {
    fn query(&self, sql: &str, params: &[Column], most: usize) -> crate::Result<Rows> {
        self.on(|store| store.query(sql, params, self.read_only, most)).map_err(StorageError::into_error)
    }
}

impl SqlBackend for Bench {
    fn execute(&self, sql: &str, params: &[Column]) -> crate::Result<u64> {
        self.on(|store| store.execute(sql, params, self.read_only)).map_err(StorageError::into_error)
    }

    fn execute_batch(&self, sql: &str) -> crate::Result<()> {
        self.on(|store| store.execute_batch(sql, self.read_only)).map_err(StorageError::into_error)
    }

    fn savepoint(&self, step: Savepoint) -> crate::Result<()> {
        self.on(|store| match step {
            Savepoint::Push => store.savepoint_push(),
            Savepoint::Release => store.savepoint_release(),
            Savepoint::Rollback => store.savepoint_rollback(),
        })
        .map_err(StorageError::into_error)
    }
}

impl KvReadBackend for Bench {
    fn get(&self, key: &str) -> crate::Result<Option<Bytes>> {
        self.on(|store| store.kv_get(key)).map_err(StorageError::into_error)
    }

    fn list(&self, range: &KvRange) -> crate::Result<Vec<(String, Bytes)>> {
        self.on(|store| store.kv_list(range)).map_err(StorageError::into_error)
    }
}

impl KvBackend for Bench {
    fn put(&self, key: &str, json: &[u8]) -> crate::Result<()> {
        self.on(|store| store.kv_put(key, json)).map_err(StorageError::into_error)
    }

    fn delete(&self, key: &str) -> crate::Result<bool> {
        self.on(|store| store.kv_delete(key)).map_err(StorageError::into_error)
    }

    fn delete_all(&self) -> crate::Result<u64> {
        self.on(Store::kv_delete_all).map_err(StorageError::into_error)
    }

    fn savepoint(&self, step: Savepoint) -> crate::Result<()> {
        SqlBackend::savepoint(self, step)
    }
}

/// Returns the value of a query with one column and one row.
fn one<T: super::sql::FromRow>(bench: &Bench, sql: &str, params: impl Params) -> T {
    bench.sql().query_one(sql, params).unwrap()
}

/// Makes a new data folder.
fn data_folder() -> (DataFolder, TempDir) {
    let root = tempfile::tempdir().unwrap();
    (DataFolder::open(root.path()).unwrap(), root)
}

/// Runs `work` as a turn and commits it.
fn in_turn<R>(store: &mut Store, work: impl FnOnce(&mut Store) -> R) -> R {
    store.begin_turn().unwrap();
    let value = work(store);
    store.end_turn().unwrap();
    store.commit().unwrap();
    value
}
