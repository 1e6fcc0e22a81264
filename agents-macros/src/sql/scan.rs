//! A reader of statements: the text for SQLite, the bound values, and the words that decide the kind.

use std::ops::Range;

/// A statement in its parts.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// The statement with `?1`, `?2` … in place of the values.
    pub(crate) statement: String,
    pub(crate) placeholders: Vec<Placeholder>,
    pub(crate) words: Vec<Word>,
}

/// A value in the statement: `{expression}`.
#[derive(Debug)]
pub(crate) struct Placeholder {
    pub(crate) source: String,
    /// The range of the braces in the text.
    pub(crate) range: Range<usize>,
}

/// A bare word outside of quotes and comments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word in capitals.
    pub(crate) text: String,
    /// The number of open parentheses.
    pub(crate) depth: usize,
}

/// A mistake and its place.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
}

type Result<T> = std::result::Result<T, Mistake>;

/// Reads the text of a statement.
pub(crate) fn scan(text: &str) -> Result<Scanned> {
    check_nul(text)?;
    let mut scanner = Scanner::new(text, false);
    while scanner.at < text.len() {
        scanner.step()?;
    }
    Ok(scanner.out)
}

/// Reads the text of several statements without values. Returns the words of each.
pub(crate) fn statements(text: &str) -> Result<Vec<Vec<Word>>> {
    check_nul(text)?;
    let mut scanner = Scanner::new(text, true);
    while scanner.at < text.len() {
        scanner.step()?;
    }
    if scanner.depth > 0 {
        return Err(Mistake { range: 0..text.len(), message: "a `(` is not closed".to_owned() });
    }
    scanner.next_statement();
    Ok(scanner.statements)
}

fn check_nul(text: &str) -> Result<()> {
    let Some(at) = text.find('\0') else { return Ok(()) };
    // SQLite reads up to the NUL character and ignores the rest without an error.
    let message = "a statement may not contain a NUL character: bind a value that has one".to_owned();
    Err(Mistake { range: at..at + 1, message })
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The number of open parentheses.
    depth: usize,
    /// The number of open `BEGIN`s and `CASE`s of a trigger, where semicolons do not end the statement.
    blocks: usize,
    /// `true` if a semicolon has ended the statement.
    ended: bool,
    /// `true` if the text has any number of statements, without values.
    many: bool,
    /// The words of the statements before this one, if there are many.
    statements: Vec<Vec<Word>>,
    out: Scanned,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str, many: bool) -> Self {
        let (statements, out) = (Vec::new(), Scanned::default());
        Self { text, at: 0, depth: 0, blocks: 0, ended: false, many, statements, out }
    }
}

