//! Tests of statements of users: which are allowed, and the errors of the others.

use crate::storage::tests::*;
use crate::storage::{SqlError, visible_sql};

fn denied(bench: &Bench, sql: &str) -> String {
    let error = bench.sql().execute(sql, ()).unwrap_err();
    assert_eq!(kind(&error), SqlErrorKind::Denied, "{sql}: {error}");
    let error = bench.sql().execute_batch(sql).unwrap_err();
    assert_eq!(kind(&error), SqlErrorKind::Denied, "{sql}: {error}");
    error.to_string()
}

#[test]
fn a_statement_ends_where_it_ends_and_not_at_a_nul() {
    let bench = Bench::with_table();
    bench.on(Store::begin_turn).unwrap();
    for sql in ["SELECT 1\0", "\0", "INSERT INTO t VALUES (1) \0 this is no SQL"] {
        let error = bench.sql().query::<u32>(sql, ()).unwrap_err();
        assert_eq!(kind(&error), SqlErrorKind::Syntax, "{sql:?}: {error}");
        assert_eq!(kind(&bench.sql().execute_batch(sql).unwrap_err()), SqlErrorKind::Syntax, "{sql:?}");
    }
    let bound: String = bench.sql().query_one("SELECT ?1", ("a\0b",)).unwrap();
    assert_eq!(bound, "a\0b", "a value may have one");
    bench.on(Store::end_turn).unwrap();
}

#[test]
fn transactions_belong_to_the_runtime() {
    let bench = Bench::with_table();
    bench.on(Store::begin_turn).unwrap();
    for sql in [
        "BEGIN",
        "begin immediate",
        "/* x */ Begin",
        "-- x\nBEGIN",
        "  \n\t COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT a",
        "savepoint s",
        "RELEASE s",
        "ROLLBACK TO s",
        "/*agents*/COMMIT",
        " /*agents*/RELEASE s",
    ] {
        denied(&bench, sql);
    }
    // The denial also holds when the runtime has put the same statement into the cache.
    insert(&bench.sql(), 1);
    denied(&bench, "/*agents*/BEGIN IMMEDIATE");
    assert!(denied(&bench, "BEGIN IMMEDIATE").contains("use `transaction`"));
    bench.on(Store::end_turn).unwrap();
    bench.commit();
    assert_eq!(bench.numbers(), [1]);
}

#[test]
fn words_that_undo_other_turns_are_refused() {
    let bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.turn(|_| {
        denied(&bench, "INSERT OR ROLLBACK INTO t VALUES (1)");
        denied(&bench, "CREATE TABLE r (n UNIQUE ON CONFLICT rollback)");
        denied(&bench, "CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'x'); END");
    });
    assert!(!bench.on(|store| store.is_poisoned()));
    bench.commit();
    assert_eq!(bench.numbers(), [1]);
}

