//! Tests of the SQL migrations of an object and of their record.

use std::path::Path;

use crate::storage::tests::*;
use crate::storage::{Migration, Migrations};

const CARDS: &str = "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";
const AUTHOR: &str = "ALTER TABLE cards ADD COLUMN author TEXT";
const FILLED: &str = "INSERT INTO cards (text) VALUES ('made'); UPDATE cards SET author = 'unknown'";

static ALL: [Migration; 3] = [Migration::new(CARDS), Migration::new(AUTHOR), Migration::new(FILLED)];

fn first(count: usize) -> Migrations {
    Migrations::new(&ALL[..count])
}

/// Runs migrations in a turn, which is undone if they fail.
fn migrate(bench: &Bench, migrations: &Migrations) -> Result<usize, StorageError> {
    bench.on(|store| {
        store.begin_turn().unwrap();
        let result = store.migrate(migrations);
        match result {
            Ok(_) => store.end_turn().unwrap(),
            Err(_) => store.rollback_turn().unwrap(),
        }
        result
    })
}

fn code(result: Result<usize, StorageError>) -> String {
    let error = result.unwrap_err();
    format!("{}: {error}", error.code())
}

fn cards(bench: &Bench) -> Vec<(String, Option<String>)> {
    bench.sql().query("SELECT text, author FROM cards ORDER BY id", ()).unwrap()
}

fn card(text: &str, author: &str) -> (String, Option<String>) {
    (text.to_owned(), Some(author.to_owned()))
}

#[test]
fn each_migration_runs_once_and_in_order() {
    let bench = Bench::new();
    assert_eq!(migrate(&bench, &first(1)).unwrap(), 1);
    bench.turn(|sql| sql.execute("INSERT INTO cards (text) VALUES ('a')", ()).unwrap());
    bench.commit();
    for expected in [2, 0, 0] {
        assert_eq!(migrate(&bench, &first(3)).unwrap(), expected);
        bench.commit();
        bench.reopen();
        assert_eq!(cards(&bench), [card("a", "unknown"), card("made", "unknown")]);
    }
    let reversed = [Migration::new(AUTHOR), Migration::new(CARDS)];
    let found = code(migrate(&Bench::new(), &Migrations::new(Vec::leak(reversed.to_vec()))));
    assert!(found.starts_with("migration_failed: ") && found.contains("migration 1"), "{found}");
}

#[test]
fn a_changed_text_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    migrate(&bench, &first(2)).unwrap();
    bench.commit();
    for (list, number) in [
        (["CREATE TABLE cards (id INTEGER)", AUTHOR, FILLED].map(Migration::new), 1),
        ([CARDS, "ALTER TABLE cards ADD COLUMN writer TEXT", FILLED].map(Migration::new), 2),
        ([CARDS, FILLED, AUTHOR].map(Migration::new), 2),
    ] {
        let found = migrate(&bench, &Migrations::new(Vec::leak(list.to_vec())));
        assert!(
            matches!(found, Err(StorageError::MigrationChanged { number: at, file: None }) if at == number),
            "{found:?}"
        );
        assert!(cards(&bench).is_empty());
    }
    // Tools for versions change the ends of lines.
    let spaced = [Migration::from_file(
        "0001_a.sql",
        "\r\n  CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT\n",
    )];
    let list = Migrations::new(Vec::leak([&spaced[..], &ALL[1..]].concat()));
    assert_eq!(migrate(&bench, &list).unwrap(), 1);
}

#[test]
fn more_migrations_than_the_program_has_are_of_a_newer_one() {
    let bench = Bench::new();
    migrate(&bench, &first(3)).unwrap();
    bench.commit();
    bench.reopen();
    for known in 0..3 {
        let found = migrate(&bench, &first(known));
        assert!(
            matches!(found, Err(StorageError::NewerMigrations { found: 3, known: ours }) if ours == known),
            "{found:?}"
        );
        assert_eq!(found.unwrap_err().code(), "newer_version");
    }
    assert_eq!(cards(&bench), [card("made", "unknown")]);
}

#[test]
fn a_statement_that_fails_leaves_nothing() {
    let bench = Bench::new();
    migrate(&bench, &first(1)).unwrap();
    bench.turn(|sql| sql.execute("INSERT INTO cards (text) VALUES ('a')", ()).unwrap());
    bench.commit();
    let columns = || one::<i64>(&bench, "SELECT count(*) FROM pragma_table_info('cards')", ());
    for last in [
        "DELETE FROM cards; INSERT INTO cards (text) VALUES (NULL)",
        "DELETE FROM cards; INSERT INTO nothing VALUES (1)",
        // The reference is checked at the end.
        "DELETE FROM cards; PRAGMA defer_foreign_keys = ON; \
         CREATE TABLE notes (card INTEGER NOT NULL REFERENCES cards (id)); INSERT INTO notes VALUES (7)",
        "CREATE TABLE _agents_mine (a)",
    ] {
        let list = [Migration::new(CARDS), Migration::new(AUTHOR), Migration::from_file("0003_c.sql", last)];
        let list = Migrations::new(Vec::leak(list.to_vec()));
        for _ in 0..2 {
            let found = migrate(&bench, &list);
            assert!(
                matches!(found, Err(StorageError::Migration { number: 3, file: Some("0003_c.sql"), .. })),
                "{found:?}"
            );
            assert_eq!(columns(), 2, "no migration of the turn is left");
            assert_eq!(one::<i64>(&bench, "SELECT count(*) FROM cards", ()), 1);
            bench.commit();
            bench.reopen();
        }
    }
    assert_eq!(migrate(&bench, &first(3)).unwrap(), 2, "the record is that of the first migration");
}