impl Scanner<'_> {
    fn next_statement(&mut self) {
        let words = std::mem::take(&mut self.out.words);
        if !words.is_empty() {
            self.statements.push(words);
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn mistake<T>(&self, length: usize, message: impl Into<String>) -> Result<T> {
        Err(Mistake { range: self.at..self.at + length, message: message.into() })
    }

    /// Copies the next bytes unchanged.
    fn copy(&mut self, length: usize) {
        let end = self.at + length;
        self.out.statement.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn step(&mut self) -> Result<()> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        if first.is_whitespace() {
            self.copy(first.len_utf8());
            return Ok(());
        }
        if rest.starts_with("--") {
            let length = rest.find('\n').unwrap_or(rest.len());
            self.copy(length);
            return Ok(());
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            let length = comment.find("*/").map_or(rest.len(), |end| end + 4);
            self.copy(length);
            return Ok(());
        }
        if self.ended {
            let why = "this is a second statement: write one `sql!` for each, or `cx.sql().transaction(..)` around them";
            return self.mistake(rest.trim_end().len(), why);
        }
        match first {
            '\'' | '"' | '`' | '[' => self.quoted(first),
            '{' | '}' if self.many => {
                self.copy(1);
                Ok(())
            }
            ')' if self.many && self.depth == 0 => self.mistake(1, "this `)` has no `(`"),
            '{' if rest.starts_with("{{") => self.brace('{'),
            '{' => self.placeholder(),
            '}' if rest.starts_with("}}") => self.brace('}'),
            '}' => self.mistake(1, "this `}` has no `{`: write `}}` for a brace"),
            '?' | ':' | '@' | '#' | '$' => self.parameter(first),
            ';' => self.semicolon(),
            '(' => {
                self.depth += 1;
                self.copy(1);
                Ok(())
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                self.copy(1);
                Ok(())
            }
            first if first.is_alphanumeric() || first == '_' => {
                self.word();
                Ok(())
            }
            other => {
                self.copy(other.len_utf8());
                Ok(())
            }
        }
    }

    /// Writes one brace for a doubled one.
    fn brace(&mut self, brace: char) -> Result<()> {
        self.out.statement.push(brace);
        self.at += 2;
        Ok(())
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest
            .find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'))
            .unwrap_or(rest.len());
        let text = rest[..length].to_uppercase();
        if self.is_trigger() {
            match text.as_str() {
                "BEGIN" | "CASE" => self.blocks += 1,
                "END" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        }
        self.out.words.push(Word { text, depth: self.depth });
        self.copy(length);
    }

    fn is_trigger(&self) -> bool {
        let is = |index: usize, name: &str| self.out.words.get(index).is_some_and(|word| word.text == name);
        is(0, "CREATE") && (1..=2).any(|index| is(index, "TRIGGER"))
    }

    fn semicolon(&mut self) -> Result<()> {
        self.ended = self.blocks == 0 && !self.many;
        if self.blocks == 0 && self.many {
            self.next_statement();
        }
        self.copy(1);
        Ok(())
    }

    /// Reports SQLite's own parameters, which have no value here.
    fn parameter(&self, first: char) -> Result<()> {
        let rest = self.rest();
        let length = rest[1..]
            .find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .map_or(rest.len(), |length| length + 1);
        let parameter = &rest[..length];
        if self.many && (first == '?' || length > 1) {
            return self.mistake(
                length,
                format!("`{parameter}`: a migration has no values, write the value itself"),
            );
        }
        if first == '?' || length > 1 {
            return self.mistake(length, format!("`{parameter}` has no value here: write `{{value}}`"));
        }
        self.mistake(1, format!("SQL has no `{first}` here"))
    }

    /// Reads a text, or a name in quotes; both may contain doubled braces, but no values.
    fn quoted(&mut self, open: char) -> Result<()> {
        let close = if open == '[' { ']' } else { open };
        let start = self.at;
        self.copy(1);
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                let message = format!("this {} is not closed", if open == '\'' { "text" } else { "name" });
                return Err(Mistake { range: start..self.text.len(), message });
            };
            if first == close {
                self.copy(1);
                // A doubled quote is one quote.
                if open != '[' && self.rest().starts_with(close) {
                    self.copy(1);
                    continue;
                }
                return Ok(());
            }
            match first {
                '{' | '}' if self.many => self.copy(1),
                '{' if rest.starts_with("{{") => self.brace('{')?,
                '}' if rest.starts_with("}}") => self.brace('}')?,
                '{' => return self.value_in_quotes(open),
                '}' => return self.mistake(1, "write `}}` for a brace, also inside quotes"),
                other => self.copy(other.len_utf8()),
            }
        }
    }

    fn value_in_quotes<T>(&self, open: char) -> Result<T> {
        let rest = self.rest();
        let length = rest.find('}').map_or(1, |end| end + 1);
        let value = &rest[..length];
        let message = if open == '\'' {
            format!(
                "`{value}` inside quotes would not be bound: write `'..' || {value} || '..'`, or `{{{{` for a brace"
            )
        } else {
            format!(
                "`{value}` cannot be a name: only values are bound. Write the name out, or use `cx.sql()`"
            )
        };
        self.mistake(length, message)
    }

    fn placeholder(&mut self) -> Result<()> {
        let rest = self.rest();
        let Some(length) = closing(rest) else {
            return self.mistake(rest.len(), "this `{` has no `}`: write `{{` for a brace");
        };
        let source = &rest[1..length - 1];
        if source.trim().is_empty() {
            return self.mistake(
                length,
                "a value is missing between the braces: write `{value}`, or `{{}}` for braces",
            );
        }
        if rest[length..].starts_with(|next: char| next.is_ascii_digit()) {
            // `?1` followed by `0` would be parameter 10.
            return self
                .mistake(length + 1, "a digit follows the value: put a space or an operator between them");
        }
        let range = self.at..self.at + length;
        self.out.placeholders.push(Placeholder { source: source.to_owned(), range });
        let number = self.out.placeholders.len();
        self.out.statement.push_str(&format!("?{number}"));
        self.at += length;
        Ok(())
    }
}

