//! The text of an error for clients, and its record in the log.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;

use thiserror::Error as ThisError;

use crate::error::Error;
use crate::gateway::BodyFault;
use crate::object::{ObjectKey, TagsError};
use crate::response::{hidden_text, new_id};
use crate::support::sampled::sampled;
use crate::support::single_line::SingleLine;
use crate::wire::frame;

tokio::task_local! {
    /// The class and the name that the running `authorize` decides about; the program may yet choose the name.
    static DECIDED: (Arc<str>, Option<Arc<str>>);
}

/// Runs a function of the program that decides about a client. Its errors are logged with the class and the name.
pub(crate) async fn deciding<T>(
    class: Arc<str>,
    name: Option<Arc<str>>,
    decide: impl Future<Output = T>,
) -> T {
    DECIDED.scope((class, name), decide).await
}

/// Returns the text of an error for the client. A hidden error is logged with an id, and the text contains
/// the id.
pub(crate) fn client_text(agent: &ObjectKey, error: &Error, method: &str) -> String {
    for_caller(agent, error, method).0
}

/// Returns the text of an error for the client, and the id in it. A hidden error is logged with the id.
pub(crate) fn for_caller(agent: &ObjectKey, error: &Error, method: &str) -> (String, Option<String>) {
    text((Some(&agent.class), Some(&agent.name)), error, method)
}

/// Returns the text of an error of `authorize` as [`client_text`] does.
pub(crate) fn refusal_text(error: &Error) -> String {
    let decided = DECIDED.try_with(Clone::clone).ok();
    let class = decided.as_ref().map(|(class, _)| &**class);
    let name = decided.as_ref().and_then(|(_, name)| name.as_deref());
    text((class, name), error, "authorize").0
}

fn text(agent: (Option<&str>, Option<&str>), error: &Error, method: &str) -> (String, Option<String>) {
    match error.client_message() {
        Some(message) => (message.to_owned(), error.logged_id().map(str::to_owned)),
        None => {
            let id = new_id();
            log(agent, error, method, &id);
            (hidden_text(&id), Some(id))
        }
    }
}

/// Logs a hidden error with its id, the agent and the method or hook.
pub(crate) fn log_hidden(agent: &ObjectKey, error: &Error, method: &str, id: &str) {
    log((Some(&agent.class), Some(&agent.name)), error, method, id);
}

fn log((class, name): (Option<&str>, Option<&str>), error: &Error, method: &str, error_id: &str) {
    let code = error.code();
    match is_of_client(error) {
        true => {
            sampled!(DEBUG, "errors of clients", class, name, method, error_id, code, "{}", SingleLine(error))
        }
        false => {
            tracing::error!(target: "agents::error", class, name, method, error_id, code, "{}", SingleLine(error))
        }
    }
}

/// Logs that a request was answered with a visible error. Its text is for the client alone.
pub(crate) fn log_visible(agent: &ObjectKey, error: &Error, method: &str) {
    let (class, name, code) = (&*agent.class, &*agent.name, error.code());
    sampled!(DEBUG, "visible errors", class, name, method, code, "a request was refused");
}

/// The code of the error of a message that a handler cannot read.
const INVALID_MESSAGE: &str = "invalid_message";

/// A violation of the protocol by a client. The program did not cause it, and a client can repeat it any
/// number of times.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) String);

/// Logs the error of a failed handler.
pub(crate) fn handler_failed(agent: &ObjectKey, error: &Error) {
    let (class, name, code) = (&*agent.class, &*agent.name, error.code());
    match is_of_client(error) {
        // The text of such an error repeats values of the message.
        true if code == INVALID_MESSAGE => {
            sampled!(
                DEBUG,
                "messages of another form",
                class,
                name,
                code,
                "a message does not have the expected form"
            )
        }
        true => {
            sampled!(
                DEBUG,
                "errors of clients in hooks",
                class,
                name,
                code,
                "a client broke a rule: {}",
                SingleLine(error)
            )
        }
        false => {
            tracing::error!(target: "agents::error", class, name, code, "a handler failed: {}", SingleLine(error))
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