#[test]
fn the_tables_of_the_runtime_are_out_of_reach() {
    let bench = Bench::with_table();
    bench.turn(|_| {
        bench.kv().put("k", &1).unwrap();
        // This puts the statement into the cache of prepared statements.
        bench.kv().get::<u32>("k").unwrap();
        bench.on(|store| store.stage_state(Some(Bytes::from_static(b"1")))).unwrap();
    });
    bench.commit();
    bench.turn(|_| {
        for sql in [
            "SELECT * FROM _agents_kv",
            "SELECT count(*) FROM _AGENTS_KV",
            "SELECT 1 FROM \"_Agents_State\"",
            "SELECT n FROM t WHERE n IN (SELECT id FROM [_agents_state])",
            "WITH x AS (SELECT value FROM main._agents_state) SELECT * FROM x",
            "INSERT INTO _agents_kv VALUES ('a', '1')",
            "UPDATE _agents_state SET value = 'x'",
            "DELETE FROM _agents_meta",
            "DROP TABLE _agents_kv",
            "ALTER TABLE _agents_kv RENAME TO mine",
            "ALTER TABLE _agents_kv ADD COLUMN x",
            "CREATE INDEX i ON _agents_kv (value)",
            "CREATE TABLE _agents_mine (n)",
            "CREATE VIEW _agents_view AS SELECT 1",
            "CREATE TRIGGER g AFTER INSERT ON _agents_kv BEGIN SELECT 1; END",
            "CREATE VIRTUAL TABLE _agents_fts USING fts5 (a)",
            // The shadow tables would be `_agents_data` and so on.
            "CREATE VIRTUAL TABLE _agents USING fts5 (a)",
            "CREATE VIRTUAL TABLE f USING fts5 (value, content='_agents_kv')",
            "CREATE VIRTUAL TABLE f USING fts5vocab ('_agents_kv', 'row')",
            "ALTER TABLE t RENAME TO _agents_mine",
            "ALTER TABLE t RENAME TO \"_AGENTS_mine\"",
            "alter table main.[t] rename /* so */ to\n'_agents_mine'",
            "ALTER TABLE t RENAME TO _agents",
            "CREATE TABLE child (k TEXT REFERENCES _agents_kv (key))",
            "ALTER TABLE t ADD COLUMN k TEXT REFERENCES _agents_kv (key) ON DELETE CASCADE",
            "CREATE VIEW v AS SELECT value FROM _agents_kv",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM _agents_kv; END",
            "CREATE UNIQUE INDEX _agents_i ON t (n)",
            "PRAGMA writable_schema = ON",
            "SELECT value FROM _agents_kv WHERE key = ?1",
            "/*agents*/SELECT value FROM _agents_kv WHERE key = ?1",
        ] {
            denied(&bench, sql);
        }
        let sql = bench.sql();
        for schema in [
            "INSERT INTO sqlite_schema VALUES ('table', '_agents_x', '_agents_x', 0, '')",
            "UPDATE sqlite_schema SET name = '_agents_x'",
            "VACUUM INTO '_agents_copy'",
        ] {
            sql.execute(schema, ()).unwrap_err();
        }
        let batch = "CREATE TABLE u (n); ALTER TABLE u RENAME TO _agents_u";
        assert_eq!(kind(&sql.execute_batch(batch).unwrap_err()), SqlErrorKind::Denied);
        // A value is not a name, also beside a statement that defines one.
        sql.execute_batch(
            "CREATE TABLE my_agents_list (s TEXT); INSERT INTO my_agents_list VALUES ('_agents_kv')",
        )
        .unwrap();
        sql.execute("ALTER TABLE my_agents_list RENAME TO list", ()).unwrap();
        let tables: Vec<String> =
            sql.query("SELECT name FROM sqlite_schema WHERE name GLOB '_agents*'", ()).unwrap();
        assert_eq!(tables.len(), 4, "{tables:?}");
    });
    assert_eq!(bench.kv().get::<u32>("k").unwrap(), Some(1));
}

#[test]
fn an_object_has_one_database_and_no_extensions() {
    let bench = Bench::with_table();
    bench.turn(|_| {
        for sql in [
            "ATTACH 'other.db' AS other",
            "attach ':memory:' as m",
            "DETACH main",
            "SELECT load_extension('x')",
            "SELECT fts3_tokenizer('simple')",
            "CREATE TEMP TABLE x (n)",
            "CREATE TEMPORARY VIEW x AS SELECT 1",
            "CREATE VIRTUAL TABLE x USING dbstat",
            "PRAGMA journal_mode = DELETE",
            "PRAGMA Journal_Mode",
            "PRAGMA synchronous = OFF",
            "PRAGMA user_version = 1",
            "PRAGMA writable_schema = ON",
            "PRAGMA wal_checkpoint",
            "PRAGMA locking_mode = NORMAL",
            "PRAGMA page_size = 512",
        ] {
            denied(&bench, sql);
        }
        bench.sql().execute("VACUUM", ()).unwrap_err();
        bench.sql().execute("UPDATE sqlite_master SET sql = 'x'", ()).unwrap_err();
        bench.sql().execute("VACUUM INTO 'copy.db'", ()).unwrap_err();
    });
    bench.sql().execute("VACUUM", ()).unwrap_err();
}

