//! Tests of constraints that are checked at the end of a turn.

use crate::storage::tests::*;

const CHILDREN: &str = "CREATE TABLE c (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)";

fn bench(tables: &[&str]) -> Bench {
    let bench = Bench::with_table();
    bench.turn(|sql| tables.iter().for_each(|table| sql.execute_batch(table).unwrap()));
    bench.commit();
    bench
}

/// Ends a turn as the runtime does.
fn end(bench: &Bench) -> crate::Result<()> {
    bench.on(Store::end_turn).map_err(StorageError::into_error)
}

/// Runs a turn of one statement with one number, and stages a state.
fn turn(bench: &Bench, sql: &str, n: i64) -> crate::Result<()> {
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute(sql, (n,)).unwrap();
    bench.on(|store| store.stage_state(Some(Bytes::from(n.to_string())))).unwrap();
    end(bench)
}

fn state(bench: &Bench) -> Option<Bytes> {
    bench.on(Store::state).unwrap()
}

#[test]
fn who_breaks_one_is_undone_alone_and_told_which() {
    for culprit in 1..=3 {
        let bench = bench(&[CHILDREN]);
        for n in 1..=3 {
            if n == culprit {
                let error = turn(&bench, "INSERT INTO c VALUES (?1)", 100).unwrap_err();
                assert_eq!((kind(&error), error.code()), (SqlErrorKind::Constraint, "sql_constraint"));
                assert_eq!(
                    error.to_string(),
                    "at the end of the turn `n` of the table `c` refers to nothing in `t`, in the row 1"
                );
            } else {
                turn(&bench, "INSERT INTO t VALUES (?1)", n).unwrap();
            }
        }
        let expected: Vec<i64> = (1..=3).filter(|n| *n != culprit).collect();
        let last = Some(Bytes::from(expected[1].to_string()));
        assert_eq!((bench.numbers(), state(&bench)), (expected.clone(), last.clone()));
        assert!(bench.on(|store| store.has_uncommitted()));
        assert_eq!(bench.commit(), Some(3), "one number for all of them");
        assert_eq!(bench.commit(), None);
        bench.reopen();
        assert_eq!((bench.numbers(), state(&bench)), (expected, last));
        assert_eq!(one::<i64>(&bench, "SELECT count(*) FROM c", ()), 0);
    }
}

#[test]
fn turns_that_cannot_break_one_cost_nothing() {
    let plain = bench(&["CREATE TABLE d (n INTEGER REFERENCES t (n))"]);
    let deferred = bench(&[CHILDREN]);
    let statements = |bench: &Bench, work: &dyn Fn(&Sql<'_>)| {
        let before = bench.statements();
        bench.turn(work);
        let statements = bench.statements() - before;
        bench.commit();
        statements
    };
    // The statements are BEGIN and the row, and once a query of the tables.
    assert_eq!(statements(&plain, &|sql| insert(sql, 1)), 2);
    assert_eq!(statements(&plain, &|sql| insert(sql, 2)), 2);
    assert_eq!(statements(&deferred, &|_| deferred.kv().put("key", &1).unwrap()), 2);
    assert_eq!(statements(&deferred, &|sql| drop(sql.query::<i64>("SELECT n FROM t", ()).unwrap())), 1);
    statements(&deferred, &|sql| insert(sql, 1));
    assert_eq!(statements(&deferred, &|sql| insert(sql, 2)), 3, "and the probe");
    let other = |sql: &Sql<'_>| {
        sql.execute_batch("DROP TABLE c; CREATE TABLE d (n INTEGER REFERENCES t (n))").unwrap()
    };
    statements(&deferred, &other);
    assert_eq!(statements(&deferred, &|sql| insert(sql, 3)), 2, "there is no deferred constraint any more");
}

#[test]
fn a_setting_that_puts_constraints_off_ends_with_its_transaction() {
    let bench = bench(&["CREATE TABLE d (n INTEGER REFERENCES t (n))"]);
    for n in 1..=3 {
        bench.on(Store::begin_turn).unwrap();
        bench.sql().execute("PRAGMA defer_foreign_keys = ON", ()).unwrap();
        bench.sql().execute("INSERT INTO d VALUES (?1)", (n,)).unwrap();
        insert(&bench.sql(), n);
        end(&bench).unwrap();
        bench.commit();
        bench.turn(|sql| {
            // This statement was prepared under the setting.
            let refused = sql.execute("INSERT INTO d VALUES (?1)", (99,)).unwrap_err();
            assert_eq!(kind(&refused), SqlErrorKind::Constraint);
        });
        assert_eq!(one::<i64>(&bench, "SELECT count(*) FROM d", ()), n);
    }
}

