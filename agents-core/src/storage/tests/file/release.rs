//! Tests of stores whose file is closed for a while.

use crate::storage::Lsn;
use crate::storage::tests::*;

#[test]
fn commits_go_on_behind_a_rest_and_survive_a_reopened_store() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    let write = |store: &mut Store, value: &'static str| {
        store.begin_turn().unwrap();
        store.kv_put("k", value.as_bytes()).unwrap();
        store.stage_state(Some(Bytes::from_static(value.as_bytes()))).unwrap();
        store.end_turn().unwrap();
        let lsn = store.commit().unwrap().unwrap();
        store.sync_handle().unwrap().sync().unwrap();
        lsn
    };
    for (number, value) in (1..).zip(["1", "2", "3"]) {
        assert_eq!(write(&mut store, value), Lsn(number), "numbers are never given twice");
        store.suspend().unwrap();
        assert!(!store.is_open() && store.exists());
        let before = store.statements();
        assert_eq!(store.state().unwrap().unwrap(), value, "known without the file");
        assert_eq!(store.statements(), before);
        assert_eq!(store.kv_get("k").unwrap().unwrap(), value);
    }
    store.close().unwrap();
    let mut store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    assert_eq!(store.kv_get("k").unwrap().unwrap(), "3");
    assert_eq!(store.state().unwrap().unwrap(), "3");
}

#[test]
fn what_waits_for_a_commit_is_not_given_up() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    store.suspend().unwrap();
    store.begin_turn().unwrap();
    store.kv_put("k", b"1").unwrap();
    store.end_turn().unwrap();
    assert!(matches!(store.suspend(), Err(StorageError::Misuse(_))));
    assert_eq!(store.commit().unwrap(), Some(Lsn(1)));
    store.suspend().unwrap();
}