#[test]
fn useful_pragmas_and_modules_work() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        let columns: Vec<serde_json::Map<String, serde_json::Value>> =
            sql.query("PRAGMA table_info(t)", ()).unwrap();
        assert_eq!(columns[0]["name"], "n");
        let names: Vec<String> = sql.query("SELECT name FROM pragma_table_info('t')", ()).unwrap();
        assert_eq!(names, ["n"]);
        assert_eq!(sql.query_one::<String>("PRAGMA quick_check", ()).unwrap(), "ok");
        sql.execute_batch(
            "CREATE VIRTUAL TABLE notes USING fts5 (body);
             INSERT INTO notes VALUES ('the quick brown fox'), ('a lazy dog');
             ANALYZE; REINDEX; PRAGMA optimize;
             ALTER TABLE t ADD COLUMN extra TEXT;
             ALTER TABLE t RENAME COLUMN extra TO more;
             ALTER TABLE t DROP COLUMN more;
             ALTER TABLE t RENAME TO u;
             DROP TABLE u;",
        )
        .unwrap();
        assert_eq!(sql.query_one::<i64>("SELECT rowid FROM notes WHERE notes MATCH 'fox'", ()).unwrap(), 1);
    });
    bench.commit();
    bench.reopen();
    assert_eq!(one::<i64>(&bench, "SELECT count(*) FROM notes", ()), 2);
}

#[test]
fn settings_last_as_long_as_they_should() {
    let bench = Bench::with_table();
    bench.turn(|sql| sql.execute("CREATE TABLE c (n REFERENCES t (n))", ()).unwrap());
    bench.commit();
    bench.turn(|sql| {
        assert_eq!(sql.query_one::<i64>("PRAGMA foreign_keys", ()).unwrap(), 1);
        sql.execute("PRAGMA foreign_keys = OFF", ()).unwrap();
        assert_eq!(sql.query_one::<i64>("PRAGMA foreign_keys", ()).unwrap(), 1);
        assert_eq!(kind(&sql.execute("INSERT INTO c VALUES (1)", ()).unwrap_err()), SqlErrorKind::Constraint);
        sql.execute("PRAGMA defer_foreign_keys = ON", ()).unwrap();
        sql.execute("INSERT INTO c VALUES (1)", ()).unwrap();
        insert(sql, 1);
    });
    bench.commit();
    // The same text runs twice. The second statement must not come from the cache, because it would do
    // nothing there.
    for _ in 0..2 {
        bench.turn(|sql| {
            sql.execute("PRAGMA case_sensitive_like = ON", ()).unwrap();
            assert!(!sql.query_one::<bool>("SELECT 'a' LIKE 'A'", ()).unwrap());
            sql.execute("PRAGMA case_sensitive_like = OFF", ()).unwrap();
            assert!(sql.query_one::<bool>("SELECT 'a' LIKE 'A'", ()).unwrap());
        });
    }
}

#[test]
fn who_may_only_read_cannot_write_by_any_statement() {
    let mut bench = Bench::with_table();
    bench.turn(|sql| insert(sql, 1));
    bench.commit();
    bench.read_only = true;
    let before = bench.statements();
    for sql in [
        "INSERT INTO t VALUES (2)",
        "DELETE FROM t RETURNING n",
        "CREATE TABLE x (n)",
        "WITH x AS (SELECT 2) INSERT INTO t SELECT * FROM x",
        "DROP TABLE t",
        "ANALYZE",
    ] {
        let error = bench.sql().query::<i64>(sql, ()).unwrap_err();
        assert_eq!(error.code(), "sql_read_only", "{sql}");
        assert_eq!(bench.sql().execute(sql, ()).unwrap_err().code(), "sql_read_only", "{sql}");
        assert_eq!(
            bench.sql().execute_batch(&format!("SELECT 1; {sql}")).unwrap_err().code(),
            "sql_read_only"
        );
    }
    for sql in ["PRAGMA case_sensitive_like = ON", "PRAGMA defer_foreign_keys(1)", "PRAGMA optimize"] {
        assert_eq!(bench.sql().execute(sql, ()).unwrap_err().code(), "sql_read_only", "{sql}");
        assert_eq!(bench.sql().execute_batch(sql).unwrap_err().code(), "sql_read_only", "{sql}");
    }
    assert!(bench.sql().query_one::<bool>("SELECT 'a' LIKE 'A'", ()).unwrap());
    assert_eq!(bench.numbers(), [1]);
    let plan: Vec<serde_json::Map<String, serde_json::Value>> =
        bench.sql().query("EXPLAIN QUERY PLAN DELETE FROM t WHERE n > 1", ()).unwrap();
    assert_eq!(plan.len(), 1);
    // The refused statements never ran, and nothing waits for a commit: only the reads and the
    // harmless first halves of the batches count.
    assert!(bench.statements() - before <= 2 + 6 + 1 + 1);
    assert!(!bench.on(|store| store.has_uncommitted()));
}

