//! Tests of the log that a clean close leaves, and of its use by the next store.

use std::fs;
use std::path::{Path, PathBuf};

use crate::storage::file::clean_close::{MARK, WalStatus};
use crate::storage::file::create::suffixed;
use crate::storage::tests::*;

const ONE: &[u8] = b"1";

fn log_of(path: &Path) -> PathBuf {
    suffixed(path, "-wal")
}

fn lazy(folder: &DataFolder) -> Store {
    folder.store("room", "a", &StoreOptions::default())
}

fn put(store: &mut Store, key: &str) {
    in_turn(store, |store| store.kv_put(key, ONE).unwrap());
}

fn keys(store: &mut Store) -> Vec<String> {
    store.kv_list(&KvRange::all()).unwrap().into_iter().map(|(key, _)| key).collect()
}

/// Makes an object with one key and closes it cleanly.
fn closed(folder: &DataFolder) -> PathBuf {
    let mut store = lazy(folder);
    put(&mut store, "a");
    store.close().unwrap();
    let path = folder.store_path("room", "a");
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    path
}

/// Returns whether the store treats its file as flushed.
fn trusted(store: &Store) -> bool {
    store.database.as_ref().unwrap().fresh.is_none()
}

#[cfg(unix)]
#[test]
fn sleeping_and_waking_keeps_the_file_of_the_log() {
    use std::os::unix::fs::MetadataExt;

    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let inode = fs::metadata(log_of(&path)).unwrap().ino();
    let mut expected = vec!["a".to_owned()];
    for n in 0..5 {
        let mut store = lazy(&folder);
        assert_eq!(keys(&mut store), expected);
        assert!(trusted(&store) && !store.needs_recovery());
        if n % 2 == 0 {
            expected.push(format!("b{n}"));
            put(&mut store, &expected[expected.len() - 1]);
            assert!(fs::metadata(log_of(&path)).unwrap().len() > MARK);
            store.sync_handle().unwrap().sync().unwrap();
        }
        // Closing undoes a turn that was not committed.
        store.begin_turn().unwrap();
        store.kv_put("z", ONE).unwrap();
        drop(store);
        let log = fs::metadata(log_of(&path)).unwrap();
        assert_eq!((log.ino(), log.len()), (inode, MARK));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }
}

#[test]
fn a_life_that_only_reads_changes_nothing() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let look = || {
        let of = |path: &Path| (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
        (of(&path), of(&log_of(&path)))
    };
    let before = look();
    let mut store = lazy(&folder);
    assert_eq!(keys(&mut store), ["a"]);
    store.close().unwrap();
    assert!(look() == before);
    // A store that failed or was abandoned changes nothing either.
    let mut store = lazy(&folder);
    store.warm().unwrap();
    store.poison();
    store.close().unwrap();
    let mut store = lazy(&folder);
    store.warm().unwrap();
    store.abandon();
    assert!(look() == before);
}

#[test]
fn a_file_without_a_log_gets_a_mark() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    for writes in [false, true] {
        fs::remove_file(log_of(&path)).unwrap();
        let mut store = lazy(&folder);
        store.warm().unwrap();
        assert!(trusted(&store));
        if writes {
            put(&mut store, "b");
        }
        store.close().unwrap();
        assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    }
    assert_eq!(keys(&mut lazy(&folder)), ["a", "b"]);
}

#[test]
fn a_kill_at_any_point_of_closing_is_recovered_from() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let mut store = lazy(&folder);
    put(&mut store, "b");
    let frames = fs::read(log_of(&path)).unwrap();
    let half = fs::read(&path).unwrap();
    store.close().unwrap();
    let whole = fs::read(&path).unwrap();
    assert!(half != whole);
    let points = [
        ("before the checkpoint", &half, Some(frames.clone())),
        ("before the truncation", &whole, Some(frames)),
        ("after the truncation", &whole, Some(Vec::new())),
        ("without a log", &whole, None),
        ("with a mark of other bytes", &whole, Some(b"what".to_vec())),
        ("with less than a mark", &whole, Some(b"wha".to_vec())),
        ("with less than a header", &whole, Some(vec![7; 31])),
        ("with an invalid header", &whole, Some(vec![7; 5000])),
    ];
    for (what, database, log) in points {
        fs::write(&path, database).unwrap();
        fs::remove_file(log_of(&path)).unwrap();
        let well = log.as_ref().is_none_or(|log| log.len() == 4);
        let recovers = log.as_ref().is_some_and(|log| !log.is_empty()) && !well;
        if let Some(log) = log {
            fs::write(log_of(&path), log).unwrap();
        }
        let mut store = lazy(&folder);
        assert_eq!(store.needs_recovery(), recovers, "{what}");
        assert_eq!(keys(&mut store), ["a", "b"], "{what}");
        assert_eq!(trusted(&store), well, "{what}");
        store.close().unwrap();
        assert_eq!(WalStatus::of(&path), WalStatus::Closed, "{what}");
        let mut store = lazy(&folder);
        assert_eq!(keys(&mut store), ["a", "b"], "{what}");
        assert!(trusted(&store), "{what}");
    }
}

