//! Tests of statements that are stopped, and of other turns between the same commits.

use std::time::Duration;

use crate::storage::Alarm;
use crate::storage::tests::*;

/// A statement that never ends.
const FOREVER: &str =
    "INSERT INTO t WITH RECURSIVE c (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c";
/// A statement that writes one row and has a loop.
const LOOP: &str = "INSERT INTO t SELECT coalesce(max(n), 0) + 1 FROM t";

fn impatient() -> Bench {
    let options = StoreOptions { statement_timeout: Duration::from_millis(30), ..StoreOptions::default() };
    let bench = Bench::with(options);
    bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", ()).unwrap());
    bench.commit();
    bench
}

/// Runs a statement that does not end, and returns its error.
fn stopped(bench: &Bench) -> crate::Error {
    let error = bench.sql().execute(FOREVER, ()).unwrap_err();
    assert_eq!(error.code(), "sql_timeout", "{error}");
    error
}

fn stage(bench: &Bench, state: &'static str) {
    bench.on(|store| store.stage_state(Some(Bytes::from_static(state.as_bytes())))).unwrap();
}

fn state(bench: &Bench) -> Option<Bytes> {
    bench.on(Store::state).unwrap()
}

fn end(bench: &Bench) -> crate::Result<()> {
    bench.on(Store::end_turn).map_err(StorageError::into_error)
}

fn is_poisoned(bench: &Bench) -> bool {
    bench.on(|store| store.is_poisoned())
}

#[test]
fn a_write_that_is_stopped_is_undone_alone() {
    // The turn has written nothing before, so it may continue.
    for before in 0..3 {
        let bench = impatient();
        for n in 0..before {
            bench.turn(|sql| insert(sql, n));
        }
        bench.turn(|sql| {
            let error = stopped(&bench);
            assert!(error.to_string().contains("ran longer than 30ms"), "{error}");
            insert(sql, 100);
        });
        bench.turn(|sql| insert(sql, 101));
        assert!(!is_poisoned(&bench));
        assert_eq!(bench.commit(), Some(2), "one number for all of them");
        assert_eq!(bench.commit(), None);
        bench.reopen();
        let expected: Vec<i64> = (0..before).chain([100, 101]).collect();
        assert_eq!(bench.numbers(), expected);
    }
}

#[test]
fn a_turn_that_wrote_before_is_undone_with_the_statement() {
    let bench = impatient();
    bench.turn(|sql| {
        insert(sql, 1);
        stage(&bench, "1");
    });
    bench.on(Store::begin_turn).unwrap();
    stage(&bench, "2");
    bench.sql().execute(LOOP, ()).unwrap();
    stopped(&bench);
    // The level runs no further statement.
    for error in [
        bench.sql().query::<i64>("SELECT n FROM t", ()).unwrap_err(),
        bench.sql().execute("INSERT INTO t VALUES (7)", ()).unwrap_err(),
        bench.sql().transaction(|_| Ok(())).unwrap_err(),
        bench.kv().put("key", &1).unwrap_err(),
        bench.on(|store| store.stage_state(None)).unwrap_err().into_error(),
    ] {
        assert_eq!(error.code(), "sql_timeout");
        assert!(error.to_string().contains("and what was written with it is undone"), "{error}");
    }
    assert!(!bench.on(|store| store.is_turn_untouched()));
    assert_eq!(end(&bench).unwrap_err().code(), "sql_timeout");
    assert!(!is_poisoned(&bench));
    bench.turn(|sql| insert(sql, 3));
    assert_eq!(bench.commit(), Some(2));
    bench.reopen();
    assert_eq!((bench.numbers(), state(&bench)), (vec![1, 3], Some(Bytes::from_static(b"1"))));
}

#[test]
fn a_transaction_of_the_user_is_undone_with_the_statement() {
    let bench = impatient();
    bench.turn(|sql| insert(sql, 1));
    bench.turn(|sql| {
        let error = sql.transaction(|sql| {
            sql.execute(LOOP, ())?;
            sql.execute(FOREVER, ())
        });
        assert_eq!(error.unwrap_err().code(), "sql_timeout");
        // An error that the closure ignores still fails the transaction.
        let error = sql.transaction(|sql| {
            sql.execute(LOOP, ())?;
            stopped(&bench);
            Ok(())
        });
        assert_eq!(error.unwrap_err().code(), "sql_timeout");
        let error = sql.execute_batch(&format!("{LOOP}; {FOREVER}")).unwrap_err();
        assert_eq!(error.code(), "sql_timeout");
        assert_eq!(bench.numbers(), [1]);
        insert(sql, 2);
    });
    assert_eq!(bench.commit(), Some(2));
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2]);
}

#[test]
fn what_is_committed_before_waits_for_the_flush_of_the_others() {
    let bench = impatient();
    bench.turn(|sql| {
        insert(sql, 1);
        stage(&bench, "1");
    });
    bench.on(Store::begin_turn).unwrap();
    stage(&bench, "2");
    stopped(&bench);
    bench.on(Store::rollback_turn).unwrap();
    assert!(bench.on(|store| store.has_uncommitted()), "nothing may leave yet");
    assert!(bench.on(Store::suspend).is_err() && bench.on(Store::checkpoint).is_err());
    assert_eq!(bench.on(|store| store.last_lsn().0), 1);
    // After the death of the process, the turn is there as a whole or not at all.
    let store = bench.store.borrow_mut().take().unwrap();
    store.abandon();
    bench.reopen();
    assert_eq!((bench.numbers(), state(&bench)), (vec![1], Some(Bytes::from_static(b"1"))));
}