#[test]
fn an_injected_text_stays_a_text() {
    let bench = Bench::new();
    let evil = "'); DROP TABLE posts; --";
    bench.turn(|sql| {
        sql.execute("CREATE TABLE posts (body TEXT)", ()).unwrap();
        assert_eq!(sql.statement("INSERT INTO posts VALUES (?1)").bind(&evil).run().unwrap(), 1);
    });
    bench.commit();
    assert_eq!(one::<String>(&bench, "SELECT body FROM posts", ()), evil);
    let found: Option<i64> =
        bench.sql().statement("SELECT rowid FROM posts WHERE body = ?1").bind(evil).fetch().unwrap();
    assert_eq!(found, Some(1));
}

#[test]
fn mistakes_are_told_with_their_statement() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        sql.execute("CREATE TABLE p (name TEXT NOT NULL UNIQUE, age INTEGER CHECK (age > 0)) STRICT", ())
            .unwrap();
        sql.execute("INSERT INTO p VALUES ('a', 1)", ()).unwrap();
        for (text, kind_of, says) in [
            ("SELEC 1", SqlErrorKind::Syntax, "syntax error"),
            ("SELECT", SqlErrorKind::Syntax, "incomplete input"),
            ("", SqlErrorKind::Syntax, "no statement"),
            (" -- nothing", SqlErrorKind::Syntax, "no statement"),
            ("SELECT 1; SELECT 2", SqlErrorKind::Syntax, "execute_batch"),
            ("SELECT * FROM nowhere", SqlErrorKind::NoSuchTable, "nowhere"),
            ("SELECT missing FROM p", SqlErrorKind::NoSuchColumn, "missing"),
            ("SELECT * FROM p WHERE name = \"a\"", SqlErrorKind::NoSuchColumn, "a"),
            ("INSERT INTO p VALUES ('a', 2)", SqlErrorKind::Constraint, "UNIQUE constraint failed: p.name"),
            ("INSERT INTO p VALUES ('b', 0)", SqlErrorKind::Constraint, "age > 0"),
            (
                "INSERT INTO p VALUES (NULL, 1)",
                SqlErrorKind::Constraint,
                "NOT NULL constraint failed: p.name",
            ),
            ("INSERT INTO p VALUES ('c', 'x')", SqlErrorKind::Constraint, "cannot store TEXT value"),
            ("SELECT ?1", SqlErrorKind::Parameters, "has 1 parameters, 0 are given"),
        ] {
            let error = sql.execute(text, ()).unwrap_err();
            assert_eq!(kind(&error), kind_of, "{text}: {error}");
            let message = error.to_string();
            assert!(message.contains(says), "{message}");
            assert!(message.contains(text.trim()), "{message}");
            assert_eq!(error.client_message(), None);
            assert_eq!(visible_sql(error).client_message(), Some(&*message));
        }
        let error = sql.execute("SELECT 1", (1, 2)).unwrap_err();
        assert!(error.to_string().contains("has 0 parameters, 2 are given"), "{error}");
    });
}

#[test]
fn an_error_has_the_position_in_the_statement() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        let error = sql.execute("\n  SELECT n FROM t WERE n = 1", ()).unwrap_err();
        let text = "near \"n\": syntax error in `SELECT n FROM t WERE n = 1` at byte 21";
        assert_eq!(error.to_string(), text);
        let Some(StorageError::Sql(error)) = error.downcast_ref() else { panic!("{error}") };
        assert_eq!(error.offset, Some(21));
        let error = sql.execute_batch(" DELETE FROM t; DELETE FRM t").unwrap_err();
        assert!(error.to_string().ends_with("in `DELETE FROM t; DELETE FRM t` at byte 22"), "{error}");
    });
}

