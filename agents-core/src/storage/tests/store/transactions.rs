//! Tests of turns, of transactions inside turns, of the state, and of the commit that turns share.

use crate::storage::tests::*;

fn text(state: &'static str) -> Option<Bytes> {
    Some(Bytes::from_static(state.as_bytes()))
}

fn state_on_disk(bench: &Bench) -> Option<Bytes> {
    bench.reopen();
    bench.on(Store::state).unwrap()
}

#[test]
fn a_turn_that_does_nothing_runs_no_sql() {
    let bench = Bench::with_table();
    let before = bench.statements();
    for _ in 0..10 {
        bench.turn(|_| ());
        assert_eq!(bench.commit(), None);
    }
    bench.on(Store::begin_turn).unwrap();
    bench.on(Store::savepoint_push).unwrap();
    bench.on(Store::savepoint_rollback).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(bench.statements(), before);
}

#[test]
fn several_turns_share_one_commit() {
    let bench = Bench::with_table();
    let before = bench.statements();
    for n in 1..=3 {
        bench.turn(|sql| insert(sql, n));
    }
    // The statements are BEGIN, three rows, and SAVEPOINT and RELEASE for the second and third turn.
    assert_eq!(bench.statements() - before, 1 + 3 + 4);
    assert!(bench.on(|store| store.has_uncommitted()));
    assert_eq!(bench.commit(), Some(2));
    assert_eq!(bench.statements() - before, 9);
    assert!(!bench.on(|store| store.has_uncommitted()));
    assert_eq!(bench.commit(), None);
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2, 3]);
}

#[test]
fn a_read_inside_a_turn_opens_no_transaction() {
    let bench = Bench::with_table();
    let before = bench.statements();
    bench.turn(|sql| sql.query::<i64>("SELECT n FROM t", ()).unwrap());
    assert_eq!(bench.statements() - before, 1);
    assert_eq!(bench.commit(), None);
}

#[test]
fn one_turn_among_several_is_undone_alone() {
    for undone in 1..=4 {
        let bench = Bench::with_table();
        for n in 1..=4 {
            bench.on(Store::begin_turn).unwrap();
            insert(&bench.sql(), n);
            insert(&bench.sql(), n + 10);
            bench.on(if n == undone { Store::rollback_turn } else { Store::end_turn }).unwrap();
        }
        bench.commit();
        bench.reopen();
        let expected: Vec<i64> = (1..=4).chain(11..=14).filter(|n| n % 10 != undone).collect();
        assert_eq!(bench.numbers(), expected);
    }
}

#[test]
fn a_turn_that_opened_the_transaction_and_was_undone_leaves_nothing_open() {
    let bench = Bench::with_table();
    bench.on(Store::begin_turn).unwrap();
    insert(&bench.sql(), 1);
    bench.on(Store::rollback_turn).unwrap();
    assert!(!bench.on(|store| store.has_uncommitted()));
    assert_eq!(bench.commit(), None);
    bench.turn(|sql| insert(sql, 2));
    assert_eq!(bench.commit(), Some(2));
    assert_eq!(bench.numbers(), [2]);
}

#[test]
fn a_store_dropped_before_the_commit_has_nothing_of_it() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.turn(|_| bench.on(|store| store.stage_state(text("1"))).unwrap());
    assert_eq!(state_on_disk(&bench), None);
    assert!(bench.numbers().is_empty());
}

#[test]
fn transactions_nest_and_undo_only_themselves() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        insert(sql, 1);
        let outer: crate::Result<()> = sql.transaction(|sql| {
            insert(sql, 2);
            let inner: crate::Result<()> = sql.transaction(|sql| {
                insert(sql, 3);
                Err(crate::Error::msg("no"))
            });
            assert_eq!(inner.unwrap_err().client_message(), Some("no"));
            sql.transaction(|sql| {
                insert(sql, 4);
                Ok(())
            })
        });
        outer.unwrap();
        assert_eq!(bench.numbers(), [1, 2, 4]);
    });
    bench.turn(|sql| {
        sql.transaction(|sql| {
            insert(sql, 5);
            sql.transaction(|sql| {
                insert(sql, 6);
                Ok(())
            })?;
            Err::<(), _>(crate::Error::msg("no"))
        })
        .unwrap_err();
    });
    bench.commit();
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2, 4]);
}

