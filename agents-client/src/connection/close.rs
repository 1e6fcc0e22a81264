//! Close codes and reasons.

use agents_protocol::wire::close_code;

use crate::{ClientError, Lost};

/// The maximum length of a reason in a close frame, in bytes.
const REASON_LIMIT: usize = 123;

/// A code and a reason to close with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloseFrame {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl CloseFrame {
    /// Checks a code and a reason that an application closes with.
    pub(crate) fn new(code: u16, reason: &str) -> Result<Self, ClientError> {
        if close_code::is_for_clients(code) && reason.len() <= REASON_LIMIT {
            Ok(Self { code, reason: reason.to_owned() })
        } else {
            Err(ClientError::CloseCode)
        }
    }

    pub(crate) fn normal() -> Self {
        Self { code: close_code::NORMAL, reason: String::new() }
    }
}

/// Returns the meaning of a close by the server: a final error, or a reason to reconnect.
pub(crate) fn closed_by_server(code: u16, reason: String) -> Result<Lost, ClientError> {
    if close_code::is_final(code) {
        Err(ClientError::Refused { code, reason })
    } else {
        Ok(Lost::Closed { code, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_of_applications() {
        for (code, reason, good) in [
            (1000, String::new(), true),
            (3000, "x".repeat(123), true),
            (4999, String::new(), true),
            (4999, "x".repeat(124), false),
            (1001, String::new(), false),
            (1005, String::new(), false),
            (2999, String::new(), false),
            (5000, String::new(), false),
        ] {
            assert_eq!(CloseFrame::new(code, &reason).is_ok(), good, "{code}");
        }
    }

    #[test]
    fn only_policy_and_application_codes_are_final() {
        for code in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 3000, 3999] {
            assert!(closed_by_server(code, String::new()).is_ok(), "{code}");
        }
        for code in [1008, 4000, 4401, 4999] {
            assert!(closed_by_server(code, String::new()).is_err(), "{code}");
        }
    }
}
