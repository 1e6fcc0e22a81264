//! Tests of the alarm index.

use super::*;
use crate::storage::{Alarm, AlarmChange, AlarmIndex, Change, Durability};

fn change(name: &str, change: Change) -> AlarmChange {
    AlarmChange { class: "room".to_owned(), name: name.to_owned(), change }
}

/// Opens the index, and fills it if it is new.
fn open(folder: &Arc<DataFolder>) -> AlarmIndex {
    let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, None).unwrap();
    fill(&mut index);
    index
}

fn fill(index: &mut AlarmIndex) {
    while index.is_filling() {
        // Each step is small and ends in the middle of the folder.
        index.fill(2).unwrap();
    }
}

fn data_folder() -> (Arc<DataFolder>, TempDir) {
    let (folder, root) = super::data_folder();
    (Arc::new(folder), root)
}

fn due(index: &AlarmIndex) -> Vec<(String, u64)> {
    let due = index.due(u64::MAX, 100).unwrap();
    due.into_iter().map(|(class, name, at)| (format!("{class}/{name}"), at)).collect()
}

fn entries(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().map(|(name, at)| (format!("room/{name}"), *at)).collect()
}

fn set_alarm(folder: &DataFolder, name: &str, at: u64) {
    let mut store = folder.store("room", name, &StoreOptions::default());
    in_turn(&mut store, |store| store.set_alarm(Alarm { at, retries: 0 }).unwrap());
    store.close().unwrap();
}

fn file(folder: &DataFolder) -> std::path::PathBuf {
    folder.root().join("=alarms.sqlite")
}

#[test]
fn entries_are_put_in_lowered_replaced_and_taken_out() {
    let (folder, _root) = data_folder();
    let mut index = open(&folder);
    assert_eq!(index.first().unwrap(), None);
    index
        .apply(&[
            change("a", Change::NotLaterThan(30)),
            change("b", Change::Exactly(10)),
            change("c", Change::NotLaterThan(20)),
            change("d", Change::Gone),
        ])
        .unwrap();
    assert_eq!(due(&index), entries(&[("b", 10), ("c", 20), ("a", 30)]));
    index.apply(&[change("a", Change::NotLaterThan(40)), change("c", Change::NotLaterThan(5))]).unwrap();
    assert_eq!(due(&index), entries(&[("c", 5), ("b", 10), ("a", 30)]));
    index.apply(&[change("c", Change::Exactly(50)), change("b", Change::Gone)]).unwrap();
    index.apply(&[]).unwrap();
    assert_eq!(due(&index), entries(&[("a", 30), ("c", 50)]));
    assert_eq!(index.due(30, 100).unwrap().len(), 1);
    assert_eq!(index.due(29, 100).unwrap().len(), 0);
    assert_eq!(index.due(100, 1).unwrap(), [("room".to_owned(), "a".to_owned(), 30)]);
    assert_eq!(index.first().unwrap(), Some(30));
    assert_eq!(index.next_after(30).unwrap(), Some(50));
    assert_eq!(index.next_after(50).unwrap(), None);
    drop(index);
    assert_eq!(due(&open(&folder)), entries(&[("a", 30), ("c", 50)]));
}

#[test]
fn a_batch_counts_as_a_whole_or_not_at_all() {
    let (folder, _root) = data_folder();
    let faults = Arc::new(Faults::default());
    let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, Some(faults.clone())).unwrap();
    fill(&mut index);
    faults.fail_commits(1);
    index.apply(&[change("a", Change::Exactly(1)), change("b", Change::Exactly(1))]).unwrap_err();
    faults.fail_syncs(1);
    index.apply(&[change("a", Change::NotLaterThan(1))]).unwrap_err();
    assert!(due(&index).is_empty());
    index.apply(&[change("a", Change::NotLaterThan(1))]).unwrap();
    // No entry becomes earlier here, so nothing is flushed.
    faults.fail_syncs(1);
    index.apply(&[change("a", Change::Exactly(5)), change("b", Change::Gone)]).unwrap();
    index.apply(&[change("a", Change::Exactly(4))]).unwrap_err();
    assert_eq!(due(&index), entries(&[("a", 5)]));
}

#[test]
fn only_one_has_the_index() {
    let (folder, _root) = data_folder();
    let _index = open(&folder);
    // No class has this name in the folder.
    assert!(!folder.store_path("=alarms.sqlite", "x").starts_with(file(&folder)));
    assert_eq!(folder.list().unwrap().count(), 0);
}

#[test]
fn a_missing_index_is_made_anew_from_the_objects() {
    let (folder, _root) = data_folder();
    for n in 1..=5 {
        set_alarm(&folder, &format!("n{n}"), n);
    }
    let mut store = folder.store("room", "none", &StoreOptions::default());
    in_turn(&mut store, |store| store.kv_put("k", b"1").unwrap());
    drop(store);
    // An object that cannot be read does not prevent the other ones from waking.
    std::fs::write(folder.store_path("room", "damaged"), "no database").unwrap();
    let all = entries(&[("n1", 1), ("n2", 2), ("n3", 3), ("n4", 4), ("n5", 5)]);
    let mut index = open(&folder);
    assert_eq!(due(&index), all);
    index.apply(&[change("n1", Change::Gone)]).unwrap();
    drop(index);
    let mut index = open(&folder);
    assert_eq!(due(&index), all[1..], "it was made anew although it was there");
    index.renew().unwrap();
    assert!(index.is_filling() && due(&index).is_empty());
    fill(&mut index);
    assert_eq!(due(&index), all);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.clear(),
        |bytes| bytes[..100].fill(7),
        |bytes| bytes[4096..8192].fill(7),
        |bytes| bytes.truncate(5000),
    ];
    for damage in damages {
        let (folder, _root) = data_folder();
        set_alarm(&folder, "a", 7);
        drop(open(&folder));
        let mut bytes = std::fs::read(file(&folder)).unwrap();
        damage(&mut bytes);
        std::fs::write(file(&folder), bytes).unwrap();
        assert_eq!(due(&open(&folder)), entries(&[("a", 7)]));
    }
}

