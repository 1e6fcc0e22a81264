//! Distinguishes statements that end soon, regardless of the size of the tables, from other statements.
//!
//! The decision is based on the program that SQLite makes of a statement. A program without loops, except
//! over rows that it made itself, takes a few steps for each row that it finds by its key, and nothing else.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

/// The largest number of statements whose effort is kept.
const KEPT: usize = 64;
/// The length of the longest statement that is analysed and kept, in bytes. A longer one counts as one that
/// may take long.
const LONGEST: usize = 4 * 1024;

const SEQUENCES: &str = "/*agents*/SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_sequence'";

/// The instructions of programs without loops. Instructions that call other programs (triggers, actions of
/// foreign keys, virtual tables) are not listed.
const PLAIN: &[&str] = &[
    "Abortable",
    "Add",
    "AddImm",
    "Affinity",
    "And",
    "BeginSubrtn",
    "BitAnd",
    "BitNot",
    "BitOr",
    "Blob",
    "Cast",
    "Close",
    "Column",
    "Compare",
    "Concat",
    "Copy",
    "CursorHint",
    "DecrJumpZero",
    "DeferredSeek",
    "Delete",
    "Divide",
    "ElseEq",
    "Eq",
    "Explain",
    "FinishSeek",
    "FkCheck",
    "FkCounter",
    "FkIfZero",
    "Found",
    "Function",
    "Ge",
    "Gt",
    "Halt",
    "HaltIfNull",
    "IdxDelete",
    "IdxGE",
    "IdxGT",
    "IdxInsert",
    "IdxLE",
    "IdxLT",
    "IdxRowid",
    "If",
    "IfNot",
    "IfNotOpen",
    "IfNullRow",
    "Init",
    "Insert",
    "Int64",
    "IntCopy",
    "Integer",
    "IsNull",
    "IsTrue",
    "IsType",
    "Jump",
    "Le",
    "Lt",
    "MakeRecord",
    "MemMax",
    "Move",
    "Multiply",
    "MustBeInt",
    "Ne",
    "NewRowid",
    "NoConflict",
    "Noop",
    "Not",
    "NotExists",
    "NotFound",
    "NotNull",
    "Null",
    "NullRow",
    "Offset",
    "Once",
    "OpenEphemeral",
    "OpenRead",
    "OpenWrite",
    "Or",
    "Permutation",
    "PureFunc",
    "Real",
    "RealAffinity",
    "ReleaseReg",
    "Remainder",
    "ReopenIdx",
    "ResultRow",
    "Return",
    "Rowid",
    "SCopy",
    "SeekEnd",
    "SeekGE",
    "SeekHit",
    "SeekRowid",
    "ShiftLeft",
    "ShiftRight",
    "SoftNull",
    "String",
    "String8",
    "Subtract",
    "TableLock",
    "Transaction",
    "TypeCheck",
    "Variable",
    "ZeroOrNull",
];

/// The effort of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Effort {
    /// The statement writes nothing and may be stopped at any time.
    Reads,
    /// The statement writes rows that it finds by their keys.
    Brief,
    /// The statement writes and may read a whole table, or may never end.
    Long,
}

/// The efforts of earlier statements. They are valid until tables, indexes or settings change.
#[derive(Debug, Default)]
pub(in crate::storage) struct Efforts(HashMap<String, Effort>);

impl Efforts {
    pub(in crate::storage) fn get(&self, sql: &str) -> Option<Effort> {
        self.0.get(sql).copied()
    }

