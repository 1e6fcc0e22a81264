//! Texts of others in the log: one line each.

use std::fmt::{self, Write};

/// A text on one line. Errors repeat texts of clients, and such a text must not begin a new line of the log.
pub(crate) struct SingleLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for SingleLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
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
    fn a_line_stays_one() {
        let line = |text: &str| SingleLine(text).to_string();
        assert_eq!(line("plain – text"), "plain – text");
        assert_eq!(line("a\nb\r\u{1b}[1mc\t"), r"a\nb\r\u{1b}[1mc\t");
        assert_eq!(line(""), "");
    }
}
