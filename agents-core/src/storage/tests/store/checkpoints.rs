//! Tests of checkpoints that break off in the middle.

use crate::storage::file::clean_close::MARK;
use crate::storage::file::create::suffixed;
use crate::storage::tests::*;

fn database(bench: &Bench) -> std::path::PathBuf {
    bench.folder.store_path("room", "lobby")
}

fn content(bench: &Bench) -> (Vec<u8>, Vec<u8>) {
    let path = database(bench);
    (std::fs::read(&path).unwrap(), std::fs::read(suffixed(&path, "-wal")).unwrap())
}

/// Writes rows of several pages each, with one commit for each row.
fn fill(bench: &Bench, rows: std::ops::Range<i64>) {
    for n in rows {
        bench.turn(|sql| {
            sql.execute("INSERT INTO t VALUES (?1, randomblob(10000))", (n,)).unwrap();
            sql.execute("UPDATE t SET filler = randomblob(10000) WHERE n = ?1 - 3", (n,)).unwrap();
        });
        bench.commit();
    }
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filler BLOB)", ()).unwrap());
    bench.commit();
    fill(&bench, 0..20);
    bench.on(Store::checkpoint).unwrap();
    fill(&bench, 20..40);
    bench
}

fn check(bench: &Bench, rows: i64) {
    assert_eq!(bench.numbers(), (0..rows).collect::<Vec<_>>());
    let whole = bench.on(|store| {
        let connection = store.opened().unwrap().connection;
        connection.query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0)).unwrap()
    });
    assert_eq!(whole, "ok");
}

#[test]
fn a_checkpoint_that_a_broken_disk_breaks_off_ends_the_store_and_loses_nothing() {
    let bench = bench();
    let (before, log) = content(&bench);
    bench.faults.break_checkpoints(1);
    let error = bench.on(Store::checkpoint).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Some(SqlErrorKind::Io), "storage_io"));
    let (half, kept) = content(&bench);
    assert!(half != before && kept == log, "a part was moved, and the log is there");
    assert!(matches!(bench.on(Store::begin_turn), Err(StorageError::Poisoned)));
    bench.store.borrow_mut().take();
    assert_eq!(content(&bench), (half, log), "closing does not try again");
    bench.reopen();
    check(&bench, 40);
    bench.reopen();
    assert_eq!(content(&bench).1.len() as u64, MARK);
    check(&bench, 40);
}

#[test]
fn a_checkpoint_that_a_full_disk_breaks_off_is_made_later() {
    let bench = bench();
    let (before, _) = content(&bench);
    bench.faults.fail_checkpoints(1);
    bench.on(Store::checkpoint).unwrap();
    assert_ne!(content(&bench).0, before, "a part was moved");
    check(&bench, 40);
    fill(&bench, 40..50);
    check(&bench, 50);
    bench.on(Store::checkpoint).unwrap();
    fill(&bench, 50..51);
    check(&bench, 51);
    bench.reopen();
    check(&bench, 51);
}

#[test]
fn a_store_whose_last_checkpoint_breaks_off_is_not_marked_as_closed_well() {
    for full in [false, true] {
        let bench = bench();
        let (before, log) = content(&bench);
        match full {
            true => bench.faults.fail_checkpoints(1),
            false => bench.faults.break_checkpoints(1),
        }
        let store = bench.store.borrow_mut().take().unwrap();
        store.close().unwrap_err();
        let (half, kept) = content(&bench);
        assert!(half != before && kept == log);
        bench.reopen();
        check(&bench, 40);
    }
}

#[test]
fn a_store_whose_first_checkpoint_breaks_off_is_not_opened() {
    let bench = bench();
    bench.store.borrow_mut().take().unwrap().abandon();
    let (_, log) = content(&bench);
    for code in ["storage_full", "storage_io"] {
        match code {
            "storage_full" => bench.faults.fail_checkpoints(1),
            _ => bench.faults.break_checkpoints(1),
        }
        let error = bench.folder.open_store("room", "lobby", &bench.options).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(content(&bench).1, log);
    }
    bench.reopen();
    check(&bench, 40);
}

#[test]
fn a_store_may_want_its_checkpoints_sooner() {
    let faults = Arc::new(Faults::default());
    faults.checkpoint_at(3);
    let options = StoreOptions { faults: Some(faults), ..StoreOptions::default() };
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &options);
    let mut written = 0;
    while !store.wants_checkpoint() {
        written += 1;
        in_turn(&mut store, |store| store.kv_put("k", &[written; 100]).unwrap());
    }
    assert!(written <= 3, "{written} pages");
    store.checkpoint().unwrap();
    assert!(!store.wants_checkpoint());
}
