//! How a connection is turned away.

use crate::error::Error;
use crate::gateway::cut_reason;
use crate::report;

/// Why a connection is not let in; the client sees the code and the reason as a close frame.
///
/// The connection is accepted and closed at once, without any other frame: the npm client retries
/// a refused *handshake* for ever and never tells the application. Codes 1008 and 4000-4999 are
/// final for it.
///
/// ```
/// use agents_core::Refusal;
///
/// let refusal = Refusal::unauthorized("a token is required");
/// assert_eq!((refusal.code(), refusal.reason()), (4401, "a token is required"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: u16,
    reason: String,
}

impl Refusal {
    /// Refuses with a code of your own, 4000-4999 or 1008 to be final; any other code becomes 4403.
    ///
    /// A reason of more than 123 bytes is cut.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        let code = if matches!(code, 1008 | 4000..=4999) { code } else { 4403 };
        Self { code, reason: cut_reason(reason.into()) }
    }

    /// Refuses with 4401: nobody knows who this is.
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(4401, reason)
    }

    /// Refuses with 4403: known, but not allowed.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(4403, reason)
    }

    /// Refuses with 4404: there is no such thing.
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::new(4404, reason)
    }

    /// Returns the close code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason that the client sees.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// An error that is not a decision: 4500, with the error's text only if clients may read it.
impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        Self::new(4500, report::client_text(&error, "authorize"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_and_fit_a_close_frame() {
        assert_eq!(Refusal::new(1000, "x").code(), 4403);
        assert_eq!(Refusal::new(1008, "x").code(), 1008);
        let long = Refusal::forbidden("é".repeat(100));
        assert_eq!(long.reason().len(), 122);
    }

    #[test]
    fn an_error_becomes_4500_and_keeps_its_secrets() {
        let refusal = Refusal::from(std::io::Error::other("secret"));
        assert_eq!(refusal.code(), 4500);
        assert!(!refusal.reason().contains("secret"));
        assert_eq!(Refusal::from(Error::msg("try later")).reason(), "try later");
    }
}
