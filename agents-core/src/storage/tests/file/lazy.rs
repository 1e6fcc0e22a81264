//! Tests of stores that open their file when it is needed.

use crate::storage::file::create::suffixed;
use crate::storage::tests::*;

#[test]
fn reading_makes_no_file() {
    let (folder, root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    store.begin_turn().unwrap();
    assert_eq!(store.state().unwrap(), None);
    assert_eq!(store.props().unwrap(), None);
    assert_eq!(store.settings().unwrap(), None);
    assert_eq!(store.alarms().unwrap().set, None);
    assert_eq!(store.kv_get("k").unwrap(), None);
    assert!(store.kv_list(&KvRange::all()).unwrap().is_empty());
    assert!(!store.kv_delete("k").unwrap());
    assert_eq!(store.kv_delete_all().unwrap(), 0);
    store.delete_alarm().unwrap();
    store.savepoint_push().unwrap();
    store.savepoint_rollback().unwrap();
    store.end_turn().unwrap();
    assert!(!store.has_uncommitted() && !store.alarm_changed());
    assert_eq!(store.commit().unwrap(), None);
    store.warm().unwrap();
    store.sync_handle().unwrap().sync().unwrap();
    assert!(!store.is_open() && !store.exists() && !store.needs_recovery());
    assert_eq!(store.statements(), 0);
    store.close().unwrap();
    assert!(!root.path().join("room").exists());
    assert!(!folder.contains("room", "a"));
}

#[test]
fn whatever_writes_makes_the_file() {
    type Write = fn(&mut Store);
    let writes: [(&str, Write); 6] = [
        ("kv", |store| store.kv_put("k", b"1").unwrap()),
        ("alarm", |store| store.set_alarm(crate::storage::Alarm { at: 1, retries: 0 }).unwrap()),
        ("props", |store| store.put_props("1".to_owned()).unwrap()),
        ("settings", |store| store.put_settings("1".to_owned()).unwrap()),
        ("query", |store| drop(store.query("SELECT 1", &[], true, 1).unwrap())),
        ("batch", |store| store.execute_batch("CREATE TABLE t (n)", false).unwrap()),
    ];
    for (what, write) in writes {
        let (folder, _root) = data_folder();
        let mut store = folder.store("room", "a", &StoreOptions::default());
        store.begin_turn().unwrap();
        write(&mut store);
        assert!(store.is_open() && store.exists(), "{what}");
        store.end_turn().unwrap();
    }
}

#[test]
fn a_staged_state_makes_the_file_at_the_commit() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    store.begin_turn().unwrap();
    store.stage_state(Some(Bytes::from_static(b"1"))).unwrap();
    store.rollback_turn().unwrap();
    assert_eq!(store.commit().unwrap(), None);
    assert!(!store.exists());
    store.begin_turn().unwrap();
    store.stage_state(Some(Bytes::from_static(b"2"))).unwrap();
    store.end_turn().unwrap();
    assert!(!store.exists() && store.has_uncommitted());
    assert!(store.commit().unwrap().is_some());
    assert!(store.exists());
    drop(store);
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert!(!store.is_open());
    assert_eq!(store.state().unwrap(), Some(Bytes::from_static(b"2")));
    assert!(store.is_open());
}

#[test]
fn taking_a_state_away_that_never_was_is_a_commit_without_a_file() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    store.stage_state(None).unwrap();
    assert!(store.commit().unwrap().is_some());
    store.sync_handle().unwrap().sync().unwrap();
    assert!(!store.exists());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    // The earlier handle had nothing to flush, and the next one has.
    store.sync_handle().unwrap().sync().unwrap();
    store.close().unwrap();
    assert!(folder.contains("room", "a"));
}

#[test]
fn a_turn_that_made_the_file_can_be_undone() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    store.begin_turn().unwrap();
    store.kv_put("a", b"1").unwrap();
    store.savepoint_push().unwrap();
    store.kv_put("b", b"1").unwrap();
    store.savepoint_rollback().unwrap();
    assert_eq!(store.kv_list(&KvRange::all()).unwrap().len(), 1);
    store.rollback_turn().unwrap();
    assert!(store.kv_list(&KvRange::all()).unwrap().is_empty());
    assert_eq!(store.commit().unwrap(), None);
    store.close().unwrap();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert_eq!(store.kv_get("a").unwrap(), None);
}

#[test]
fn a_store_that_cannot_open_its_file_says_so_at_the_first_use() {
    let (folder, _root) = data_folder();
    let path = folder.store_path("room", "a");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this is not a database, whatever it is. ".repeat(200)).unwrap();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert!(store.exists());
    assert_eq!(store.warm().unwrap_err().code(), "storage_corrupt");
    assert_eq!(store.state().unwrap_err().code(), "storage_corrupt");
    assert!(matches!(store.state(), Err(StorageError::Poisoned)));
}

#[test]
fn an_abandoned_store_leaves_its_log_and_loses_what_was_not_committed() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("a", b"1").unwrap());
    store.begin_turn().unwrap();
    store.kv_put("b", b"1").unwrap();
    store.abandon();
    let log = suffixed(&folder.store_path("room", "a"), "-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0);

    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert!(store.needs_recovery());
    store.warm().unwrap();
    assert!(store.is_open() && !store.needs_recovery());
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(store.kv_list(&KvRange::all()).unwrap(), [("a".to_owned(), Bytes::from_static(b"1"))]);
    folder.store("room", "never", &StoreOptions::default()).abandon();
}

