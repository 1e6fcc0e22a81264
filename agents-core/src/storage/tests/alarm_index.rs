//! The index of all alarms.

use super::*;
use crate::storage::{Alarm, AlarmChange, AlarmIndex, Change, Durability};

fn change(name: &str, change: Change) -> AlarmChange {
    AlarmChange { class: "room".to_owned(), name: name.to_owned(), change }
}

/// Opens the index and fills it, should it be new.
fn open(folder: &Arc<DataFolder>) -> AlarmIndex {
    let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, None).unwrap();
    fill(&mut index);
    index
}

fn fill(index: &mut AlarmIndex) {
    while index.is_filling() {
        // In small steps: each ends in the middle of the folder.
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
    // Nothing gets earlier here, so nothing is flushed.
    faults.fail_syncs(1);
    index.apply(&[change("a", Change::Exactly(5)), change("b", Change::Gone)]).unwrap();
    index.apply(&[change("a", Change::Exactly(4))]).unwrap_err();
    assert_eq!(due(&index), entries(&[("a", 5)]));
}

#[test]
fn only_one_has_the_index() {
    let (folder, _root) = data_folder();
    let _index = open(&folder);
    // No class is called so, whatever its name.
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
    // One that cannot be read keeps nobody else from waking.
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