#[test]
fn a_commit_before_that_fails_is_a_commit_that_fails() {
    let bench = impatient();
    bench.turn(|sql| insert(sql, 1));
    bench.faults.fail_commits(1);
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute(LOOP, ()).unwrap_err();
    assert!(is_poisoned(&bench));
    bench.reopen();
    assert!(bench.numbers().is_empty());
}

/// Simulates a power failure while commits without a flush are in the log.
#[test]
fn turns_are_whole_after_a_power_failure() {
    let bench = impatient();
    bench.faults.record();
    bench.reopen();
    bench.turn(|sql| sql.execute("CREATE TABLE u (n INTEGER)", ()).unwrap());
    bench.commit();
    bench.on(|store| store.sync_handle().unwrap().sync()).unwrap();
    for n in 1..=4_i64 {
        bench.turn(|sql| {
            sql.execute(LOOP, ()).unwrap();
            sql.execute("INSERT INTO u SELECT max(n) FROM t", ()).unwrap();
            bench.on(|store| store.stage_state(Some(Bytes::from(n.to_string())))).unwrap();
        });
    }
    let mut found = [false; 5];
    for seed in 0..60 {
        let into = tempfile::tempdir().unwrap();
        bench.faults.power_cut(bench.folder.root(), into.path(), seed).unwrap();
        let folder = DataFolder::open(into.path()).unwrap();
        let mut store = folder.open_store("room", "lobby", &StoreOptions::default()).unwrap();
        let rows = |store: &mut Store, table: &str| {
            let rows = store.query(&format!("SELECT n FROM {table}"), &[], true, 10).unwrap();
            rows.len()
        };
        let (t, u) = (rows(&mut store, "t"), rows(&mut store, "u"));
        let state =
            store.state().unwrap().map_or(0, |state| str::from_utf8(&state).unwrap().parse().unwrap());
        assert_eq!((t, u), (state, state), "seed {seed}");
        found[t] = true;
    }
    assert!(found[0] && found[1..].contains(&true), "{found:?}");
}

#[test]
fn statements_that_are_over_soon_share_a_transaction() {
    let bench = impatient();
    let count = |bench: &Bench, work: &dyn Fn(&Sql<'_>)| {
        let before = bench.statements();
        bench.turn(work);
        bench.statements() - before
    };
    let brief = |n: i64| move |sql: &Sql<'_>| insert(sql, n);
    assert_eq!(count(&bench, &brief(1)), 2, "BEGIN");
    assert_eq!(count(&bench, &brief(2)), 3, "SAVEPOINT and RELEASE");
    assert_eq!(count(&bench, &|_| bench.kv().put("key", &1).unwrap()), 3);
    assert_eq!(count(&bench, &|sql| drop(sql.query::<i64>("SELECT n FROM t", ()).unwrap())), 1);
    assert_eq!(count(&bench, &|sql| assert_eq!(sql.execute(LOOP, ()).unwrap(), 1)), 3, "COMMIT and BEGIN");
    assert_eq!(count(&bench, &brief(10)), 3, "SAVEPOINT and RELEASE");
    // With a trigger the statement may take long.
    let trigger = "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t WHERE n < 0; END";
    bench.turn(|sql| assert_eq!(sql.execute(trigger, ()).unwrap(), 0));
    bench.turn(|_| bench.kv().put("key", &2).unwrap());
    assert_eq!(count(&bench, &brief(11)), 3, "COMMIT and BEGIN");
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute("DROP TRIGGER x", ()).unwrap();
    insert(&bench.sql(), 12);
    bench.on(Store::rollback_turn).unwrap();
    bench.turn(|_| bench.kv().put("key", &3).unwrap());
    bench.turn(|sql| insert(sql, 13));
    stopped_beside(&bench);
    assert_eq!(bench.commit(), Some(2));
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2, 3, 10, 11, 13]);
}

fn stopped_beside(bench: &Bench) {
    bench.turn(|_| drop(stopped(bench)));
}

#[test]
fn a_class_that_writes_something_brief_first_is_separated_from_then_on() {
    let bench = impatient();
    let mixed = |last: &str| {
        bench.on(Store::begin_turn).unwrap();
        bench.kv().put("key", &last.to_owned()).unwrap();
        bench.sql().execute(last, ()).map(|_| ())
    };
    bench.turn(|sql| insert(sql, 1));
    mixed(LOOP).unwrap();
    end(&bench).unwrap();
    // The object wakes again, and other turns of the class reach the time limit.
    bench.commit();
    bench.reopen();
    bench.turn(|sql| insert(sql, 3));
    mixed(FOREVER).unwrap_err();
    assert_eq!(end(&bench).unwrap_err().code(), "sql_timeout");
    bench.turn(|sql| insert(sql, 4));
    assert_eq!(bench.commit(), Some(1));
    assert_eq!(bench.kv().get::<String>("key").unwrap().as_deref(), Some(LOOP));
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2, 3, 4]);
}

/// Checks that an alarm is in the alarm index before it is committed.
#[test]
fn an_alarm_is_not_committed_before_its_time() {
    let bench = impatient();
    bench.turn(|_| bench.on(|store| store.set_alarm(Alarm { at: 1, retries: 0 })).unwrap());
    bench.turn(|sql| assert_eq!(sql.execute(LOOP, ()).unwrap(), 1));
    assert!(bench.on(|store| store.alarm_changed()));
    let store = bench.store.borrow_mut().take().unwrap();
    store.abandon();
    bench.reopen();
    assert_eq!(bench.on(Store::alarms).unwrap().next(), None);
    assert!(bench.numbers().is_empty());
}
