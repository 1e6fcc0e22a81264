//! The data folder, and the file of an object in it.

use super::*;
use crate::storage::create::suffixed;

#[test]
fn one_process_at_a_time_has_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b");
    let folder = DataFolder::open(&path).unwrap();
    let error = DataFolder::open(&path).unwrap_err();
    assert!(matches!(&error, StorageError::Locked { path: locked } if *locked == path));
    assert_eq!(error.code(), "storage_locked");
    drop(folder);
    DataFolder::open(&path).unwrap();
}

#[test]
fn all_objects_are_listed_by_their_real_names() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let long = "Ä".repeat(300);
    let mut expected: Vec<(String, String)> = ["lobby", "Lobby", "", "a/../b", "con", "x.sqlite", "%", &long]
        .iter()
        .map(|name| ("chat-room".to_owned(), (*name).to_owned()))
        .collect();
    expected.push(("counter".to_owned(), "lobby".to_owned()));
    let mut open = Vec::new();
    for (class, name) in &expected {
        assert!(!folder.contains(class, name));
        open.push(folder.open_store(class, name, &StoreOptions::default()).unwrap());
        assert!(folder.contains(class, name));
    }
    // Strangers in the folder are not ours to judge.
    std::fs::write(root.path().join("notes.txt"), "x").unwrap();
    std::fs::create_dir(root.path().join("Backup")).unwrap();
    std::fs::write(root.path().join("chat-room/COPY.sqlite"), "x").unwrap();
    std::fs::write(root.path().join("chat-room/a.sqlite.new"), "x").unwrap();

    expected.sort();
    let list = || {
        let mut found: Vec<_> = folder.list().unwrap().map(Result::unwrap).collect();
        found.sort();
        found
    };
    // Also while the objects are awake and hold their files, and while they write.
    assert_eq!(list(), expected);
    for store in &mut open {
        store.begin_turn().unwrap();
        store.execute("CREATE TABLE t (n)", &[], false).unwrap();
        store.end_turn().unwrap();
    }
    assert_eq!(list(), expected);
    for store in &mut open {
        store.commit().unwrap();
    }
    assert_eq!(list(), expected);
    drop(open);
    assert_eq!(list(), expected);
}

#[test]
fn a_removed_object_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    store.stage_state(Some(Bytes::from_static(b"1"))).unwrap();
    store.commit().unwrap();
    drop(store);
    assert!(folder.remove("room", "a").unwrap());
    assert!(!folder.remove("room", "a").unwrap());
    assert!(!folder.contains("room", "a"));
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert_eq!(store.state().unwrap(), None);
}

#[test]
fn a_file_has_one_store_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let options =
        StoreOptions { busy_timeout: std::time::Duration::from_millis(20), ..StoreOptions::default() };
    let store = folder.open_store("room", "a", &options).unwrap();
    let error = folder.open_store("room", "a", &options).unwrap_err();
    assert_eq!(error.code(), "storage_busy");
    assert!(error.to_string().contains("in use"), "{error}");
    drop(store);
    folder.open_store("room", "a", &options).unwrap();
}

#[test]
fn a_shared_file_can_be_looked_into() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let options = StoreOptions { exclusive: false, ..StoreOptions::default() };
    let mut store = folder.open_store("room", "a", &options).unwrap();
    store.stage_state(Some(Bytes::from_static(b"{}"))).unwrap();
    store.commit().unwrap();
    let other = rusqlite::Connection::open(store.path()).unwrap();
    let state: String = other.query_row("SELECT value FROM _agents_state", (), |row| row.get(0)).unwrap();
    assert_eq!(state, "{}");
}

#[test]
fn the_file_of_another_object_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let path = folder.store_path("room", "a");
    folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    let error = Store::open(&path, "room", "b", &StoreOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "the file belongs to the object `a`, not to `b`");
}

#[test]
fn a_newer_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    store
        .opened()
        .unwrap()
        .connection
        .execute("UPDATE _agents_meta SET value = 99 WHERE key = 'schema'", ())
        .unwrap();
    drop(store);
    let error = folder.open_store("room", "a", &StoreOptions::default()).unwrap_err();
    assert!(matches!(error, StorageError::Newer { found: 99, .. }));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let path = folder.store_path("room", "a");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this is not a database, whatever it is. ".repeat(200)).unwrap();
    let error = folder.open_store("room", "a", &StoreOptions::default()).unwrap_err();
    assert_eq!(error.code(), "storage_corrupt");
}

#[test]
fn what_an_older_version_left_of_a_new_file_is_no_trouble() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let path = folder.store_path("room", "a");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(suffixed(&path, ".new"), "half a file").unwrap();
    std::fs::write(suffixed(&path, ".new-journal"), "half a journal").unwrap();
    std::fs::write(&path, "").unwrap();
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert_eq!(store.state().unwrap(), None);
    drop(store);
    assert_eq!(
        folder.list().unwrap().map(Result::unwrap).collect::<Vec<_>>(),
        [("room".to_owned(), "a".to_owned())]
    );
}
