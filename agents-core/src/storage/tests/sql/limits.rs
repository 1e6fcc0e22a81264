//! Tests of the limits of SQL and of its running time.

use std::time::{Duration, Instant};

use crate::storage::tests::*;

const FOREVER: &str =
    "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

fn impatient() -> Bench {
    let options = StoreOptions { statement_timeout: Duration::from_millis(50), ..StoreOptions::default() };
    let bench = Bench::with(options);
    bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER)", ()).unwrap());
    bench.commit();
    bench
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    let bench = impatient();
    bench.turn(|sql| insert(sql, 1));
    let start = Instant::now();
    let error = bench.sql().query::<i64>(FOREVER, ()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(error.code(), "sql_timeout");
    assert!(error.to_string().contains("ran longer than 50ms"), "{error}");
    // A stopped query undoes nothing.
    assert!(!bench.on(|store| store.is_poisoned()));
    assert_eq!(bench.numbers(), [1]);
    assert_eq!(bench.commit(), Some(2));
}

#[test]
fn the_time_of_one_statement_is_not_counted_for_the_next() {
    let bench = impatient();
    for n in 0..3 {
        bench.turn(|sql| insert(sql, n));
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(bench.commit(), Some(2));
    std::thread::sleep(Duration::from_millis(60));
    bench.turn(|_| bench.kv().put("k", &1).unwrap());
    assert_eq!(bench.commit(), Some(3));
}

thread_local! {
    /// The number of times that this thread has run blocking work.
    static BLOCKED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[test]
fn what_takes_long_lets_other_work_of_the_thread_go_on() {
    let blocking: crate::storage::BlockInPlace = |work| {
        BLOCKED.set(BLOCKED.get() + 1);
        work();
    };
    let options = StoreOptions {
        blocking: Some(blocking),
        statement_timeout: Duration::from_millis(50),
        ..StoreOptions::default()
    };
    let bench = Bench::with(options);
    bench.turn(|sql| sql.execute("CREATE TABLE t (n INTEGER)", ()).unwrap());
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    assert_eq!(BLOCKED.replace(0), 1, "the file was made, and nothing else took long");
    bench.sql().query::<i64>(FOREVER, ()).unwrap_err();
    assert!(BLOCKED.get() >= 1, "a long statement");
    BLOCKED.set(0);
    bench.reopen();
    assert_eq!(bench.numbers(), [1]);
    assert_eq!(BLOCKED.get(), 1, "the file was opened");
}

#[test]
fn limits_are_those_of_the_platform() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        let many = |count: usize| (1..=count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let ones = vec![1_i64; 100];
        assert_eq!(sql.query::<i64>(&format!("SELECT max({})", many(100)), ones).unwrap(), [1]);
        for text in [
            format!("SELECT max({})", many(101)),
            format!("SELECT {}", vec!["1"; 101].join(", ")),
            format!("SELECT {}1", "1 + ".repeat(101)),
            ["SELECT 1"; 6].join(" UNION ALL "),
            format!("SELECT 'a' LIKE '{}'", "%a".repeat(26)),
            format!("SELECT 1 -- {}", "x".repeat(100_001)),
            "SELECT randomblob(5000000)".to_owned(),
        ] {
            let error = sql.query::<serde_json::Map<String, serde_json::Value>>(&text, ()).unwrap_err();
            assert_eq!(storage(&error).code().split('_').next(), Some("sql"), "{error}");
            assert!(!error.to_string().contains(&"x".repeat(600)), "the error contains the whole statement");
        }
        let error = sql.execute("INSERT INTO t VALUES (?1)", (vec![0_u8; 5_000_000],)).unwrap_err();
        assert_eq!(kind(&error), SqlErrorKind::TooBig);
    });
    assert!(!bench.on(|store| store.is_poisoned()));
}

#[test]
fn the_largest_state_is_a_row_and_gives_no_other_row_its_room() {
    let bench = Bench::with_table();
    let most = StoreOptions::default().state_bytes;
    let state = Bytes::from(vec![b'1'; most]);
    bench.turn(|_| bench.on(|store| store.stage_state(Some(state.clone()))).unwrap());
    assert!(bench.commit().is_some());
    bench.reopen();
    assert_eq!(bench.on(Store::state).unwrap(), Some(state));
    bench.turn(|sql| {
        sql.execute("CREATE TABLE rows (x)", ()).unwrap();
        let error = sql.execute("INSERT INTO rows VALUES (?1)", (vec![0_u8; most],)).unwrap_err();
        assert_eq!(kind(&error), SqlErrorKind::TooBig);
    });
    let error = bench.on(|store| store.stage_state(Some(Bytes::from(vec![b'1'; most + 1])))).unwrap_err();
    assert!(matches!(error, StorageError::TooBig { .. }), "{error}");
    // The state is too large for a value of a key, so there is no copy, and the state stays.
    bench.turn(|_| bench.on(Store::copy_state_aside).unwrap_err());
    assert_eq!(bench.on(Store::state).unwrap().map(|state| state.len()), Some(most));
}