#[test]
fn a_class_without_migrations_opens_nothing() {
    let bench = Bench::new();
    bench.on(|store| {
        store.begin_turn().unwrap();
        assert_eq!(store.migrate(&first(0)).unwrap(), 0);
        assert_eq!(store.statements(), 0);
        store.end_turn().unwrap();
    });
    assert_eq!(bench.commit(), None);
    bench.turn(|sql| sql.execute("CREATE TABLE t (n)", ()).unwrap());
    bench.commit();
    assert_eq!(migrate(&bench, &first(0)).unwrap(), 0);
    assert_eq!(bench.commit(), None, "an empty list has no record");
    assert_eq!(migrate(&bench, &first(1)).unwrap(), 1, "a file of a program without migrations");
}

#[test]
fn an_empty_list_is_checked_and_a_mistake_is_found_without_an_object() {
    first(0).check(&StoreOptions::default()).unwrap();
    first(3).check(&StoreOptions::default()).unwrap();
    let wrong = [Migration::new(CARDS), Migration::new("ALTER TABLE card ADD COLUMN author")];
    let found = Migrations::new(Vec::leak(wrong.to_vec())).check(&StoreOptions::default()).unwrap_err();
    assert!(matches!(found, StorageError::Migration { number: 2, .. }), "{found}");
}

/// Checks the object that a power failure left. Returns whether it has the new data.
fn is_new(data: &Path) -> bool {
    let folder = DataFolder::open(data).unwrap();
    let mut store = folder.store("room", "lobby", &StoreOptions::default());
    let text = |store: &mut Store, sql: &str| {
        let rows = store.query(sql, &[], true, usize::MAX).unwrap();
        rows.iter().next().unwrap().get::<String>(0).unwrap()
    };
    let state = store.versioned_state().unwrap().unwrap();
    let columns = text(&mut store, "SELECT group_concat(name) FROM pragma_table_info('cards')");
    store.begin_turn().unwrap();
    let missing = store.migrate(&first(3)).unwrap();
    let rows = text(
        &mut store,
        "SELECT group_concat(text || ' ' || author, ', ') FROM (SELECT * FROM cards ORDER BY id)",
    );
    store.rollback_turn().unwrap();
    let connection = store.opened().unwrap().connection;
    let whole: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    // The migrations of an old object run as they did before.
    assert_eq!(rows, "a unknown, made unknown");
    match state.version {
        1 => assert_eq!((&state.json[..], columns.as_str(), missing), (&b"\"old\""[..], "id,text", 2)),
        _ => assert_eq!((&state.json[..], columns.as_str(), missing), (&b"\"new\""[..], "id,text,author", 0)),
    }
    state.version == 2
}

#[test]
fn a_power_failure_between_two_steps_leaves_an_object_that_is_old_or_new() {
    let (folder, root) = data_folder();
    let faults = Arc::new(Faults::default());
    faults.record();
    let options = StoreOptions { faults: Some(faults.clone()), ..StoreOptions::default() };
    let store = |version| folder.store("room", "lobby", &options).with_state_version(version);
    let mut old = store(1);
    in_turn(&mut old, |old| {
        old.migrate(&first(1)).unwrap();
        old.execute("INSERT INTO cards (text) VALUES ('a')", &[], false).unwrap();
        old.stage_state(Some(Bytes::from_static(b"\"old\""))).unwrap();
    });
    old.sync_handle().unwrap().sync().unwrap();
    old.close().unwrap();

    // The number of objects that a failure left new, of all of them.
    let failures = || {
        let left = (0..20).map(|seed| {
            let after = tempfile::tempdir().unwrap();
            faults.power_cut(root.path(), after.path(), seed).unwrap();
            is_new(after.path())
        });
        left.filter(|new| *new).count()
    };
    let mut new = store(2);
    new.begin_turn().unwrap();
    for count in 1..=3 {
        new.migrate(&first(count)).unwrap();
        assert_eq!(failures(), 0, "after migration {count}");
    }
    new.stage_state(Some(Bytes::from_static(b"\"new\""))).unwrap();
    assert_eq!(failures(), 0, "after the state");
    new.end_turn().unwrap();
    assert_eq!(failures(), 0, "after the turn");
    new.commit().unwrap();
    let torn = failures();
    assert!((1..20).contains(&torn), "a commit may reach the disk before the sync: {torn}");
    new.sync_handle().unwrap().sync().unwrap();
    assert_eq!(failures(), 20, "after the sync");
    new.checkpoint().unwrap();
    assert_eq!(failures(), 20, "after the checkpoint");
    new.close().unwrap();
    assert_eq!(failures(), 20, "after the end");
}
