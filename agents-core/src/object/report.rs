//! The text of an error for clients, and its record in the log.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use thiserror::Error as ThisError;

use crate::error::Error;
use crate::gateway::BodyFault;
use crate::object::TagsError;
use crate::response::{hidden_text, new_id};
use crate::support::sampled::sampled;
use crate::wire::frame;

/// Returns the text of an error for the client. A hidden error is logged with an id, and the text contains
/// the id.
pub(crate) fn client_text(error: &Error, what: &str) -> String {
    for_caller(error, what).0
}

/// Returns the text of an error for the client, and the id in it. A hidden error is logged with the id.
pub(crate) fn for_caller(error: &Error, what: &str) -> (String, Option<String>) {
    match error.client_message() {
        Some(message) => (message.to_owned(), error.logged_id().map(str::to_owned)),
        None => {
            let id = new_id();
            log_hidden(error, what, &id);
            (hidden_text(&id), Some(id))
        }
    }
}

/// Logs a hidden error with its id.
pub(crate) fn log_hidden(error: &Error, what: &str, id: &str) {
    match is_of_client(error) {
        true => {
            sampled!(DEBUG, "errors of clients", error_id = %id, code = error.code(), what, "{}", SingleLine(error))
        }
        false => tracing::error!(error_id = %id, code = error.code(), what, "{}", SingleLine(error)),
    }
}

/// Logs an error whose text the client of a request reads.
pub(crate) fn log_visible(error: &Error, what: &str) {
    sampled!(DEBUG, "visible errors", code = error.code(), what, "{}", SingleLine(error));
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