#[test]
fn the_first_commit_flushes_nothing_however_the_log_was_found() {
    let (folder, _root) = data_folder();
    let open = || folder.store("room", "a", &StoreOptions::default());
    let flushes = |store: &mut Store| -> bool {
        let connection = store.opened().unwrap().connection;
        connection.query_row("PRAGMA synchronous", (), |row| row.get(0)).unwrap()
    };
    let write = |store: &mut Store| in_turn(store, |store| store.kv_put("k", b"1").unwrap());
    let mut store = open();
    assert!(!flushes(&mut store), "a new one");
    store.abandon();
    let log = suffixed(&folder.store_path("room", "a"), "-wal");
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    let mut store = open();
    assert!(!flushes(&mut store), "an empty one that a crash left");
    write(&mut store);
    assert!(flushes(&mut store), "a checkpoint needs it");
    store.abandon();
    let mut store = open();
    assert!(!flushes(&mut store), "one that was emptied");
    write(&mut store);
    store.close().unwrap();
    assert!(!flushes(&mut open()), "one that was closed cleanly");
}

#[test]
fn a_store_counts_what_it_does() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert_eq!(store.counters(), crate::storage::StoreCounters::default());
    in_turn(&mut store, |store| {
        store.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2), (3)", false).unwrap();
        store.kv_put("k", b"1").unwrap();
        store.stage_state(Some(Bytes::from_static(b"1"))).unwrap();
    });
    let counters = store.counters();
    assert_eq!((counters.commits, counters.rows_read, counters.rows_written), (1, 0, 5));
    store.query("SELECT n FROM t", &[], true, usize::MAX).unwrap();
    store.query("SELECT n FROM t", &[], true, 1).unwrap();
    store.kv_get("k").unwrap();
    store.kv_get("none").unwrap();
    store.kv_list(&KvRange::all()).unwrap();
    assert_eq!(store.counters().rows_read, 3 + 1 + 1 + 1);
    in_turn(&mut store, |store| {
        store.execute("DELETE FROM t WHERE n < 3", &[], false).unwrap();
        store.kv_delete("k").unwrap();
    });
    assert_eq!((store.counters().commits, store.counters().rows_written), (2, 8));
}

/// The test runs once more as a process of its own, which may open few files.
#[cfg(unix)]
#[test]
fn a_process_with_too_many_open_files_has_a_code_for_it() {
    use std::process::Command;

    const FOLDER: &str = "AGENTS_TEST_FOLDER_OF_FEW_FILES";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = DataFolder::open(folder).unwrap();
        let mut store = folder.store("room", "a", &StoreOptions::default());
        let mut held = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            held.push(file);
        }
        assert_eq!(store.warm().unwrap_err().code(), "storage_open_files");
        held.clear();
        store.warm().unwrap();
        return;
    }
    let (folder, root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    store.commit().unwrap();
    store.close().unwrap();
    drop(folder);
    let name = concat!(module_path!(), "::a_process_with_too_many_open_files_has_a_code_for_it");
    let name = name.split_once("::").unwrap().1;
    let child = Command::new("sh")
        .args(["-c", r#"ulimit -n 64 && exec "$0" --exact "$1""#])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(FOLDER, root.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn errors_of_the_disk_are_told_apart() {
    let bench = Bench::with_table();
    bench.faults.fail_writes(1);
    let error = bench.on(|store| store.kv_put("k", b"1")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Some(SqlErrorKind::Full), "storage_full"));
    bench.reopen();
    bench.faults.break_writes(1);
    let error = bench.on(|store| store.kv_put("k", b"1")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Some(SqlErrorKind::Io), "storage_io"));
    assert!(bench.on(|store| store.is_poisoned()));
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert_eq!(SqlErrorKind::of_io(&full), SqlErrorKind::Full);
    for (error, kind) in [
        (std::io::ErrorKind::PermissionDenied.into(), SqlErrorKind::Permission),
        (std::io::ErrorKind::ReadOnlyFilesystem.into(), SqlErrorKind::Permission),
        (std::io::ErrorKind::NotFound.into(), SqlErrorKind::Io),
        #[cfg(unix)]
        (std::io::Error::from_raw_os_error(24), SqlErrorKind::OpenFiles),
        #[cfg(unix)]
        (std::io::Error::from_raw_os_error(13), SqlErrorKind::Permission),
    ] {
        assert_eq!(SqlErrorKind::of_io(&error), kind, "{error}");
        assert!(kind.is_of_system() && kind.is_fatal());
    }
    let error = StorageError::io("write", std::path::Path::new("a"), full);
    assert_eq!((error.kind(), error.code()), (Some(SqlErrorKind::Full), "storage_full"));
    for (code, kind) in [
        (rusqlite::ffi::SQLITE_FULL, SqlErrorKind::Full),
        (rusqlite::ffi::SQLITE_IOERR, SqlErrorKind::Io),
        (rusqlite::ffi::SQLITE_IOERR_FSYNC, SqlErrorKind::Io),
        (rusqlite::ffi::SQLITE_CORRUPT, SqlErrorKind::Corrupt),
        (rusqlite::ffi::SQLITE_READONLY, SqlErrorKind::Permission),
        (rusqlite::ffi::SQLITE_READONLY_DBMOVED, SqlErrorKind::Io),
        (rusqlite::ffi::SQLITE_PERM, SqlErrorKind::Permission),
        (rusqlite::ffi::SQLITE_CANTOPEN, SqlErrorKind::CannotOpen),
    ] {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert_eq!(crate::storage::SqlError::from_sqlite(error, "").kind, kind);
    }
}
