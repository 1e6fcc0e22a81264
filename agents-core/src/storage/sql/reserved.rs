//! The names and statements that are reserved for the runtime: a table prefix, and a mark in front of its
//! statements.

/// The mark at the beginning of every statement of the runtime. A statement of a user must not begin with it.
///
/// The authorizer is called when a statement is prepared, and prepared statements are cached by their text.
/// Without the mark, a user who writes exactly a statement of the runtime would get the cached one.
pub const INTERNAL: &str = "/*agents*/";

/// The prefix of the runtime's tables, without the `_` behind it.
const STEM: &[u8] = b"_agents";

/// Returns whether a table, an index or a view belongs to the runtime.
///
/// The name `_agents` itself also does: the shadow tables of a virtual table have its name and `_` as their
/// prefix.
pub(in crate::storage) fn is_reserved(name: &str) -> bool {
    let name = name.as_bytes();
    let start = name.get(..STEM.len()).is_some_and(|start| start.eq_ignore_ascii_case(STEM));
    start && name.get(STEM.len()).is_none_or(|next| *next == b'_')
}

/// Returns whether a statement contains a name of the runtime, including in quotes and comments.
///
/// The authorizer gets the name of a table that is renamed but not the new name. It gets the name of a table
/// that is made but not the names that the table refers to.
pub(in crate::storage) fn names_reserved(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    let mut parts = bytes.windows(STEM.len()).enumerate();
    parts.any(|(at, part)| {
        part.eq_ignore_ascii_case(STEM)
            && at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]))
            && bytes.get(at + STEM.len()).is_none_or(|next| *next == b'_' || !is_word(*next))
    })
}

/// Returns whether a statement contains the keyword `ROLLBACK` outside of quotes and comments.
///
/// `INSERT OR ROLLBACK`, `ON CONFLICT ROLLBACK` and `RAISE(ROLLBACK, ..)` would undo the whole
/// transaction, which holds the writes of other turns too. The authorizer does not see them.
pub(in crate::storage) fn says_rollback(sql: &str) -> bool {
    const WORD: &[u8] = b"rollback";
    let bytes = sql.as_bytes();
    // Most statements do not contain these letters at all.
    if !bytes.windows(WORD.len()).any(|part| part.eq_ignore_ascii_case(WORD)) {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => after_quote(bytes, at + 1, quote),
            b'[' => after_quote(bytes, at + 1, b']'),
            b'-' if bytes.get(at + 1) == Some(&b'-') => after(bytes, at + 2, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => after(bytes, at + 2, b"*/"),
            byte if is_word(byte) => {
                let end = (at..bytes.len()).find(|end| !is_word(bytes[*end])).unwrap_or(bytes.len());
                if bytes[at..end].eq_ignore_ascii_case(WORD) {
                    return true;
                }
                end
            }
            _ => at + 1,
        };
    }
    false
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Returns the position behind a quoted part. A doubled quote ends one part and begins the next one, which
/// gives the same result.
fn after_quote(bytes: &[u8], from: usize, quote: u8) -> usize {
    after(bytes, from, &[quote])
}

fn after(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(end.len()).position(|part| part == end).map_or(bytes.len(), |at| from + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_known_in_any_case() {
        assert!(is_reserved("_agents_kv") && is_reserved("_AGENTS_KV") && is_reserved("_agents_"));
        assert!(is_reserved("_agents"), "its shadow tables would be");
        assert!(!is_reserved("agents_kv") && !is_reserved("_agentsx") && !is_reserved("x_agents_kv"));
    }

    #[test]
    fn reserved_names_are_found_in_statements() {
        for sql in
            ["_agents_kv", "a \"_AGENTS_x\"", "rename to[_agents]", "content='_agents_kv'", "t(_agents_)"]
        {
            assert!(names_reserved(sql), "{sql}");
        }
        for sql in ["my_agents_list", "agents_kv", "_agentsx", "é_agents_x", "", "_agent"] {
            assert!(!names_reserved(sql), "{sql}");
        }
    }

    #[test]
    fn rollback_is_found_as_a_keyword_only() {
        for sql in [
            "INSERT OR ROLLBACK INTO t VALUES (1)",
            "insert or/**/rollback into t values (1)",
            "CREATE TABLE t (a UNIQUE ON CONFLICT RollBack)",
            "SELECT 'it''s' -- '\n; ROLLBACK",
            "rollback",
        ] {
            assert!(says_rollback(sql), "{sql}");
        }
        for sql in [
            "SELECT 'rollback'",
            "SELECT \"rollback\", [rollback], `rollback`",
            "SELECT 1 -- rollback",
            "SELECT 1 /* rollback */",
            "SELECT rollbacks, no_rollback FROM t",
            "SELECT 'a''rollback''b'",
            "SELECT 'rollback",
        ] {
            assert!(!says_rollback(sql), "{sql}");
        }
    }
}