/// Returns the length up to and including the brace that closes the first one.
///
/// Braces in Rust's strings and characters do not count.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            '"' => {
                let length = string(&text[at..])?;
                letters.nth(text[at + 1..at + length].chars().count().checked_sub(1)?);
            }
            '\'' => {
                if let Some(length) = character(&text[at..]) {
                    letters.nth(text[at + 1..at + length].chars().count().checked_sub(1)?);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the length of a Rust string with its quotes.
fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Returns the length of a Rust character with its quotes; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        letters.next()?;
    }
    letters.next().filter(|(_, letter)| *letter == '\'').map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        scan(text).unwrap().statement
    }

    fn mistake(text: &str) -> (Range<usize>, String) {
        let mistake = scan(text).unwrap_err();
        (mistake.range, mistake.message)
    }

    #[test]
    fn values_become_numbers() {
        assert_eq!(rewritten("SELECT {a}, {b.c()} + {{1}}"), "SELECT ?1, ?2 + {1}");
        let scanned = scan(r#"SELECT {map["}"]}, {'}'}, {S { x: 1 }.x}"#).unwrap();
        let sources: Vec<&str> = scanned.placeholders.iter().map(|found| found.source.as_str()).collect();
        assert_eq!(sources, [r#"map["}"]"#, "'}'", "S { x: 1 }.x"]);
    }

    #[test]
    fn text_names_and_comments_stay() {
        for text in [
            "SELECT 'it''s ; -- not a comment'",
            "SELECT \"a;b\", `c;d`, [e;f] -- {x} ; 'open",
            "SELECT 1 /* ; {x} ' */",
            "SELECT 'é' || x;  \n -- done",
        ] {
            assert_eq!(rewritten(text), text);
        }
        assert_eq!(rewritten("SELECT '{{\"a\":1}}'"), "SELECT '{\"a\":1}'");
    }

    #[test]
    fn mistakes_and_their_places() {
        for (text, range, expected) in [
            ("SELECT '{x}'", 8..11, "would not be bound"),
            ("SELECT * FROM \"{t}\"", 15..18, "cannot be a name"),
            ("SELECT {}", 7..9, "value is missing"),
            ("SELECT {x", 7..9, "has no `}`"),
            ("SELECT x}", 8..9, "has no `{`"),
            ("SELECT ?1", 7..9, "`?1` has no value"),
            ("SELECT :name", 7..12, "`:name` has no value"),
            ("SELECT 'open", 7..12, "not closed"),
            ("DELETE FROM a; DELETE FROM b ", 15..28, "second statement"),
            ("SELECT #a, {b}", 7..9, "`#a` has no value"),
            ("SELECT {a}0 + {b}", 7..11, "a digit follows"),
            ("SELECT 1 \0 WHERE {x}", 9..10, "NUL character"),
        ] {
            let (found, message) = mistake(text);
            assert_eq!(found, range, "{text}");
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_trigger_holds_statements() {
        let trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN \
                       UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END;";
        assert_eq!(rewritten(trigger), trigger);
        assert!(mistake(&format!("{trigger} SELECT 1")).1.contains("second statement"));
    }

    #[test]
    fn words_know_their_depth() {
        let words = scan("WITH a AS (SELECT 1) SELECT b$c").unwrap().words;
        let found: Vec<(&str, usize)> = words.iter().map(|word| (word.text.as_str(), word.depth)).collect();
        assert_eq!(
            found,
            [("WITH", 0), ("A", 0), ("AS", 0), ("SELECT", 1), ("1", 1), ("SELECT", 0), ("B$C", 0)]
        );
    }
}