#[test]
fn an_index_that_was_not_completed_is_made_anew() {
    let (folder, _root) = data_folder();
    set_alarm(&folder, "a", 7);
    drop(open(&folder));
    let index = rusqlite::Connection::open(file(&folder)).unwrap();
    index.execute_batch("DELETE FROM alarms; PRAGMA user_version = 0").unwrap();
    drop(index);
    assert_eq!(due(&open(&folder)), entries(&[("a", 7)]));
}

#[test]
fn an_index_without_its_tables_is_made_anew() {
    for table in ["DROP TABLE alarms", "DROP INDEX alarms_at"] {
        let (folder, _root) = data_folder();
        set_alarm(&folder, "a", 7);
        drop(open(&folder));
        let index = rusqlite::Connection::open(file(&folder)).unwrap();
        index.execute_batch(table).unwrap();
        drop(index);
        assert_eq!(due(&open(&folder)), entries(&[("a", 7)]), "{table}");
    }
}

#[test]
fn a_large_index_with_a_broken_page_is_made_anew_when_that_is_read() {
    let (folder, _root) = data_folder();
    set_alarm(&folder, "a", 7);
    let mut index = open(&folder);
    let many: Vec<_> = (0..10_000).map(|n| change(&format!("none {n}"), Change::Exactly(n + 100))).collect();
    index.apply(&many).unwrap();
    drop(index);
    let mut bytes = std::fs::read(file(&folder)).unwrap();
    assert!(bytes.len() > 300 * 1024, "the test needs a large index: {}", bytes.len());
    // Overwrites everything behind the page with the schema.
    bytes[4096..].fill(0);
    std::fs::write(file(&folder), bytes).unwrap();
    let mut index = open(&folder);
    let reading = index.due(u64::MAX, 100).unwrap_err();
    let writing = index.apply(&[change("b", Change::NotLaterThan(3))]).unwrap_err();
    assert!(AlarmIndex::is_damage(&reading) && AlarmIndex::is_damage(&writing), "{reading}, {writing}");
    index.renew().unwrap();
    // The index works while it is filled.
    index.apply(&[change("b", Change::NotLaterThan(3))]).unwrap();
    assert_eq!(due(&index), entries(&[("b", 3)]));
    fill(&mut index);
    assert_eq!(due(&index), entries(&[("b", 3), ("a", 7)]));
    drop(index);
    assert_eq!(due(&open(&folder)), entries(&[("b", 3), ("a", 7)]), "the index counts as complete");
}

#[test]
fn an_index_that_was_not_filled_to_the_end_is_made_anew_by_the_next_process() {
    let (folder, _root) = data_folder();
    for n in 1..=5 {
        set_alarm(&folder, &format!("n{n}"), n);
    }
    let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, None).unwrap();
    index.fill(2).unwrap();
    assert!(index.is_filling());
    drop(index);
    assert_eq!(due(&open(&folder)).len(), 5);
}

#[test]
fn an_object_in_memory_is_entered_as_due_and_a_failed_write_loses_none() {
    let (folder, _root) = data_folder();
    set_alarm(&folder, "a", 7);
    set_alarm(&folder, "b", 8);
    let mut awake = folder.store("room", "b", &StoreOptions::default());
    awake.warm().unwrap();
    let faults = Arc::new(Faults::default());
    let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, Some(faults.clone())).unwrap();
    faults.fail_index_writes(1);
    let error = index.fill(100).unwrap_err();
    assert!(!AlarmIndex::is_damage(&error), "{error}");
    fill(&mut index);
    assert_eq!(due(&index), entries(&[("b", 0), ("a", 7)]));
}

#[test]
fn making_an_index_anew_says_nothing_of_the_files_it_reads() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    in_turn(&mut store, |store| store.set_alarm(Alarm { at: 7, retries: 0 }).unwrap());
    // The file was never flushed.
    store.abandon();
    let path = folder.store_path("room", "a");
    let log = std::fs::read(crate::storage::file::create::suffixed(&path, "-wal")).unwrap();
    assert_eq!(due(&open(&folder)), entries(&[("a", 7)]));
    assert!(std::fs::read(crate::storage::file::create::suffixed(&path, "-wal")).unwrap() == log);
    assert!(crate::storage::file::clean_close::is_new(&path));
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert!(!store.database.as_ref().unwrap().fresh.as_ref().unwrap().is_flushed());
}

#[cfg(unix)]
#[test]
fn an_index_whose_file_was_removed_takes_no_more() {
    let (folder, _root) = data_folder();
    let mut index = open(&folder);
    std::fs::remove_file(file(&folder)).unwrap();
    let error = index.apply(&[change("a", Change::NotLaterThan(3))]).unwrap_err();
    assert!(AlarmIndex::is_damage(&error), "{error}");
    index.renew().unwrap();
    index.apply(&[change("a", Change::NotLaterThan(3))]).unwrap();
    fill(&mut index);
    assert_eq!(due(&index), entries(&[("a", 3)]));
    // If the folder is missing, no index can be made.
    std::fs::remove_dir_all(folder.root()).unwrap();
    assert_eq!(index.renew().unwrap_err().code(), "storage_gone");
    index.apply(&[change("a", Change::NotLaterThan(3))]).unwrap_err();
}