#[test]
fn another_tool_may_use_a_closed_file() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let count = |tool: &rusqlite::Connection| -> i64 {
        tool.query_row("SELECT count(*) FROM _agents_kv", (), |row| row.get(0)).unwrap()
    };
    let tool = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(count(&tool), 1);
    tool.execute("INSERT INTO _agents_kv VALUES ('b', '1')", ()).unwrap();
    tool.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Missing);
    let mut store = lazy(&folder);
    assert_eq!(keys(&mut store), ["a", "b"]);
    put(&mut store, "c");
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    // A tool that switches off the log.
    let tool = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(count(&tool), 3);
    tool.execute_batch("PRAGMA journal_mode = DELETE; INSERT INTO _agents_kv VALUES ('d', '1')").unwrap();
    tool.close().unwrap();
    let mut store = lazy(&folder);
    assert_eq!(keys(&mut store), ["a", "b", "c", "d"]);
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    // A tool that dies: its writes are in the log.
    let tool = rusqlite::Connection::open(&path).unwrap();
    tool.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    tool.execute("INSERT INTO _agents_kv VALUES ('e', '1')", ()).unwrap();
    drop(tool);
    let mut store = lazy(&folder);
    assert!(store.needs_recovery());
    assert_eq!(keys(&mut store), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_file_that_others_may_have_open_is_closed_by_sqlite() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let options = StoreOptions { exclusive: false, ..StoreOptions::default() };
    let mut store = folder.store("room", "a", &options);
    put(&mut store, "b");
    let tool = rusqlite::Connection::open(&path).unwrap();
    tool.execute("INSERT INTO _agents_kv VALUES ('c', '1')", ()).unwrap();
    store.close().unwrap();
    // The frames of the other connection in the log were not overwritten.
    assert!(fs::metadata(log_of(&path)).unwrap().len() > MARK);
    tool.execute("INSERT INTO _agents_kv VALUES ('d', '1')", ()).unwrap();
    tool.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Missing);
    let mut store = folder.store("room", "a", &options);
    put(&mut store, "e");
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Missing);
    assert_eq!(keys(&mut lazy(&folder)), ["a", "b", "c", "d", "e"]);
}

#[test]
fn what_was_promised_to_the_process_only_is_marked_as_well() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    let options = StoreOptions { durability: crate::storage::Durability::Process, ..StoreOptions::default() };
    let mut store = folder.store("room", "a", &options);
    put(&mut store, "b");
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    let mut store = lazy(&folder);
    assert_eq!(keys(&mut store), ["a", "b"]);
    assert!(trusted(&store));
}

#[test]
fn what_is_in_the_log_without_a_commit_is_not_cut() {
    let (folder, _root) = data_folder();
    fs::remove_file(log_of(&closed(&folder))).unwrap();
    let mut store = lazy(&folder);
    // A write without the store, which does not notice it.
    let connection = store.opened().unwrap().connection;
    connection.execute("INSERT INTO _agents_kv VALUES ('b', '1')", ()).unwrap();
    store.close().unwrap();
    let mut store = lazy(&folder);
    assert!(store.needs_recovery());
    assert_eq!(keys(&mut store), ["a", "b"]);
}

#[test]
fn the_mark_goes_with_its_object() {
    let (folder, _root) = data_folder();
    let path = closed(&folder);
    assert!(folder.remove("room", "a").unwrap());
    assert_eq!(WalStatus::of(&path), WalStatus::Missing);
    // A mark without a database has no meaning for the next one.
    closed(&folder);
    fs::remove_file(&path).unwrap();
    let mut store = lazy(&folder);
    put(&mut store, "b");
    assert!(!trusted(&store));
    store.abandon();
    assert!(!suffixed(&path, ".torn-1-wal").exists());
    let mut store = lazy(&folder);
    assert_eq!(keys(&mut store), ["b"]);
    drop(store);
    let objects: Vec<_> = folder.list().unwrap().map(Result::unwrap).collect();
    assert_eq!(objects, [("room".to_owned(), "a".to_owned())]);
}
