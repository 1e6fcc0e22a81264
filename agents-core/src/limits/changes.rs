//! The limits that a program has changed.

use std::fmt::Write;

use crate::limits::Limits;

macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        /// Returns all fields with their values.
        fn fields(&self) -> Vec<(&'static str, String)> {
            // Every field is named, so that a new field is not forgotten.
            let Self { $($field),* } = self;
            vec![$((stringify!($field), format!("{:?}", $field))),*]
        }
    };
}

impl Limits {
    fields! {
        connections, connections_per_address, connections_per_agent, http_connections, upgrades_per_second,
        requests_per_second, messages_per_second, message_bytes, in_flight_per_connection,
        in_flight_bytes_per_connection, mailbox_messages, mailbox_bytes, incoming_bytes, outbox_bytes,
        outgoing_bytes_per_agent, outgoing_bytes, body_bytes, body_timeout, header_bytes, headers,
        handshake_timeout, message_timeout, write_timeout, heartbeat, heartbeat_timeout, idle_timeout,
        agents_awake, start_timeout, alarm_timeout, state_bytes, attachment_bytes, tags_per_connection,
        tag_bytes, name_bytes, open_databases, statement_timeout, shutdown_grace,
    }

    /// Returns the limits that differ from the defaults, for the log: `connections=4096 heartbeat=None`.
    pub(crate) fn changes(&self) -> String {
        let mut text = String::new();
        for ((name, value), (_, default)) in self.fields().into_iter().zip(Self::default().fields()) {
            if value != default {
                let space = if text.is_empty() { "" } else { " " };
                // Writing to a text cannot fail.
                let _ = write!(text, "{space}{name}={value}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::limits::{Limits, Rate};

    #[test]
    fn limits_that_differ_are_named() {
        assert_eq!(Limits::default().changes(), "");
        let limits = Limits {
            connections: 4096,
            heartbeat: None,
            handshake_timeout: Duration::from_millis(300),
            upgrades_per_second: Some(Rate::per_second(10).burst(50)),
            ..Limits::default()
        };
        assert_eq!(
            limits.changes(),
            "connections=4096 upgrades_per_second=Some(Rate { per_second: 10, burst: 50 }) \
             handshake_timeout=300ms heartbeat=None"
        );
    }
}
