//! The text of an error for clients, and its record in the log.

use std::error::Error as StdError;
use std::fmt;

use thiserror::Error as ThisError;

use crate::error::Error;
use crate::gateway::BodyFault;
use crate::object::TagsError;
use crate::response::{hidden_text, new_id};
use crate::support::sampled::sampled;
use crate::support::single_line::SingleLine;
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
