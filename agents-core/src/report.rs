//! What clients read of an error, and what the log gets.

use crate::error::Error;

/// Letters that nobody confuses when an id is read out.
const ALPHABET: [char; 31] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x',
    'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// The text for the client. A hidden error is logged under an id, and the text names the id.
pub(crate) fn client_text(error: &Error, what: &str) -> String {
    match error.client_message() {
        Some(message) => message.to_owned(),
        None => {
            let id = nanoid::nanoid!(10, &ALPHABET);
            tracing::error!(error_id = %id, code = error.code(), what, "{error}");
            format!("Internal error (id {id})")
        }
    }
}
