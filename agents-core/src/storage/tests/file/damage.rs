//! Tests of damaged databases: an object with a truncated or zeroed file never starts from nothing.

use std::fs;
use std::path::Path;

use crate::storage::file::clean_close::{WalStatus, is_new};
use crate::storage::file::create::suffixed;
use crate::storage::tests::*;
use crate::storage::{Alarm, Result};

const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// The files of an object: a database, and its log if there is one.
struct Found {
    what: &'static str,
    database: Vec<u8>,
    log: Option<Vec<u8>>,
}

impl Found {
    fn take(what: &'static str, path: &Path) -> Self {
        assert!(!is_new(path), "{what}");
        Self { what, database: fs::read(path).unwrap(), log: fs::read(suffixed(path, "-wal")).ok() }
    }
}

fn write(store: &mut Store, n: i64) {
    in_turn(store, |store| {
        if n == 1 {
            store.execute_batch("CREATE TABLE t (n INTEGER, filler BLOB)", false).unwrap();
        }
        let row = [Column::Integer(n), Column::Blob(vec![7; 600])];
        store.execute("INSERT INTO t VALUES (?1, ?2)", &row, false).unwrap();
        store.kv_put("n", n.to_string().as_bytes()).unwrap();
        store.stage_state(Some(n.to_string().into())).unwrap();
        store.set_alarm(Alarm { at: 5, retries: 0 }).unwrap();
    });
    store.sync_handle().unwrap().sync().unwrap();
}

/// Returns all states in which a file with promised content can be found.
fn all_found() -> Vec<Found> {
    let (folder, _root) = data_folder();
    let path = folder.store_path("room", "a");
    let lazy = || folder.store("room", "a", &StoreOptions::default());
    let mut all = Vec::new();
    let mut store = lazy();
    write(&mut store, 1);
    store.abandon();
    all.push(Found::take("killed, all of it in the log", &path));
    let mut store = lazy();
    store.warm().unwrap();
    store.sync_handle().unwrap().sync().unwrap();
    store.abandon();
    assert_eq!(WalStatus::of(&path), WalStatus::Left { empty: true });
    all.push(Found::take("killed, nothing in the log", &path));
    lazy().warm().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    all.push(Found::take("closed well", &path));
    let mut store = lazy();
    write(&mut store, 2);
    store.abandon();
    all.push(Found::take("killed, some of it in the log", &path));
    let tool = rusqlite::Connection::open(&path).unwrap();
    let _: i64 = tool.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap();
    tool.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Missing);
    all.push(Found::take("closed by another tool", &path));
    all
}

/// Returns the possible contents of a damaged database, each with a name.
fn damages(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let length = whole.len();
    let mut all = vec![("zeros".to_owned(), vec![0; length]), ("sevens".to_owned(), vec![7; length])];
    let cuts = [0, 1, 16, 99, 100, 511, 512, 4095, 4096, 4097, length - PAGE, length - SECTOR, length - 1];
    for cut in cuts {
        all.push((format!("cut to {cut}"), whole[..cut].to_vec()));
        all.push((format!("cut to {cut} zeros"), vec![0; cut]));
    }
    let mut blank = |what: &str, range: std::ops::Range<usize>| {
        let mut bytes = whole.to_vec();
        bytes[range.clone()].fill(0);
        all.push((format!("{what} {range:?} of zeros"), bytes));
    };
    for page in 0..length / PAGE {
        blank("page", page * PAGE..(page + 1) * PAGE);
        blank("rest", page * PAGE..length);
        blank("start", 0..(page + 1) * PAGE);
    }
    for sector in 0..length / SECTOR {
        blank("sector", sector * SECTOR..(sector + 1) * SECTOR);
    }
    all
}

/// Reads the data that an object reads at its start. Returns `true` if the object looks new. A single key
/// whose bytes are zero is another key, and only a check of the whole file would find that.
fn reads(store: &mut Store) -> Result<bool> {
    let state = store.state()?;
    store.kv_get("n")?;
    let alarms = store.alarms()?;
    Ok(state.is_none() || alarms.set.is_none())
}

#[test]
fn a_damaged_database_never_begins_from_nothing() {
    let mut refused = 0;
    for Found { what, database, log } in all_found() {
        for (damage, bytes) in damages(&database) {
            let case = format!("{what}, {damage}");
            let (folder, _root) = data_folder();
            let path = folder.store_path("room", "a");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
            if let Some(log) = &log {
                fs::write(suffixed(&path, "-wal"), log).unwrap();
            }
            let looked = DataFolder::look(folder.root(), "room", "a");
            assert_eq!(folder.list().unwrap().count(), 1, "{case}: the object is not listed");
            let mut store = folder.store("room", "a", &StoreOptions::default());
            assert!(store.exists(), "{case}");
            match store.warm() {
                Ok(()) => match reads(&mut store) {
                    Ok(new) => assert!(!new, "{case}: the object begins anew"),
                    Err(error) => assert_eq!(error.code(), "storage_corrupt", "{case}"),
                },
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.code(), "storage_corrupt", "{case}");
                    assert!(error.to_string().contains(&*path.to_string_lossy()), "{case}: {error}");
                    drop(store);
                    assert!(fs::read(&path).unwrap() == bytes, "{case}: the database was changed");
                    assert!(fs::read(suffixed(&path, "-wal")).ok() == log, "{case}: the log was changed");
                    let files = 1 + usize::from(log.is_some());
                    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), files, "{case}");
                    let damaged = matches!(looked, Err(StorageError::Damaged { .. }));
                    // The content of the log is not checked, only the pages that it covers.
                    assert!(damaged || log.as_ref().is_some_and(|log| log.len() > 4), "{case}: {looked:?}");
                }
            }
        }
    }
    assert!(refused > 100, "only {refused} were refused");
}

#[test]
fn a_database_that_is_gone_and_has_left_its_log_does_not_begin_from_nothing() {
    let (folder, _root) = data_folder();
    let path = folder.store_path("room", "a");
    let mut store = folder.store("room", "a", &StoreOptions::default());
    write(&mut store, 1);
    store.abandon();
    let log = fs::read(suffixed(&path, "-wal")).unwrap();
    fs::remove_file(&path).unwrap();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert_eq!(store.state().unwrap_err().code(), "storage_corrupt");
    drop(store);
    let error = folder.open_store("room", "a", &StoreOptions::default()).unwrap_err();
    assert!(matches!(&error, StorageError::Damaged { .. }), "{error}");
    assert!(fs::read(suffixed(&path, "-wal")).unwrap() == log);
    // Without the log too, the object counts as one that never existed.
    fs::remove_file(suffixed(&path, "-wal")).unwrap();
    folder.open_store("room", "a", &StoreOptions::default()).unwrap();
}

#[test]
fn an_alarm_is_read_without_a_trace() {
    for Found { what, database, log } in all_found() {
        let (folder, _root) = data_folder();
        let path = folder.store_path("room", "a");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &database).unwrap();
        if let Some(log) = &log {
            fs::write(suffixed(&path, "-wal"), log).unwrap();
        }
        assert_eq!(folder.alarm("room", "a").unwrap(), Some(Alarm { at: 5, retries: 0 }), "{what}");
        assert!(fs::read(&path).unwrap() == database, "{what}");
        assert!(fs::read(suffixed(&path, "-wal")).ok() == log, "{what}");
    }
    let (folder, _root) = data_folder();
    assert_eq!(folder.alarm("room", "none").unwrap(), None);
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert_eq!(folder.alarm("room", "a").unwrap_err().code(), "storage_busy");
    drop(store);
    assert_eq!(folder.alarm("room", "a").unwrap(), None);
}