#[test]
fn a_panic_inside_a_transaction_undoes_it() {
    let bench = Bench::with_table();
    bench.on(Store::begin_turn).unwrap();
    insert(&bench.sql(), 1);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.sql().transaction(|sql| -> crate::Result<()> {
            insert(sql, 2);
            panic!("on purpose");
        })
    }));
    assert!(caught.is_err());
    assert_eq!(bench.numbers(), [1]);
    bench.on(Store::rollback_turn).unwrap();
    assert!(bench.numbers().is_empty());
}

#[test]
fn a_transaction_left_open_is_undone_at_the_end_of_the_turn() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        insert(sql, 1);
        bench.on(Store::savepoint_push).unwrap();
        insert(sql, 2);
    });
    bench.commit();
    assert_eq!(bench.numbers(), [1]);
}

#[test]
fn calls_in_the_wrong_order_are_refused() {
    let bench = Bench::new();
    let misuse = |result: crate::storage::Result<()>| assert!(matches!(result, Err(StorageError::Misuse(_))));
    misuse(bench.on(Store::end_turn));
    misuse(bench.on(Store::rollback_turn));
    misuse(bench.on(Store::savepoint_push));
    bench.on(Store::begin_turn).unwrap();
    misuse(bench.on(Store::begin_turn));
    misuse(bench.on(Store::savepoint_release));
    misuse(bench.on(Store::savepoint_rollback));
    misuse(bench.on(|store| store.commit().map(|_| ())));
    bench.on(Store::end_turn).unwrap();
}

#[test]
fn the_state_is_read_late_and_written_once() {
    let bench = Bench::new();
    assert_eq!(bench.statements(), 0);
    bench.turn(|_| {
        for state in ["1", "2", "3", "4", "5"] {
            bench.on(|store| store.stage_state(text(state))).unwrap();
        }
        assert_eq!(bench.on(Store::state).unwrap(), text("5"));
    });
    assert_eq!(bench.statements(), 0);
    assert_eq!(bench.commit(), Some(1));
    assert_eq!(bench.statements(), 1);
    bench.on(Store::state).unwrap();
    assert_eq!(bench.statements(), 1);
    bench.reopen();
    assert_eq!(bench.statements(), 0);
    assert_eq!(bench.on(Store::state).unwrap(), text("5"));
    assert_eq!(bench.on(Store::state).unwrap(), text("5"));
    assert_eq!(bench.statements(), 1);
}

#[test]
fn the_state_goes_with_the_rows_of_its_turn() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        insert(sql, 1);
        bench.on(|store| store.stage_state(text("1"))).unwrap();
    });
    bench.on(Store::begin_turn).unwrap();
    insert(&bench.sql(), 2);
    bench.on(|store| store.stage_state(text("2"))).unwrap();
    bench.on(|store| store.stage_state(text("22"))).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(bench.on(Store::state).unwrap(), text("1"));
    bench.commit();
    assert_eq!(state_on_disk(&bench), text("1"));
    assert_eq!(bench.numbers(), [1]);
}

#[test]
fn a_transaction_restores_the_state_it_found() {
    let bench = Bench::new();
    bench.turn(|sql| {
        bench.on(|store| store.stage_state(text("1"))).unwrap();
        sql.transaction(|sql| {
            bench.on(|store| store.stage_state(text("2"))).unwrap();
            sql.transaction(|_| {
                bench.on(|store| store.stage_state(text("3"))).map_err(StorageError::into_error)
            })?;
            assert_eq!(bench.on(Store::state).unwrap(), text("3"));
            Err::<(), _>(crate::Error::msg("no"))
        })
        .unwrap_err();
        assert_eq!(bench.on(Store::state).unwrap(), text("1"));
    });
    // A rollback of the whole turn does the same: the inner undo has become part of the outer one.
    bench.on(Store::begin_turn).unwrap();
    bench
        .sql()
        .transaction(|_| bench.on(|store| store.stage_state(text("4"))).map_err(StorageError::into_error))
        .unwrap();
    bench.on(Store::rollback_turn).unwrap();
    bench.commit();
    assert_eq!(state_on_disk(&bench), text("1"));
}

