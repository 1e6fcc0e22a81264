//! The text of an error for clients, and its record in the log.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use thiserror::Error as ThisError;

use crate::error::Error;
use crate::gateway::BodyFault;
use crate::object::TagsError;
use crate::support::sampled::sampled;
use crate::wire::frame;

/// The letters and digits of an id. Characters that look alike are missing.
const ALPHABET: [char; 31] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x',
    'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// Returns the text of an error for the client. A hidden error is logged with an id, and the text contains
/// the id.
pub(crate) fn client_text(error: &Error, what: &str) -> String {
    match error.client_message() {
        Some(message) => message.to_owned(),
        None => {
            let id = nanoid::nanoid!(10, &ALPHABET);
            match is_of_client(error) {
                true => {
                    sampled!(DEBUG, "errors of clients", error_id = %id, code = error.code(), what, "{}", SingleLine(error))
                }
                false => tracing::error!(error_id = %id, code = error.code(), what, "{}", SingleLine(error)),
            }
            format!("Internal error (id {id})")
        }
    }
}

/// A violation of the protocol by a client. The program did not cause it, and a client can repeat it any
/// number of times.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) String);

/// Logs the error of a failed handler.
pub(crate) fn handler_failed(whose: &dyn fmt::Debug, error: &Error) {
    let code = error.code();
    match is_of_client(error) {
        true => {
            sampled!(DEBUG, "errors of clients in hooks", agent = ?whose, code, "a client broke a rule: {}", SingleLine(error))
        }
        false => tracing::error!(agent = ?whose, code, "a handler failed: {}", SingleLine(error)),
    }
}

/// Returns whether a client caused an error.
///
/// A client can repeat such an error any number of times, and the program has no fault, so the log does not
/// record it at the level `error`.
fn is_of_client(error: &Error) -> bool {
    let refused = matches!(error.code(), frame::READONLY_CODE | "forbidden" | "invalid_message");
    let by_client = |cause: &(dyn StdError + 'static)| {
        cause.is::<Violation>() || cause.is::<TagsError>() || cause.is::<BodyFault>()
    };
    refused || error.causes().any(by_client)
}

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
