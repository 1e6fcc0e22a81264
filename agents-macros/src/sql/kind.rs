//! The kind of a statement, which decides whether it returns rows.

use super::scan::Word;

/// The kind of result of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows.
    Query,
    /// Rows of a statement that writes: `RETURNING`.
    Change,
    /// The number of changed rows.
    Run,
}

/// Returns the kind of a statement, by its words outside of quotes and comments.
pub(crate) fn kind(words: &[Word]) -> Result<Kind, &'static str> {
    let first = words.first().map_or("", |word| word.text.as_str());
    let outer =
        |names: &[&str]| words.iter().find(|word| word.depth == 0 && names.contains(&word.text.as_str()));
    let change = || if outer(&["RETURNING"]).is_some() { Kind::Change } else { Kind::Run };
    match first {
        "" => Err("there is no statement in this text"),
        "BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => Err(
            "a handler already runs in a transaction between two awaits: use `cx.sql().transaction(..)` to roll a part of it back",
        ),
        "SELECT" | "VALUES" | "PRAGMA" | "EXPLAIN" => Ok(Kind::Query),
        "WITH" => match outer(&["SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"]) {
            Some(verb) if verb.text == "SELECT" || verb.text == "VALUES" => Ok(Kind::Query),
            Some(_) => Ok(change()),
            None => Err("a statement must follow the tables of `WITH`"),
        },
        _ => Ok(change()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    #[test]
    fn statements_and_their_kind() {
        for (statement, expected) in [
            ("select 1", Kind::Query),
            ("-- a comment\n VALUES (1)", Kind::Query),
            ("PRAGMA user_version", Kind::Query),
            ("EXPLAIN QUERY PLAN DELETE FROM a", Kind::Query),
            ("INSERT INTO a VALUES (1)", Kind::Run),
            ("INSERT INTO a VALUES (1) returning id", Kind::Change),
            ("UPDATE a SET b = 'RETURNING'", Kind::Run),
            ("CREATE TABLE a (b)", Kind::Run),
            ("WITH x AS (SELECT 1) SELECT * FROM x", Kind::Query),
            ("WITH x AS (DELETE) INSERT INTO a SELECT * FROM x", Kind::Run),
            ("WITH x AS (SELECT 1) DELETE FROM a RETURNING b", Kind::Change),
            ("WITH x AS (SELECT 1) SELECT 1 AS returning FROM x", Kind::Query),
            ("EXPLAIN INSERT INTO a VALUES (1) RETURNING b", Kind::Query),
        ] {
            assert_eq!(kind(&scan(statement).unwrap().words), Ok(expected), "{statement}");
        }
    }

    #[test]
    fn transactions_are_not_the_users() {
        for statement in ["BEGIN", "commit;", "SAVEPOINT a", "  -- nothing"] {
            assert!(kind(&scan(statement).unwrap().words).is_err(), "{statement}");
        }
    }
}
