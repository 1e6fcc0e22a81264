//! Tests with simulated power failures.

use std::collections::BTreeMap;

use crate::storage::tests::*;
use crate::storage::{Alarm, AlarmChange, AlarmIndex, Change, Durability};

/// The expected content of an object.
struct Object {
    store: Option<Store>,
    name: String,
    /// The number of the last commit, followed by that of the last commit that a sync acknowledged.
    committed: i64,
    synced: i64,
}

struct Plan(u64);

impl Plan {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Runs a turn that writes several rows, a key, the state and the alarm, all with the same number.
fn write(store: &mut Store, n: i64, weight: u64) {
    in_turn(store, |store| {
        if n == 1 {
            store.execute_batch("CREATE TABLE t (n INTEGER, part INTEGER, filler BLOB)", false).unwrap();
        }
        for part in 0..3 {
            let filler = Column::Blob(vec![u8::try_from(n % 251).unwrap(); usize::try_from(weight).unwrap()]);
            let params = [Column::Integer(n), Column::Integer(part), filler];
            store.execute("INSERT INTO t VALUES (?1, ?2, ?3)", &params, false).unwrap();
        }
        // Old rows are deleted, so that pages are reused and the log starts again as well.
        store.execute("DELETE FROM t WHERE n < ?1", &[Column::Integer(n - 5)], false).unwrap();
        store.kv_put("n", n.to_string().as_bytes()).unwrap();
        store.stage_state(Some(n.to_string().into())).unwrap();
        store.set_alarm(Alarm { at: u64::try_from(n).unwrap(), retries: 0 }).unwrap();
    });
}

/// Returns the number in an object that is found after a power failure, or 0 for none.
fn check(folder: &DataFolder, name: &str) -> i64 {
    let mut store = folder.store("room", name, &StoreOptions::default());
    let Some(state) = store.state().unwrap() else {
        assert_eq!(store.kv_get("n").unwrap(), None, "a key without its state");
        assert_eq!(store.alarms().unwrap().set, None, "an alarm without its state");
        return 0;
    };
    let n: i64 = std::str::from_utf8(&state).unwrap().parse().unwrap();
    assert_eq!(store.kv_get("n").unwrap(), Some(state));
    assert_eq!(store.alarms().unwrap().set.unwrap().at, u64::try_from(n).unwrap());
    let mut parts: BTreeMap<i64, usize> = BTreeMap::new();
    for row in store.query("SELECT n FROM t", &[], true, usize::MAX).unwrap().iter() {
        *parts.entry(row.get(0).unwrap()).or_default() += 1;
    }
    let expected: BTreeMap<i64, usize> = ((n - 5).max(1)..=n).map(|n| (n, 3)).collect();
    assert_eq!(parts, expected, "some turns are there only in part");
    let connection = store.opened().unwrap().connection;
    let whole: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    n
}

fn survives(seed: u64) {
    let (folder, root) = data_folder();
    let faults = Arc::new(Faults::default());
    faults.record();
    let options = StoreOptions { faults: Some(faults.clone()), ..StoreOptions::default() };
    let mut plan = Plan(seed);
    let mut objects: Vec<Object> =
        (0..2).map(|n| Object { store: None, name: format!("n{n}"), committed: 0, synced: 0 }).collect();
    for _ in 0..30 + plan.below(50) {
        let which = usize::try_from(plan.below(2)).unwrap();
        let object = &mut objects[which];
        let store = object.store.get_or_insert_with(|| folder.store("room", &object.name, &options));
        match plan.below(20) {
            0 => object.store.take().unwrap().close().unwrap(),
            1 => object.store.take().unwrap().abandon(),
            2 => {
                store.begin_turn().unwrap();
                store.kv_put("n", b"0").unwrap();
                store.rollback_turn().unwrap();
            }
            3 => {
                faults.fail_syncs(1);
                store.sync_handle().unwrap().sync().unwrap_err();
                store.poison();
                object.store = None;
            }
            // A checkpoint, a close or an opening breaks off.
            4 if store.is_open() => {
                faults.break_checkpoints(1);
                let _ = store.checkpoint();
                object.store = None;
                faults.break_checkpoints(0);
            }
            5 => {
                faults.break_checkpoints(1);
                drop(object.store.take());
                let mut store = folder.store("room", &object.name, &options);
                let _ = store.warm();
                faults.break_checkpoints(0);
            }
            6 => {
                faults.fail_checkpoints(1);
                store.checkpoint().unwrap();
                faults.fail_checkpoints(0);
            }
            7..10 => {
                store.sync_handle().unwrap().sync().unwrap();
                // A store that has made no commit since it was opened has nothing to flush.
                if store.last_lsn().0 > 0 {
                    object.synced = object.committed;
                }
            }
            _ => {
                object.committed += 1;
                // Some commits are so large that the log is moved into the database.
                let weight = if plan.below(4) == 0 { 500_000 } else { plan.below(9000) };
                write(store, object.committed, weight);
                if store.wants_checkpoint() && plan.below(3) > 0 {
                    store.checkpoint().unwrap();
                }
            }
        }
    }
    for cut in 0..4 {
        let after = tempfile::tempdir().unwrap();
        faults.power_cut(root.path(), after.path(), seed * 100 + cut).unwrap();
        let after = DataFolder::open(after.path()).unwrap();
        for object in &objects {
            let found = check(&after, &object.name);
            assert!(
                (object.synced..=object.committed).contains(&found),
                "seed {seed}, cut {cut}: {} has {found}, not {} to {}",
                object.name,
                object.synced,
                object.committed
            );
        }
    }
}

#[test]
fn what_a_sync_acknowledged_survives_and_every_turn_is_whole() {
    for seed in 0..16 {
        survives(seed);
    }
}

#[test]
fn what_was_never_synced_may_be_lost_in_every_way() {
    let (folder, root) = data_folder();
    let faults = Arc::new(Faults::default());
    faults.record();
    let options = StoreOptions { faults: Some(faults.clone()), ..StoreOptions::default() };
    let mut store = folder.store("room", "a", &options);
    write(&mut store, 1, 10);
    let mut found = BTreeMap::new();
    let mut aside = 0;
    for seed in 0..100 {
        let after = tempfile::tempdir().unwrap();
        faults.power_cut(root.path(), after.path(), seed).unwrap();
        let after = DataFolder::open(after.path()).unwrap();
        *found.entry(check(&after, "a")).or_insert(0) += 1;
        aside += usize::from(after.root().join("room/a.sqlite.torn-1").exists());
        // The object can be used again.
        let mut store = after.store("room", "a", &StoreOptions::default());
        in_turn(&mut store, |store| store.kv_put("again", b"1").unwrap());
        store.sync_handle().unwrap().sync().unwrap();
        store.close().unwrap();
    }
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 1]);
    assert!(aside > 10, "{aside}");
    store.sync_handle().unwrap().sync().unwrap();
    for seed in 0..50 {
        let after = tempfile::tempdir().unwrap();
        faults.power_cut(root.path(), after.path(), seed).unwrap();
        assert_eq!(check(&DataFolder::open(after.path()).unwrap(), "a"), 1);
    }
}

