//! Texts of others in the log: one line each.

use std::fmt::{self, Write};

/// A text on one line. Errors repeat texts of clients, and such a text must not begin a new line of the log.
pub(crate) struct SingleLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for SingleLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

/// The maximum number of characters of a [`Shortened`] text.
const SHORT: usize = 40;

/// The beginning of a text that a client chose, on one line.
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHORT) {
            Some((end, _)) => write!(f, "{}…", SingleLine(&self.0[..end])),
            None => SingleLine(self.0).fmt(f),
        }
    }
}

struct Escape<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            let mut letters = part.chars();
            match letters.next_back() {
                Some(last) if last.is_control() => {
                    write!(self.0, "{}{}", letters.as_str(), last.escape_default())?
                }
                _ => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Shortened("a\nb").to_string(), r"a\nb");
        assert_eq!(Shortened(&"ü".repeat(40)).to_string(), "ü".repeat(40));
        assert_eq!(Shortened(&"ü".repeat(41)).to_string(), format!("{}…", "ü".repeat(40)));
    }

    #[test]
    fn a_line_stays_one() {
        let line = |text: &str| SingleLine(text).to_string();
        assert_eq!(line("plain – text"), "plain – text");
        assert_eq!(line("a\nb\r\u{1b}[1mc\t"), r"a\nb\r\u{1b}[1mc\t");
        assert_eq!(line(""), "");
    }
}
