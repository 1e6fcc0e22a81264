//! Tests of the alarm, of the settings, and of files with an older schema.

use crate::storage::Alarm;
use crate::storage::file::schema::{SCHEMA, VERSION};
use crate::storage::tests::*;

const FIRST: Alarm = Alarm { at: 1_700_000_000_000, retries: 0 };

#[test]
fn an_object_has_one_alarm() {
    let bench = Bench::new();
    assert_eq!(bench.on(Store::alarms).unwrap().set, None);
    bench.turn(|_| bench.on(|store| store.set_alarm(FIRST)).unwrap());
    assert!(bench.on(|store| store.alarm_changed()));
    bench.commit();
    assert!(!bench.on(|store| store.alarm_changed()));
    let second = Alarm { at: 5, retries: 3 };
    bench.turn(|_| bench.on(|store| store.set_alarm(second)).unwrap());
    assert_eq!(bench.on(Store::alarms).unwrap().set, Some(second));
    bench.commit();
    bench.reopen();
    assert_eq!(bench.on(Store::alarms).unwrap().set, Some(second));
    bench.turn(|_| bench.on(Store::delete_alarm).unwrap());
    assert!(bench.on(|store| store.alarm_changed()));
    bench.commit();
    bench.reopen();
    assert_eq!(bench.on(Store::alarms).unwrap().set, None);
    bench.turn(|_| bench.on(Store::delete_alarm).unwrap());
    assert!(!bench.on(|store| store.alarm_changed()), "there was no alarm to delete");
}

#[test]
fn an_alarm_rolls_back_with_its_turn() {
    let bench = Bench::new();
    bench.turn(|_| bench.on(|store| store.set_alarm(FIRST)).unwrap());
    bench.on(Store::begin_turn).unwrap();
    bench.on(|store| store.set_alarm(Alarm { at: 2, retries: 0 })).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(bench.on(Store::alarms).unwrap().set, Some(FIRST));
    bench.on(Store::begin_turn).unwrap();
    bench.on(Store::delete_alarm).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    bench.commit();
    bench.reopen();
    assert_eq!(bench.on(Store::alarms).unwrap().set, Some(FIRST));
}

#[test]
fn settings_are_kept_beside_the_props() {
    let bench = Bench::new();
    bench.turn(|_| {
        bench.on(|store| store.put_settings("{\"a\":1}".to_owned())).unwrap();
        bench.on(|store| store.put_props("{\"b\":1}".to_owned())).unwrap();
        bench.on(|store| store.put_settings("{\"a\":2}".to_owned())).unwrap();
    });
    bench.commit();
    bench.reopen();
    assert_eq!(bench.on(Store::settings).unwrap().as_deref(), Some("{\"a\":2}"));
    assert_eq!(bench.on(Store::props).unwrap().as_deref(), Some("{\"b\":1}"));
}

#[test]
fn a_file_of_the_first_schema_is_brought_up_to_date() {
    let (folder, _root) = data_folder();
    let path = folder.store_path("room", "a");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(SCHEMA[0]).unwrap();
    old.execute_batch(
        "INSERT INTO _agents_meta VALUES ('schema', 1), ('class', 'room'), ('name', 'a'), ('created', 5);
         INSERT INTO _agents_state VALUES (0, '7');
         PRAGMA journal_mode = WAL;",
    )
    .unwrap();
    old.close().unwrap();
    // The file is shorter than a new file of today, but it is not a torn new file.
    let new = crate::storage::file::template::database("room", "a").unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < new.len() as u64);
    for log in [false, true] {
        if log {
            std::fs::write(crate::storage::file::create::suffixed(&path, "-wal"), "").unwrap();
        }
        let mut store = folder.store("room", "a", &StoreOptions::default());
        assert_eq!(store.state().unwrap(), Some(Bytes::from_static(b"7")));
        assert_eq!(store.alarms().unwrap().set, log.then_some(FIRST));
        in_turn(&mut store, |store| store.set_alarm(FIRST).unwrap());
        store.close().unwrap();
    }
    let store = folder.open_store("room", "a", &StoreOptions::default()).unwrap();
    let version: i64 = store
        .database
        .as_ref()
        .unwrap()
        .connection
        .query_row("SELECT value FROM _agents_meta WHERE key = 'schema'", (), |row| row.get(0))
        .unwrap();
    assert_eq!(version, VERSION);
}

#[test]
fn an_alarm_that_still_has_to_ring_comes_before_the_one_that_is_set() {
    let bench = Bench::new();
    let pending = Alarm { at: 3, retries: 1 };
    bench.turn(|_| {
        bench.on(|store| store.set_alarm(FIRST)).unwrap();
        bench.on(|store| store.set_pending_alarm(Some(pending))).unwrap();
    });
    bench.commit();
    bench.reopen();
    let alarms = bench.on(Store::alarms).unwrap();
    assert_eq!((alarms.set, alarms.pending, alarms.next()), (Some(FIRST), Some(pending), Some(pending)));
    bench.on(Store::begin_turn).unwrap();
    bench.on(|store| store.set_pending_alarm(None)).unwrap();
    assert_eq!(bench.on(Store::alarms).unwrap().next(), Some(FIRST));
    bench.on(Store::rollback_turn).unwrap();
    bench.turn(|_| bench.on(Store::delete_alarm).unwrap());
    let alarms = bench.on(Store::alarms).unwrap();
    assert_eq!((alarms.set, alarms.next()), (None, Some(pending)));
}