#[test]
fn entries_of_the_index_that_were_put_in_survive() {
    for seed in 0..12 {
        let (folder, root) = data_folder();
        let folder = Arc::new(folder);
        let faults = Arc::new(Faults::default());
        faults.record();
        let mut index = AlarmIndex::open(folder.clone(), Durability::Disk, Some(faults.clone())).unwrap();
        while index.is_filling() {
            index.fill(100).unwrap();
        }
        let mut plan = Plan(seed);
        let mut earliest: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..30 {
            let name = format!("n{}", plan.below(5));
            let at = plan.below(1000);
            let change = match plan.below(3) {
                0 => Change::NotLaterThan(at),
                1 => Change::Exactly(at),
                _ => Change::Gone,
            };
            match change {
                Change::NotLaterThan(at) => {
                    let entry = earliest.entry(name.clone()).or_insert(at);
                    *entry = at.min(*entry);
                }
                Change::Exactly(at) => {
                    earliest.insert(name.clone(), at);
                }
                Change::Gone => {
                    earliest.remove(&name);
                }
            }
            index.apply(&[AlarmChange { class: "room".to_owned(), name, change }]).unwrap();
        }
        for cut in 0..4 {
            let after = tempfile::tempdir().unwrap();
            faults.power_cut(root.path(), after.path(), seed * 100 + cut).unwrap();
            let after = Arc::new(DataFolder::open(after.path()).unwrap());
            let mut index = AlarmIndex::open(after, Durability::Disk, None).unwrap();
            while index.is_filling() {
                index.fill(100).unwrap();
            }
            let found: BTreeMap<String, u64> =
                index.due(u64::MAX, 100).unwrap().into_iter().map(|(_, name, at)| (name, at)).collect();
            for (name, at) in &earliest {
                assert!(found.get(name).is_some_and(|found| found <= at), "seed {seed}: {name} is late");
            }
        }
    }
}

