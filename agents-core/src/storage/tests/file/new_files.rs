//! Tests of files of new objects, and of their remains after a power failure.

use std::fs;
use std::path::Path;

use crate::storage::file::clean_close::{WalStatus, is_new, making};
use crate::storage::file::create::suffixed;
use crate::storage::file::template::database;
use crate::storage::file::torn::is_torn;
use crate::storage::tests::*;

/// Writes a file at the path of the object `a` and marks it as new.
fn put(folder: &DataFolder, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.store_path("room", "a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    fs::write(suffixed(&path, "-wal"), "").unwrap();
    making(&path).unwrap();
    path
}

fn aside(path: &Path) -> std::path::PathBuf {
    suffixed(path, ".torn-1")
}

/// Returns the file of the object `a` with some rows in it, closed cleanly.
fn used(folder: &DataFolder) -> Vec<u8> {
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| {
        store.kv_put("k", b"1").unwrap();
        store.stage_state(Some(Bytes::from_static(b"1"))).unwrap();
    });
    store.close().unwrap();
    fs::read(folder.store_path("room", "a")).unwrap()
}

#[test]
fn a_new_file_is_a_whole_database() {
    for name in ["a", "", "a/b ä", &"long".repeat(5000)] {
        let (folder, _root) = data_folder();
        let path = folder.root().join("a.sqlite");
        let options = StoreOptions { exclusive: false, ..StoreOptions::default() };
        let store = Store::open(&path, "room", name, &options).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        let check: String = other.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        let mode: String = other.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
        assert_eq!((check.as_str(), mode.as_str()), ("ok", "wal"));
        let meta: Vec<(String, String)> = other
            .prepare("SELECT key, CAST(value AS TEXT) FROM _agents_meta WHERE key <> 'created' ORDER BY key")
            .unwrap()
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let expected = [("class", "room"), ("name", name), ("schema", "3")];
        assert_eq!(meta, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        drop(store);
        Store::open(&path, "room", name, &options).unwrap();
    }
}

#[test]
fn objects_made_one_after_the_other_share_nothing() {
    let first = database("room", "secret").unwrap();
    let second = database("room", "b").unwrap();
    assert!(!second.windows(6).any(|part| part == b"secret"));
    assert_eq!(first.len(), second.len());
}

#[test]
fn a_torn_creation_is_moved_aside_and_the_object_is_new() {
    let whole = database("room", "a").unwrap();
    let mut cases = vec![
        ("short", whole[..5000].to_vec()),
        ("a byte", whole[..1].to_vec()),
        ("a page", whole[..4096].to_vec()),
        ("zeros", vec![0; whole.len()]),
        ("short zeros", vec![0; 700]),
    ];
    for page in 0..whole.len() / 4096 {
        let mut torn = whole.clone();
        torn[page * 4096..][..4096].fill(0);
        cases.push(("a page of zeros", torn));
    }
    let mut torn = whole.clone();
    torn[4096 + 3584..][..512].fill(0);
    cases.push(("a sector of zeros", torn));
    for (what, bytes) in cases {
        let (folder, _root) = data_folder();
        let path = put(&folder, &bytes);
        let mut store = folder.store("room", "a", &StoreOptions::default());
        assert_eq!(store.state().unwrap(), None, "{what}");
        assert!(!store.is_open() && !store.exists(), "{what}");
        assert_eq!(fs::read(aside(&path)).unwrap(), bytes, "{what}");
        assert!(suffixed(&aside(&path), "-wal").exists(), "{what}");
        in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
        store.close().unwrap();
        let objects: Vec<_> = folder.list().unwrap().map(Result::unwrap).collect();
        assert_eq!(objects, [("room".to_owned(), "a".to_owned())], "{what}");
        let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
        assert_eq!(store.kv_get("k").unwrap(), Some(Bytes::from_static(b"1")), "{what}");
    }
}

#[test]
fn nothing_that_was_put_aside_is_overwritten() {
    let (folder, _root) = data_folder();
    for n in 1..=3 {
        let path = put(&folder, &vec![0; n * 600]);
        assert_eq!(folder.store("room", "a", &StoreOptions::default()).state().unwrap(), None);
        assert_eq!(fs::read(suffixed(&path, &format!(".torn-{n}"))).unwrap(), vec![0; n * 600]);
    }
}

#[test]
fn a_damaged_file_is_not_taken_for_a_torn_creation() {
    let (folder, _root) = data_folder();
    let used = used(&folder);
    let whole = database("room", "a").unwrap();
    assert_eq!(used.len(), whole.len(), "the test needs a file of the same size");
    let mut cases = Vec::new();
    for page in 0..used.len() / 4096 {
        let mut damaged = used.clone();
        damaged[page * 4096..][..4096].fill(0);
        cases.push(("a page of zeros", damaged));
        let mut damaged = whole.clone();
        damaged[page * 4096..][..512].fill(7);
        cases.push(("a page of sevens in a new file", damaged));
    }
    cases.push(("short", used[..used.len() - 4096].to_vec()));
    let mut longer = vec![0; whole.len() + 4096];
    cases.push(("longer zeros", longer.clone()));
    longer[..4096].copy_from_slice(&whole[..4096]);
    cases.push(("longer", longer));
    for (what, bytes) in cases {
        let path = put(&folder, &bytes);
        let error = folder.open_store("room", "a", &StoreOptions::default()).unwrap_err();
        assert_eq!(error.code(), "storage_corrupt", "{what}");
        assert!(!aside(&path).exists(), "{what}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
    }
    // The new file of another object is not moved either.
    let mut torn = database("room", "b").unwrap();
    torn[..512].fill(0);
    let path = put(&folder, &torn);
    folder.open_store("room", "a", &StoreOptions::default()).unwrap_err();
    assert!(!aside(&path).exists());
}

#[test]
fn a_whole_new_file_is_not_torn() {
    let (folder, _root) = data_folder();
    let path = put(&folder, &database("room", "a").unwrap());
    assert!(!is_torn(&path, "room", "a").unwrap());
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(!aside(&path).exists());
    drop(store);
}

#[test]
fn a_log_without_its_database_is_not_read_into_a_new_one() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    store.abandon();
    let path = folder.store_path("room", "a");
    fs::remove_file(&path).unwrap();
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert_eq!(store.kv_get("k").unwrap(), None);
    assert!(fs::metadata(suffixed(&aside(&path), "-wal")).unwrap().len() > 0);
}

#[test]
fn a_file_that_may_not_be_on_the_disk_keeps_its_log() {
    let (folder, _root) = data_folder();
    let path = folder.store_path("room", "a");
    let is_flushed = |store: &Store| {
        store.database.as_ref().unwrap().fresh.as_ref().is_none_or(|fresh| fresh.is_flushed())
    };
    // Closing a new file flushes it.
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(is_new(&path));
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    assert!(!is_new(&path));
    folder.remove("room", "a").unwrap();
    // A store that failed flushes nothing, and its log stays as the sign of that.
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    store.poison();
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Left { empty: true });
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(!is_flushed(&store));
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    assert!(!is_flushed(&store));
    let handle = store.sync_handle().unwrap();
    assert!(is_new(&path));
    handle.sync().unwrap();
    assert!(is_flushed(&store) && !is_new(&path));
    store.close().unwrap();
    assert_eq!(WalStatus::of(&path), WalStatus::Closed);
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(is_flushed(&store));
    in_turn(&mut store, |store| store.kv_put("k", b"2").unwrap());
    store.abandon();
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(!is_flushed(&store));
    // A handle that outlives its store does not reach the file any more.
    handle.sync().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_lock_on_a_new_file_outlives_its_first_sync() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(store.path()).unwrap());
    let locked = || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains(&format!(":{inode} ")) && line.contains("POSIX"))
    };
    assert!(locked());
    let handle = store.sync_handle().unwrap();
    handle.sync().unwrap();
    drop(handle);
    assert!(locked());
    store.close().unwrap();
    assert!(!locked());
}
