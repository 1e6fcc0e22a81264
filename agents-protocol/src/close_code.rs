//! The close codes of WebSockets.
//!
//! Codes below 3000 are defined by RFC 6455. Codes from 4000 on belong to this protocol: their last three
//! digits are the HTTP status with the same meaning. A client must not connect again after a code that [is
//! final](is_final).
//!
//! ```
//! use agents_protocol::wire::close_code;
//!
//! assert_eq!(close_code::UNAUTHORIZED, 4401);
//! assert!(close_code::is_final(close_code::UNAUTHORIZED));
//! assert!(!close_code::is_final(close_code::TRY_AGAIN_LATER));
//! ```

macro_rules! close_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)*) => {
        $($(#[doc = $doc])+ pub const $name: u16 = $code;)*

        /// The named codes: the name, the code, and the first line of the description.
        #[cfg(test)]
        const ALL: &[(&str, u16, &str)] = &[$((stringify!($name), $code, [$($doc),+][0])),*];
    };
}

close_codes! {
    /// The connection has done what it was for.
    NORMAL = 1000;
    /// The server shuts down, or another connection with the same id replaces this one.
    GOING_AWAY = 1001;
    /// The peer broke the WebSocket protocol.
    PROTOCOL_ERROR = 1002;
    /// The close frame had no code. Never sent.
    NO_CODE = 1005;
    /// The connection ended without a close frame. Never sent.
    ABNORMAL = 1006;
    /// A text is not UTF-8.
    INVALID_DATA = 1007;
    /// The agent refuses the connection by a rule of its own.
    POLICY_VIOLATION = 1008;
    /// A message is larger than `Limits::message_bytes`.
    TOO_LARGE = 1009;
    /// The agent failed while the connection was open, or gave it wrong tags.
    INTERNAL_ERROR = 1011;
    /// The server is busy, or the client is too slow.
    TRY_AGAIN_LATER = 1013;
    /// The request makes no sense: a name, a path or a transport that is not supported.
    BAD_REQUEST = 4400;
    /// The client did not say who it is.
    UNAUTHORIZED = 4401;
    /// The client may not connect to this agent, or its page comes from an origin that is not allowed.
    FORBIDDEN = 4403;
    /// There is no such agent.
    NOT_FOUND = 4404;
    /// The client sent nothing for `Limits::idle_timeout`.
    IDLE = 4408;
    /// There are too many connections, of the host, the agent or the address.
    TOO_MANY = 4429;
    /// The agent failed before it accepted the connection, or did not start in time.
    SERVER_ERROR = 4500;
    /// No agent can be started at the moment, or the program did not decide in time.
    UNAVAILABLE = 4503;
}

/// The base of the codes that correspond to an HTTP status.
const STATUS_BASE: u16 = 4000;

/// Returns whether a client must not connect again after this code.
///
/// These are 1008 and 4000 to 4999, as in the npm client.
pub const fn is_final(code: u16) -> bool {
    matches!(code, POLICY_VIOLATION | 4000..=4999)
}

/// Returns whether a peer may send this code in a close frame.
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Returns whether a client application may close with this code: 1000, and 3000 to 4999.
pub const fn is_for_clients(code: u16) -> bool {
    matches!(code, NORMAL | 3000..=4999)
}

/// Returns the code that corresponds to an HTTP status.
pub const fn of_status(status: u16) -> u16 {
    STATUS_BASE + status
}

/// Returns the HTTP status of a refusal with this code: the last three digits of 4400 to 4599, and 403 for
/// all others.
pub const fn status(code: u16) -> u16 {
    match code {
        4400..=4599 => code - STATUS_BASE,
        _ => 403,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = include_str!("../../docs/reference/close-codes.md");

    #[test]
    fn the_reference_has_each_code_once_with_its_name() {
        let rows = REFERENCE.lines().filter(|line| line.starts_with("| 1") || line.starts_with("| 4"));
        let rows: Vec<Vec<&str>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
        assert_eq!(rows.len(), ALL.len());
        for (row, (name, code, meaning)) in rows.iter().zip(ALL) {
            assert_eq!(row[1], code.to_string());
            assert_eq!(row[2], format!("`{name}`"));
            assert_eq!(row[3], meaning.trim());
            let again = if !may_be_sent(*code) {
                "-"
            } else if is_final(*code) {
                "no"
            } else {
                "yes"
            };
            assert_eq!(row[4], again, "{name}");
        }
    }

    #[test]
    fn the_typescript_client_has_the_same_codes() {
        let source = include_str!("../../agents-core/typescript/src/runtime/close-code.ts");
        let lines: Vec<String> = ALL.iter().map(|(name, code, _)| format!("  {name}: {code},")).collect();
        let codes: Vec<&str> = source.lines().filter(|line| line.ends_with(',')).collect();
        assert_eq!(codes, lines);
    }

    #[test]
    fn codes_that_stand_for_a_status_lead_back_to_it() {
        for (name, code, _) in ALL.iter().filter(|(_, code, _)| *code >= STATUS_BASE) {
            assert_eq!(of_status(status(*code)), *code, "{name}");
        }
        assert_eq!((status(POLICY_VIOLATION), status(4001), status(4999)), (403, 403, 403));
    }
}
