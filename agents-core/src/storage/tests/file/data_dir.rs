//! Tests of the data folder and of the file of an object in it.

use crate::storage::Durability;
use crate::storage::file::clean_close::making;
use crate::storage::file::create::suffixed;
use crate::storage::tests::*;

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
    // Foreign files in the folder are not listed.
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
    // The list is the same while the objects are awake and hold their files, and while they write.
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
fn what_a_killed_process_left_of_a_new_file_is_no_trouble() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let path = folder.store_path("room", "a");
    let list = || folder.list().unwrap().map(Result::unwrap).collect::<Vec<_>>();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for steps in 1..=3 {
        std::fs::write(suffixed(&path, "-wal"), "").unwrap();
        if steps > 1 {
            making(&path).unwrap();
        }
        if steps > 2 {
            std::fs::write(&path, "").unwrap();
        }
        assert_eq!(list(), []);
        DataFolder::look(folder.root(), "room", "a").unwrap();
        assert!(!folder.contains("room", "a") && folder.alarm("room", "a").unwrap().is_none());
        let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
        assert_eq!(store.state().unwrap(), None);
        drop(store);
        assert_eq!(list(), [("room".to_owned(), "a".to_owned())]);
        assert!(folder.remove("room", "a").unwrap());
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }
}

#[test]
fn a_removal_that_was_cut_short_leaves_no_object() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    store.sync_handle().unwrap().sync().unwrap();
    store.abandon();
    let path = folder.store_path("room", "a");
    // The note and the database are the first two steps of a removal. The log has frames.
    making(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert_eq!(store.kv_get("k").unwrap(), None);
    in_turn(&mut store, |store| store.kv_put("k", b"2").unwrap());
    store.close().unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_that_was_removed_or_replaced_takes_no_commit() {
    type Away = fn(&std::path::Path);
    let ways: [(&str, Away); 4] = [
        ("removed", |root| std::fs::remove_dir_all(root).unwrap()),
        ("moved", |root| std::fs::rename(root, root.with_extension("moved")).unwrap()),
        ("its database removed", |root| std::fs::remove_file(root.join("room/a.sqlite")).unwrap()),
        ("its log replaced", |root| {
            std::fs::remove_file(root.join("room/a.sqlite-wal")).unwrap();
            std::fs::write(root.join("room/a.sqlite-wal"), "").unwrap();
        }),
    ];
    for durability in [Durability::Disk, Durability::Process] {
        for (way, away) in ways {
            let root = tempfile::tempdir().unwrap();
            let data = root.path().join("data");
            let folder = DataFolder::open(&data).unwrap();
            let options = StoreOptions { durability, ..StoreOptions::default() };
            let mut store = folder.store("room", "a", &options);
            in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
            store.sync_handle().unwrap().sync().unwrap();
            away(&data);
            store.begin_turn().unwrap();
            store.kv_put("k", b"2").unwrap();
            store.end_turn().unwrap();
            if durability == Durability::Disk {
                store.commit().unwrap();
                let error = store.sync_handle().unwrap().sync().unwrap_err();
                assert!(error.to_string().contains("was removed or replaced"), "{way}: {error}");
                store.poison();
            } else {
                // The store checks its files once a second.
                store.files.as_mut().unwrap().1 -= std::time::Duration::from_secs(2);
                assert_eq!(store.commit().unwrap_err().code(), "storage_io", "{way}");
                assert!(store.is_poisoned(), "{way}");
            }
            drop(store);
            if !data.exists() {
                // Nothing is made at the same path, because the path may belong to another program.
                let mut store = folder.store("room", "b", &options);
                store.begin_turn().unwrap();
                assert_eq!(store.kv_put("k", b"1").unwrap_err().code(), "storage_gone", "{way}");
                assert!(!data.exists(), "{way}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_another_process_has_put_in_its_place_is_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let folder = DataFolder::open(&data).unwrap();
    std::fs::rename(&data, root.path().join("moved")).unwrap();
    let other = DataFolder::open(&data).unwrap();
    other.open_store("room", "a", &StoreOptions::default()).unwrap().close().unwrap();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert_eq!(store.state().unwrap_err().code(), "storage_gone");
}