#[test]
fn only_errors_of_a_statement_are_shown() {
    let shown = |error: StorageError| visible_sql(error.into_error()).client_message().is_some();
    let sql = |kind| StorageError::from(SqlError::new(kind, "text", "SELECT 1"));
    assert!(shown(sql(SqlErrorKind::Timeout)));
    assert!(shown(StorageError::ReadOnly { sql: "SELECT 1".to_owned() }));
    for kind in [SqlErrorKind::Busy, SqlErrorKind::Full, SqlErrorKind::Io, SqlErrorKind::Corrupt] {
        assert!(!shown(sql(kind)), "{kind:?}");
    }
    assert!(!shown(StorageError::Gone { path: "/secret".into() }));
    assert!(!shown(StorageError::Poisoned));
    assert_eq!(visible_sql(crate::Error::hidden("internal", "text")).client_message(), None);
}

#[test]
fn changed_rows_are_counted() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        assert_eq!(sql.execute("INSERT INTO t VALUES (1), (2), (3)", ()).unwrap(), 3);
        assert_eq!(sql.execute("CREATE TABLE x (n)", ()).unwrap(), 0);
        assert_eq!(sql.execute("SELECT n FROM t", ()).unwrap(), 0);
        assert_eq!(sql.execute("UPDATE t SET n = n + 10 WHERE n > 1", ()).unwrap(), 2);
        assert_eq!(sql.execute("DELETE FROM t WHERE n = 99", ()).unwrap(), 0);
        assert_eq!(sql.execute("DELETE FROM t RETURNING n", ()).unwrap(), 3);
    });
}

#[test]
fn returning_gives_rows_and_writes() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        let rows: Vec<i64> = sql.query("INSERT INTO t VALUES (1), (2) RETURNING n", ()).unwrap();
        assert_eq!(rows, [1, 2]);
        let first: Option<i64> =
            sql.query_optional("UPDATE t SET n = 3 WHERE n = 2 RETURNING n", ()).unwrap();
        assert_eq!(first, Some(3));
    });
    bench.commit();
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 3]);
}

#[test]
fn a_batch_is_all_or_nothing() {
    let bench = Bench::with_table();
    bench.turn(|sql| {
        insert(sql, 1);
        sql.execute_batch("INSERT INTO t VALUES (2); INSERT INTO t VALUES (3);; -- the end").unwrap();
        let error = sql
            .execute_batch("INSERT INTO t VALUES (4); INSERT INTO t VALUES (1); INSERT INTO t VALUES (5)")
            .unwrap_err();
        assert_eq!(kind(&error), SqlErrorKind::Constraint);
        assert_eq!(
            kind(&sql.execute_batch("INSERT INTO t VALUES (?1)").unwrap_err()),
            SqlErrorKind::Parameters
        );
        assert_eq!(
            kind(&sql.execute_batch("INSERT INTO t VALUES (6); COMMIT").unwrap_err()),
            SqlErrorKind::Denied
        );
        sql.execute_batch("").unwrap();
    });
    bench.commit();
    bench.reopen();
    assert_eq!(bench.numbers(), [1, 2, 3]);
}

#[test]
fn the_runtime_passes_the_guard_with_its_mark_only() {
    let bench = Bench::new();
    bench.turn(|_| {
        bench.on(|store| {
            store.internal_execute("/*agents*/CREATE TABLE _agents_tasks (id TEXT) STRICT", &[]).unwrap();
            let task = [Column::Text("a".to_owned())];
            assert_eq!(
                store.internal_execute("/*agents*/INSERT INTO _agents_tasks VALUES (?1)", &task).unwrap(),
                1
            );
            let rows = store.internal_query("/*agents*/SELECT id FROM _agents_tasks", &[]).unwrap();
            let found: Vec<String> = rows.iter().map(|row| row.get("id").unwrap()).collect();
            assert_eq!(found, ["a"]);
            assert!(matches!(store.internal_execute("SELECT 1", &[]), Err(StorageError::Misuse(_))));
        });
    });
    bench.on(Store::commit).unwrap();
}