    pub(in crate::storage) fn keep(&mut self, sql: &str, effort: Effort) {
        if sql.len() > LONGEST {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(sql.to_owned(), effort);
    }

    pub(in crate::storage) fn forget(&mut self) {
        self.0.clear();
    }
}

/// Returns the effort of a statement, from the program that SQLite makes of it.
pub(in crate::storage) fn effort(connection: &Connection, sql: &str) -> rusqlite::Result<Effort> {
    let statement = connection.prepare(sql)?;
    if !super::run::writes(&statement) {
        return Ok(Effort::Reads);
    }
    drop(statement);
    let brief = sql.len() <= LONGEST && is_brief(connection, sql)?;
    Ok(if brief { Effort::Brief } else { Effort::Long })
}

fn is_brief(connection: &Connection, sql: &str) -> rusqlite::Result<bool> {
    let mut explain = connection.prepare(&format!("EXPLAIN {sql}"))?;
    let steps = explain.raw_query().mapped(|row| {
        Ok(Step { address: row.get(0)?, name: row.get(1)?, cursor: row.get(2)?, target: row.get(3)? })
    });
    let steps = steps.collect::<rusqlite::Result<Vec<_>>>()?;
    let opened = |names: &'static [&str]| steps.iter().filter(|step| names.contains(&step.name.as_str()));
    let tables: HashMap<_, _> =
        opened(&["OpenRead", "OpenWrite"]).map(|step| (step.cursor, step.target)).collect();
    let own: HashSet<_> = opened(&["OpenEphemeral"]).map(|step| step.cursor).collect();
    for step in &steps {
        let plain = match step.name.as_str() {
            "Goto" => step.target == 1 || step.target > step.address,
            "Rewind" | "Next" => match tables.get(&step.cursor) {
                // This table has one row for each table that uses `AUTOINCREMENT`.
                Some(root) => sequences(connection)? == Some(*root),
                None => own.contains(&step.cursor),
            },
            name => PLAIN.contains(&name),
        };
        if !plain {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An instruction of a program. The first operand is a cursor where that matters, and the second one is an
/// address or a page.
struct Step {
    address: i64,
    name: String,
    cursor: i64,
    target: i64,
}

/// Returns the first page of the table of `AUTOINCREMENT`.
fn sequences(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    use rusqlite::OptionalExtension;
    connection.prepare_cached(SEQUENCES)?.query_row((), |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "PRAGMA foreign_keys = ON;
        CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT, b, c DEFAULT (unixepoch()));
        CREATE INDEX plain_b ON plain (b);
        CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, parent REFERENCES parents (id),
            a TEXT NOT NULL CHECK (length(a) < 100), u TEXT UNIQUE, up AS (upper(a)));
        CREATE TABLE pairs (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE strict (id INTEGER PRIMARY KEY, a TEXT, b ANY) STRICT;
        CREATE TABLE two (a TEXT, b INTEGER, c, PRIMARY KEY (a, b));
        CREATE TABLE watched (id INTEGER PRIMARY KEY);
        CREATE TRIGGER watch AFTER INSERT ON watched BEGIN DELETE FROM plain; END;
        CREATE TABLE owner (id INTEGER PRIMARY KEY);
        CREATE TABLE owned (id INTEGER PRIMARY KEY, owner REFERENCES owner (id) ON DELETE CASCADE);
        CREATE VIRTUAL TABLE texts USING fts5 (body);";

    fn check(statements: &[&str], expected: Effort) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        for sql in statements {
            assert_eq!(effort(&connection, sql).unwrap(), expected, "{sql}");
        }
    }

    #[test]
    fn rows_found_by_their_keys_are_brief() {
        check(
            &[
                "INSERT INTO plain (a, b) VALUES (?1, ?2)",
                "-- a comment\nINSERT INTO plain (a, b) VALUES (?1, json_array(?2)) RETURNING id",
                "INSERT INTO numbered (a, parent) VALUES (?1, ?2)",
                "INSERT INTO numbered (a) VALUES (?1) RETURNING id, up",
                "REPLACE INTO numbered (id, a) VALUES (?1, coalesce(?2, 'x'))",
                "INSERT OR REPLACE INTO pairs VALUES (?1, ?2)",
                "INSERT INTO pairs VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value
                    WHERE value <> excluded.value",
                "INSERT OR IGNORE INTO two VALUES (?1, ?2, ?3)",
                "INSERT INTO strict VALUES (?1, ?2, ?3)",
                "UPDATE plain SET a = ?1, b = b + 1 WHERE id = ?2",
                "UPDATE numbered SET a = upper(?1) WHERE u = ?2",
                "UPDATE plain SET a = CASE WHEN b > 5 THEN 'a' ELSE 'b' END WHERE id = ?1 AND c < ?2",
                "UPDATE plain SET id = ?1 WHERE id = ?2",
                "UPDATE plain SET b = ?1 WHERE id IN (?2, ?3)",
                "UPDATE pairs SET value = ?1 WHERE key = ?2 RETURNING value",
                "UPDATE two SET c = c || ?1 WHERE a = ?2 AND b = ?3",
                "DELETE FROM plain WHERE id = ?1",
                "DELETE FROM pairs WHERE key = ?1",
                "DELETE FROM numbered WHERE u = ?1 RETURNING id",
            ],
            Effort::Brief,
        );
    }

    #[test]
    fn loops_and_other_programs_may_take_long() {
        check(
            &[
                "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) INSERT INTO plain SELECT n, n, n, n FROM c",
                "INSERT INTO plain (a) VALUES ((WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)
                    SELECT count(*) FROM c))",
                "INSERT INTO plain (a) SELECT a FROM plain",
                "INSERT INTO plain (a) VALUES ((SELECT max(a) FROM plain))",
                "UPDATE plain SET a = ?1",
                "UPDATE plain SET a = ?1 WHERE b = ?2",
                "UPDATE plain SET a = ?1 WHERE id IN (SELECT id FROM numbered)",
                "DELETE FROM plain",
                "DELETE FROM plain WHERE id < ?1",
                "DELETE FROM plain WHERE a LIKE ?1",
                // SQLite searches for each row that refers to the deleted one.
                "DELETE FROM parents WHERE id = ?1",
                "INSERT INTO watched VALUES (?1)",
                "DELETE FROM owner WHERE id = ?1",
                "INSERT INTO texts VALUES (?1)",
                "CREATE INDEX other ON plain (a)",
                "DROP TABLE plain",
                "ALTER TABLE plain ADD COLUMN d",
                "REINDEX",
            ],
            Effort::Long,
        );
    }

    #[test]
    fn what_writes_nothing_may_be_stopped() {
        check(
            &["SELECT * FROM plain", "EXPLAIN DELETE FROM plain", "PRAGMA table_info (plain)"],
            Effort::Reads,
        );
    }
}
