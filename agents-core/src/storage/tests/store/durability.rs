//! Tests of the log, of syncs, and of recovery after a crash.

use crate::storage::file::clean_close::MARK;
use crate::storage::file::create::suffixed;
use crate::storage::tests::*;

fn wal(bench: &Bench) -> std::path::PathBuf {
    suffixed(&bench.on(|store| store.path().to_owned()), "-wal")
}

/// Copies the files in their current state, which is the state after a crash.
fn crash_copy(bench: &Bench, to: &DataFolder) {
    let from = bench.on(|store| store.path().to_owned());
    let target = to.store_path("room", "lobby");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::copy(&from, &target).unwrap();
    std::fs::copy(suffixed(&from, "-wal"), suffixed(&target, "-wal")).unwrap();
}

#[cfg(unix)]
#[test]
fn the_log_stays_the_same_file_over_checkpoints_and_restarts() {
    use std::os::unix::fs::MetadataExt;

    let bench = Bench::with_table();
    bench.turn(|sql| sql.execute("CREATE TABLE b (v BLOB)", ()).unwrap());
    bench.commit();
    let handle = bench.on(Store::sync_handle).unwrap();
    let first = std::fs::metadata(wal(&bench)).unwrap();
    let mut largest = 0;
    // About 8 MB pass through a log that is checkpointed every 4 MB.
    for _ in 0..40 {
        bench.turn(|sql| sql.execute("INSERT INTO b VALUES (randomblob(200000))", ()).unwrap());
        bench.commit();
        handle.sync().unwrap();
        if bench.on(|store| store.wants_checkpoint()) {
            bench.on(Store::checkpoint).unwrap();
        }
        let now = std::fs::metadata(wal(&bench)).unwrap();
        assert_eq!(now.ino(), first.ino());
        assert!(now.len() >= largest, "the log was truncated");
        largest = now.len();
    }
    assert!(largest < 7_000_000, "the log never started again: {largest}");
    let database = std::fs::metadata(bench.on(|store| store.path().to_owned())).unwrap();
    assert!(database.len() > 3_000_000, "nothing was checkpointed");
}

#[test]
fn a_commit_never_moves_the_log_nor_begins_it_anew() {
    let bench = Bench::with_table();
    bench.turn(|sql| sql.execute("CREATE TABLE b (v BLOB)", ()).unwrap());
    let database = bench.on(|store| store.path().to_owned());
    let size = || std::fs::metadata(&database).unwrap().len();
    let header = || std::fs::read(wal(&bench)).unwrap()[..32].to_vec();
    let new = size();
    let write = || {
        bench.turn(|sql| sql.execute("INSERT INTO b VALUES (randomblob(500000))", ()).unwrap());
        bench.commit();
    };
    while !bench.on(|store| store.wants_checkpoint()) {
        write();
    }
    (0..10).for_each(|_| write());
    assert_eq!(size(), new, "nothing was moved");
    let before = header();
    bench.on(Store::checkpoint).unwrap();
    assert!(size() > 4_000_000, "all of it was moved");
    assert!(!bench.on(|store| store.wants_checkpoint()));
    let after = header();
    assert_ne!(after, before, "the log has begun anew, with its header flushed");
    write();
    assert_eq!(header(), after, "a commit does not have to flush the header");
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute("INSERT INTO b VALUES (1)", ()).unwrap();
    bench.on(Store::end_turn).unwrap();
    assert!(matches!(bench.on(Store::checkpoint), Err(StorageError::Misuse(_))), "a commit waits");
}

#[test]
fn a_commit_is_in_the_files_before_the_store_is_closed() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.turn(|_| bench.on(|store| store.stage_state(Some(Bytes::from_static(b"1")))).unwrap());
    bench.commit();
    bench.turn(|sql| insert(sql, 2));
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(elsewhere.path()).unwrap();
    crash_copy(&bench, &folder);

    let mut store = folder.open_store("room", "lobby", &StoreOptions::default()).unwrap();
    assert_eq!(store.state().unwrap(), Some(Bytes::from_static(b"1")));
    let rows = store.query("SELECT n FROM t", &[], true, usize::MAX).unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(numbers, [1]);
}

#[test]
fn what_a_crash_left_in_the_log_is_moved_into_the_database_first() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(elsewhere.path()).unwrap();
    crash_copy(&bench, &folder);
    let path = folder.store_path("room", "lobby");
    assert!(std::fs::metadata(suffixed(&path, "-wal")).unwrap().len() > 0);

    let _store = folder.open_store("room", "lobby", &StoreOptions::default()).unwrap();
    assert_eq!(std::fs::metadata(suffixed(&path, "-wal")).unwrap().len(), 0);
}

#[test]
fn a_torn_log_loses_the_last_commit_and_nothing_before() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    bench.turn(|sql| insert(sql, 2));
    bench.commit();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(elsewhere.path()).unwrap();
    crash_copy(&bench, &folder);
    let log = suffixed(&folder.store_path("room", "lobby"), "-wal");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() - 100]).unwrap();

    let mut store = folder.open_store("room", "lobby", &StoreOptions::default()).unwrap();
    let rows = store.query("SELECT n FROM t", &[], true, usize::MAX).unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(numbers, [1]);
}

#[test]
fn a_closed_store_is_one_file_and_a_mark() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    let log = wal(&bench);
    let handle = bench.on(Store::sync_handle).unwrap();
    assert!(log.exists());
    bench.store.borrow_mut().take().unwrap().close().unwrap();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), MARK);
    // A handle that outlives its store does nothing and does not fail.
    handle.sync().unwrap();
}

#[test]
fn a_failed_sync_is_told_and_the_store_opens_again() {
    let bench = Bench::with_table();
    let handle = bench.on(Store::sync_handle).unwrap();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    bench.faults.fail_syncs(1);
    handle.sync().unwrap_err();
    bench.on(Store::poison);
    assert!(matches!(bench.on(Store::begin_turn), Err(StorageError::Poisoned)));
    bench.reopen();
    bench.on(Store::sync_handle).unwrap().sync().unwrap();
    bench.turn(|sql| insert(sql, 2));
    bench.commit();
}

#[test]
fn a_process_wide_promise_needs_no_log_handle() {
    let options = StoreOptions { durability: crate::storage::Durability::Process, ..StoreOptions::default() };
    let bench = Bench::with(options);
    bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER)", ()).unwrap());
    bench.commit();
    bench.on(Store::sync_handle).unwrap().sync().unwrap();
    bench.reopen();
    assert!(bench.numbers().is_empty());
}

#[test]
fn handles_and_stores_cross_threads() {
    fn send<T: Send>() {}
    fn share<T: Send + Sync>() {}
    send::<Store>();
    share::<crate::storage::SyncHandle>();
    share::<DataFolder>();
    share::<StoreOptions>();
    share::<StorageError>();
}

#[test]
fn syncs_run_beside_commits() {
    let bench = Bench::with_table();
    let handle = bench.on(Store::sync_handle).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                handle.sync().unwrap();
            }
        });
        for n in 0..500 {
            bench.turn(|sql| insert(sql, n));
            bench.commit();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    bench.reopen();
    assert_eq!(bench.numbers().len(), 500);
}
