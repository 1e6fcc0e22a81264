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
pub(crate) fn client_text(agent: &dyn fmt::Debug, error: &Error, method: &str) -> String {
    for_caller(agent, error, method).0
}

/// Returns the text of an error for the client, and the id in it. A hidden error is logged with the id.
pub(crate) fn for_caller(agent: &dyn fmt::Debug, error: &Error, method: &str) -> (String, Option<String>) {
    match error.client_message() {
        Some(message) => (message.to_owned(), error.logged_id().map(str::to_owned)),
        None => {
            let id = new_id();
            log_hidden(agent, error, method, &id);
            (hidden_text(&id), Some(id))
        }
    }
}

/// Logs a hidden error with its id, the agent and the method or hook.
pub(crate) fn log_hidden(agent: &dyn fmt::Debug, error: &Error, method: &str, id: &str) {
    match is_of_client(error) {
        true => {
            sampled!(DEBUG, "errors of clients", ?agent, method, error_id = %id, code = error.code(), "{}", SingleLine(error))
        }
        false => {
            tracing::error!(target: "agents::error", ?agent, method, error_id = %id, code = error.code(), "{}", SingleLine(error))
        }
    }
}

/// Logs that a request was answered with a visible error. Its text is for the client alone.
pub(crate) fn log_visible(agent: &dyn fmt::Debug, error: &Error, method: &str) {
    sampled!(DEBUG, "visible errors", ?agent, method, code = error.code(), "a request was refused");
}

/// The code of the error of a message that a handler cannot read.
const INVALID_MESSAGE: &str = "invalid_message";

/// A violation of the protocol by a client. The program did not cause it, and a client can repeat it any
/// number of times.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) String);

/// Logs the error of a failed handler.
pub(crate) fn handler_failed(whose: &dyn fmt::Debug, error: &Error) {
    let code = error.code();
    match is_of_client(error) {
        // The text of such an error repeats values of the message.
        true if code == INVALID_MESSAGE => {
            sampled!(DEBUG, "messages of another form", agent = ?whose, code, "a message does not have the expected form")
        }
        true => {
            sampled!(DEBUG, "errors of clients in hooks", agent = ?whose, code, "a client broke a rule: {}", SingleLine(error))
        }
        false => {
            tracing::error!(target: "agents::error", agent = ?whose, code, "a handler failed: {}", SingleLine(error))
        }
    }
}

/// Returns whether a client caused an error.
///
/// A client can repeat such an error any number of times, and the program has no fault, so the log does not
/// record it at the level `error`.
fn is_of_client(error: &Error) -> bool {
    let refused = matches!(error.code(), frame::READONLY_CODE | "forbidden" | INVALID_MESSAGE);
    let by_client = |cause: &(dyn StdError + 'static)| {
        cause.is::<Violation>() || cause.is::<TagsError>() || cause.is::<BodyFault>()
    };
    refused || error.causes().any(by_client)
}