#[test]
fn a_setting_of_a_turn_that_was_undone_is_undone() {
    let bench = bench(&["CREATE TABLE d (n INTEGER REFERENCES t (n))"]);
    bench.turn(|sql| insert(sql, 1));
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute("PRAGMA defer_foreign_keys = ON", ()).unwrap();
    bench.sql().execute("INSERT INTO d VALUES (99)", ()).unwrap();
    bench.on(Store::rollback_turn).unwrap();
    bench.on(Store::begin_turn).unwrap();
    let refused = bench.sql().execute("INSERT INTO d VALUES (99)", ()).unwrap_err();
    assert_eq!(kind(&refused), SqlErrorKind::Constraint);
    end(&bench).unwrap();
    bench.commit();
    assert_eq!(bench.numbers(), [1]);
}

#[test]
fn tables_that_came_back_are_known_again() {
    let bench = bench(&[CHILDREN, "CREATE TABLE d (n INTEGER REFERENCES t (n))"]);
    bench.turn(|sql| insert(sql, 1));
    // The turn drops the table with the deferred constraint and breaks another constraint.
    bench.on(Store::begin_turn).unwrap();
    bench.sql().execute("DROP TABLE c", ()).unwrap();
    bench.sql().execute("PRAGMA defer_foreign_keys = ON", ()).unwrap();
    bench.sql().execute("INSERT INTO d VALUES (99)", ()).unwrap();
    end(&bench).unwrap_err();
    assert!(turn(&bench, "INSERT INTO c VALUES (?1)", 99).is_err());
    turn(&bench, "INSERT INTO c VALUES (?1)", 1).unwrap();
    bench.commit();
    bench.reopen();
    assert_eq!(bench.sql().query::<i64>("SELECT n FROM c", ()).unwrap(), [1]);
}

/// Shows that the probe works, because the documentation of SQLite does not promise it.
#[test]
fn the_probe_sees_what_a_commit_sees() {
    let tables = [
        CHILDREN,
        "CREATE TABLE two (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED, m INTEGER)",
        "CREATE TABLE d (n INTEGER REFERENCES t (n))",
        "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree (id) DEFERRABLE INITIALLY DEFERRED)",
    ];
    let bench = bench(&tables);
    let statements = [
        "INSERT OR IGNORE INTO t VALUES (?1)",
        "DELETE FROM t WHERE n = ?1",
        "INSERT INTO c VALUES (?1)",
        "DELETE FROM c WHERE n = ?1",
        "UPDATE c SET n = ?1 WHERE rowid = (SELECT max(rowid) FROM c)",
        "INSERT INTO two VALUES (?1, 1), (?1 + 1, 2)",
        "DELETE FROM two WHERE n <= ?1",
        "INSERT OR REPLACE INTO tree VALUES (?1, ?1 + 1)",
        "DELETE FROM tree WHERE id = ?1",
        "INSERT INTO d SELECT ?1 WHERE EXISTS (SELECT 1 FROM t WHERE n = ?1)",
        "DELETE FROM d WHERE n = ?1",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let (mut held, mut broke) = (0, 0);
    for _ in 0..3000 {
        bench.on(Store::begin_turn).unwrap();
        let put_off = random.u8(0..8) == 0;
        if put_off {
            bench.sql().execute("PRAGMA defer_foreign_keys = ON", ()).unwrap();
        }
        for _ in 0..random.usize(1..5) {
            // Some statements break a constraint that is checked at once.
            let _ = bench.sql().execute(random.choice(statements).unwrap(), (random.i64(1..6),));
        }
        let broken: bool = one(&bench, "SELECT EXISTS (SELECT 1 FROM pragma_foreign_key_check)", ());
        let ended = end(&bench);
        assert_eq!(ended.is_err(), broken, "{ended:?}");
        *if broken { &mut broke } else { &mut held } += 1;
        assert_eq!(one::<i64>(&bench, "SELECT count(*) FROM pragma_foreign_key_check", ()), 0);
        if random.u8(0..4) == 0 {
            bench.commit();
        }
        if random.u8(0..200) == 0 {
            bench.commit();
            bench.reopen();
        }
    }
    assert!(held > 500 && broke > 500, "{held} {broke}");
}
