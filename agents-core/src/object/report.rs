//! The text of an error for clients, and its record in the log.

use std::error::Error as StdError;
use std::fmt;

use thiserror::Error as ThisError;

use crate::error::Error;
use crate::gateway::BodyFault;
use crate::object::TagsError;
use crate::support::sampled::sampled;
use crate::support::single_line::SingleLine;
use crate::wire::frame;

/// The letters and digits of an id. Characters that look alike are missing.
const ALPHABET: [char; 31] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x',
    'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// Returns the text of an error for the client. A hidden error is logged with an id, and the text contains
/// the id, the agent and the method or hook.
pub(crate) fn client_text(agent: &dyn fmt::Debug, error: &Error, method: &str) -> String {
    match error.client_message() {
        Some(message) => message.to_owned(),
        None => {
            let id = nanoid::nanoid!(10, &ALPHABET);
            match is_of_client(error) {
                true => {
                    sampled!(DEBUG, "errors of clients", ?agent, method, error_id = %id, code = error.code(), "{}", SingleLine(error))
                }
                false => {
                    tracing::error!(target: "agents::error", ?agent, method, error_id = %id, code = error.code(), "{}", SingleLine(error))
                }
            }
            format!("Internal error (id {id})")
        }
    }
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