#[test]
fn a_state_can_be_taken_away_and_null_is_a_state() {
    let bench = Bench::new();
    bench.turn(|_| bench.on(|store| store.stage_state(text("null"))).unwrap());
    bench.commit();
    assert_eq!(state_on_disk(&bench), text("null"));
    bench.turn(|_| bench.on(|store| store.stage_state(None)).unwrap());
    bench.commit();
    assert_eq!(state_on_disk(&bench), None);
}

#[test]
fn a_state_too_large_changes_nothing() {
    let bench = Bench::new();
    bench.turn(|_| bench.on(|store| store.stage_state(text("1"))).unwrap());
    let limit = bench.options.state_bytes;
    bench.on(Store::begin_turn).unwrap();
    let error = bench.on(|store| store.stage_state(Some(Bytes::from(vec![b'1'; limit + 1])))).unwrap_err();
    assert_eq!(error.to_string(), format!("the state has {} bytes, the limit is {limit}", limit + 1));
    bench.on(Store::end_turn).unwrap();
    assert_eq!(bench.on(Store::state).unwrap(), text("1"));
    bench.turn(|_| {
        bench.on(|store| store.stage_state(Some(Bytes::from(vec![b'1'; limit])))).unwrap();
    });
    assert_eq!(bench.commit(), Some(1));
}

#[test]
fn a_failed_commit_poisons_and_leaves_what_was_committed_before() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    bench.turn(|sql| insert(sql, 2));
    bench.turn(|_| bench.on(|store| store.stage_state(text("2"))).unwrap());
    bench.faults.fail_commits(1);
    assert!(matches!(bench.on(Store::commit), Err(StorageError::Io { .. })));
    assert!(bench.on(|store| store.is_poisoned()));

    let poisoned =
        |result: crate::storage::Result<()>| assert!(matches!(result, Err(StorageError::Poisoned)));
    poisoned(bench.on(Store::begin_turn));
    poisoned(bench.on(Store::end_turn));
    poisoned(bench.on(|store| store.state().map(|_| ())));
    poisoned(bench.on(|store| store.stage_state(None)));
    poisoned(bench.on(|store| store.commit().map(|_| ())));
    poisoned(bench.on(|store| store.kv_put("k", b"1")));
    poisoned(bench.on(|store| store.execute("SELECT 1", &[], false).map(|_| ())));
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(bench.sql().query::<i64>("SELECT 1", ()).unwrap_err().code(), "storage_poisoned");

    assert_eq!(state_on_disk(&bench), None);
    assert_eq!(bench.numbers(), [1]);
    assert!(!bench.on(|store| store.is_poisoned()));
}

#[test]
fn a_full_disk_inside_a_statement_poisons() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.on(Store::begin_turn).unwrap();
    bench.faults.fail_writes(1);
    let error = bench.sql().execute("INSERT INTO t VALUES (2)", ()).unwrap_err();
    assert_eq!(error.code(), "storage_full");
    assert!(bench.on(|store| store.is_poisoned()));
    bench.reopen();
    assert!(bench.numbers().is_empty());
}

#[test]
fn a_file_that_can_grow_no_more_poisons() {
    let bench = Bench::with_table();
    bench.on(|store| store.opened().unwrap().connection.pragma_update(None, "max_page_count", 16)).unwrap();
    bench.on(Store::begin_turn).unwrap();
    insert(&bench.sql(), 1);
    let error = bench.sql().execute("CREATE TABLE big AS SELECT randomblob(200000) AS b", ()).unwrap_err();
    assert_eq!(kind(&error), SqlErrorKind::Full);
    assert!(bench.on(|store| store.is_poisoned()));
    bench.reopen();
    assert!(bench.numbers().is_empty());
}

#[test]
fn an_ordinary_mistake_does_not_poison() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        insert(sql, 1);
        assert_eq!(kind(&sql.execute("INSERT INTO t VALUES (1)", ()).unwrap_err()), SqlErrorKind::Constraint);
        assert_eq!(
            kind(&sql.execute("INSERT INTO nowhere VALUES (1)", ()).unwrap_err()),
            SqlErrorKind::NoSuchTable
        );
        insert(sql, 2);
    });
    bench.commit();
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2]);
}
