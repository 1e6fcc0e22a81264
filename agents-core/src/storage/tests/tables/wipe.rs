//! Tests of removing everything that an object stored.

use crate::storage::Alarm;
use crate::storage::tests::*;

fn everything(bench: &Bench) -> Vec<String> {
    let sql = "/*agents*/SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT GLOB '_agents_*' \
               AND name NOT GLOB 'sqlite_*' ORDER BY 1";
    let rows = bench.on(|store| store.internal_query(sql, &[])).unwrap();
    rows.iter().map(|row| row.get::<String>(0).unwrap()).collect()
}

fn full() -> Bench {
    let bench = Bench::new();
    bench.turn(|sql| {
        sql.execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
             CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent, other REFERENCES child);
             CREATE TABLE \"a \"\"quoted\"\" one\" (n);
             CREATE INDEX by_parent ON child (parent);
             CREATE VIEW names AS SELECT name FROM parent;
             CREATE TRIGGER no_names INSTEAD OF INSERT ON names BEGIN SELECT 1; END;
             CREATE TRIGGER on_child AFTER DELETE ON child BEGIN INSERT INTO parent (name) VALUES ('no'); END;
             CREATE VIRTUAL TABLE texts USING fts5 (body);
             CREATE VIRTUAL TABLE words USING fts5vocab (texts, row);
             CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1);
             INSERT INTO parent (name) VALUES ('a'), ('b');
             INSERT INTO child VALUES (1, 1, 2), (2, 2, 1);
             INSERT INTO texts VALUES ('some text');
             INSERT INTO boxes VALUES (1, 0, 1);
             ANALYZE",
        )
        .unwrap();
        bench.kv().put("k", &1).unwrap();
        bench.on(|store| {
            store.stage_state(Some(Bytes::from_static(b"1"))).unwrap();
            store.set_alarm(Alarm { at: 1, retries: 0 }).unwrap();
            store.put_props("1".to_owned()).unwrap();
            store.put_settings("2".to_owned()).unwrap();
        });
    });
    bench.commit();
    bench
}

fn is_empty(bench: &Bench) {
    assert!(everything(bench).is_empty(), "{:?}", everything(bench));
    bench.on(|store| {
        assert_eq!(store.state().unwrap(), None);
        assert_eq!(store.alarms().unwrap().set, None);
        assert_eq!(store.props().unwrap(), None);
        assert_eq!(store.settings().unwrap(), None);
        assert!(store.kv_list(&KvRange::all()).unwrap().is_empty());
    });
}

fn is_full(bench: &Bench) {
    assert_eq!(one::<i64>(bench, "SELECT count(*) FROM child", ()), 2);
    assert_eq!(one::<i64>(bench, "SELECT count(*) FROM texts WHERE texts MATCH 'text'", ()), 1);
    assert_eq!(one::<i64>(bench, "SELECT count(*) FROM boxes", ()), 1);
    bench.on(|store| {
        assert_eq!(store.state().unwrap(), Some(Bytes::from_static(b"1")));
        assert!(store.alarms().unwrap().set.is_some());
        assert!(store.props().unwrap().is_some() && store.settings().unwrap().is_some());
        assert_eq!(store.kv_list(&KvRange::all()).unwrap().len(), 1);
    });
}

#[test]
fn a_wiped_object_has_its_name_and_nothing_else() {
    let bench = full();
    bench.turn(|_| {
        bench.on(Store::wipe).unwrap();
        assert!(bench.on(|store| store.alarm_changed()));
        is_empty(&bench);
    });
    bench.commit();
    bench.reopen();
    is_empty(&bench);
    bench.turn(|sql| {
        sql.execute_batch("CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)").unwrap();
        sql.execute("INSERT INTO parent (name) VALUES ('x')", ()).unwrap();
    });
    assert_eq!(one::<i64>(&bench, "SELECT id FROM parent", ()), 1);
    bench.commit();
}

#[test]
fn a_wipe_is_undone_with_its_turn() {
    let bench = full();
    let before = everything(&bench);
    bench.on(Store::begin_turn).unwrap();
    bench.on(Store::wipe).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(everything(&bench), before);
    is_full(&bench);
    bench.commit();
    bench.reopen();
    is_full(&bench);
}

#[test]
fn a_transaction_inside_the_turn_undoes_a_wipe_alone() {
    let bench = full();
    bench.turn(|sql| {
        sql.execute("INSERT INTO parent (name) VALUES ('c')", ()).unwrap();
        let failed = sql.transaction(|_| -> crate::Result<()> {
            bench.on(Store::wipe).unwrap();
            is_empty(&bench);
            Err(crate::Error::msg("no"))
        });
        failed.unwrap_err();
        is_full(&bench);
        assert_eq!(sql.query_one::<i64>("SELECT count(*) FROM parent", ()).unwrap(), 3);
    });
    // References are checked again as before.
    bench.turn(|sql| {
        let error = sql.execute("INSERT INTO child VALUES (9, 99, NULL)", ()).unwrap_err();
        assert_eq!(kind(&error), SqlErrorKind::Constraint);
    });
    bench.commit();
}

#[test]
fn a_wipe_needs_a_turn_and_makes_no_file() {
    let (folder, _root) = data_folder();
    let mut store = folder.store("room", "a", &StoreOptions::default());
    assert!(matches!(store.wipe(), Err(StorageError::Misuse(_))));
    in_turn(&mut store, |store| store.wipe().unwrap());
    assert!(!store.exists());
}