#[test]
fn the_name_of_a_log_that_another_tool_removed_is_flushed_again() {
    let (folder, root) = data_folder();
    let path = folder.store_path("room", "a");
    let mut store = folder.store("room", "a", &StoreOptions::default());
    write(&mut store, 1, 10);
    store.close().unwrap();
    std::fs::remove_file(crate::storage::file::create::suffixed(&path, "-wal")).unwrap();
    let faults = Arc::new(Faults::default());
    faults.record();
    let options = StoreOptions { faults: Some(faults.clone()), ..StoreOptions::default() };
    let mut store = folder.store("room", "a", &options);
    write(&mut store, 2, 10);
    let found = |seeds: std::ops::Range<u64>| {
        let mut found = BTreeMap::new();
        for seed in seeds {
            let after = tempfile::tempdir().unwrap();
            faults.power_cut(root.path(), after.path(), seed).unwrap();
            *found.entry(check(&DataFolder::open(after.path()).unwrap(), "a")).or_insert(0) += 1;
        }
        found.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(found(0..30), [1, 2]);
    store.sync_handle().unwrap().sync().unwrap();
    assert_eq!(found(0..30), [2]);
    // Closing also flushes the name, because the next store trusts the mark.
    store.close().unwrap();
    std::fs::remove_file(crate::storage::file::create::suffixed(&path, "-wal")).unwrap();
    let mut store = folder.store("room", "a", &options);
    store.warm().unwrap();
    store.close().unwrap();
    let mut store = folder.store("room", "a", &options);
    write(&mut store, 3, 10);
    store.sync_handle().unwrap().sync().unwrap();
    assert_eq!(found(0..30), [3]);
}

#[test]
fn the_folder_of_a_class_is_flushed_by_each_of_its_objects_until_one_has_done_it() {
    let (folder, root) = data_folder();
    let faults = Arc::new(Faults::default());
    faults.record();
    let options = StoreOptions { faults: Some(faults.clone()), ..StoreOptions::default() };
    // This store makes the folder and is never flushed.
    let mut first = folder.store("room", "first", &options);
    write(&mut first, 1, 10);
    let mut second = folder.store("room", "a", &options);
    write(&mut second, 1, 10);
    second.sync_handle().unwrap().sync().unwrap();
    for seed in 0..30 {
        let after = tempfile::tempdir().unwrap();
        faults.power_cut(root.path(), after.path(), seed).unwrap();
        assert_eq!(check(&DataFolder::open(after.path()).unwrap(), "a"), 1, "seed {seed}");
    }
}
