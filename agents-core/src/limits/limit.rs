//! The names of the limits of a host, and the number of times that each was reached.

use std::fmt;
use std::ops::Index;

use crate::limits::Counter;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)*) => {
        /// A limit of a host, named after its field in [`Limits`](crate::Limits).
        ///
        /// [`HostMetrics::limits`](crate::HostMetrics) counts how often each limit was reached.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Limit {
            /// The limits that are counted.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the name of the field in [`Limits`](crate::Limits).
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

limits! {
    /// A connection was refused because the host had the largest number of connections.
    Connections = "connections",
    /// A connection or request was refused because its address had the largest number of them.
    ConnectionsPerAddress = "connections_per_address",
    /// A connection was refused because the agent had the largest number of connections.
    ConnectionsPerAgent = "connections_per_agent",
    /// A connection was refused because its address opened too many in a short time.
    UpgradesPerSecond = "upgrades_per_second",
    /// A request was refused because its address sent too many in a short time.
    RequestsPerSecond = "requests_per_second",
    /// A TCP connection that was not a WebSocket was closed so that another one could be accepted.
    HttpConnections = "http_connections",
    /// A handshake took too long.
    HandshakeTimeout = "handshake_timeout",
    /// The head of a request was too large, or had too many headers.
    HeaderBytes = "header_bytes",
    /// A name of an agent was too long.
    NameBytes = "name_bytes",
    /// A connection was given too many tags.
    TagsPerConnection = "tags_per_connection",
    /// A tag was too long.
    TagBytes = "tag_bytes",
    /// A state was refused because it was too large.
    StateBytes = "state_bytes",
    /// The state or the metadata of a connection was too large.
    AttachmentBytes = "attachment_bytes",
    /// The body of a request was too large.
    BodyBytes = "body_bytes",
    /// The body of a request made no progress for too long.
    BodyTimeout = "body_timeout",
    /// A message was too large.
    MessageBytes = "message_bytes",
    /// A message made no progress for too long.
    MessageTimeout = "message_timeout",
    /// A message had to wait because its connection sends too fast.
    MessagesPerSecond = "messages_per_second",
    /// A message had to wait because its agent still handles too many messages of the connection.
    InFlightPerConnection = "in_flight_per_connection",
    /// A message had to wait because its agent still handles too many bytes of the connection.
    InFlightBytesPerConnection = "in_flight_bytes_per_connection",
    /// A message or request had to wait because too many were in the mailbox of its agent.
    MailboxMessages = "mailbox_messages",
    /// A message or request had to wait because the mailbox of its agent held too many bytes.
    MailboxBytes = "mailbox_bytes",
    /// A large message or body was refused because the clients had sent more than the host keeps.
    IncomingBytes = "incoming_bytes",
    /// A connection was closed because too many bytes waited for its client.
    OutboxBytes = "outbox_bytes",
    /// A message of an agent was refused because too many bytes of the agent waited.
    OutgoingBytesPerAgent = "outgoing_bytes_per_agent",
    /// Too many bytes waited for all clients together. A connection that was behind was closed, or a message
    /// of an agent was refused.
    OutgoingBytes = "outgoing_bytes",
    /// A connection was dropped because its client read nothing for too long.
    WriteTimeout = "write_timeout",
    /// A connection was closed because its client sent no message for too long.
    IdleTimeout = "idle_timeout",
    /// A connection was dropped because its client did not answer a ping.
    HeartbeatTimeout = "heartbeat_timeout",
    /// An agent did not start because too many were awake, so its events failed.
    AgentsAwake = "agents_awake",
    /// An agent took too long to start, so the events that waited for it failed.
    StartTimeout = "start_timeout",
    /// The handler of an alarm took too long. The alarm is tried again.
    AlarmTimeout = "alarm_timeout",
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of times that each limit was reached since the host started.
///
/// ```
/// use agents_core::{Limit, LimitCounts};
///
/// let counts = LimitCounts::default();
/// assert_eq!(counts[Limit::Connections], 0);
/// assert!(counts.iter().all(|(limit, count)| !limit.name().is_empty() && count == 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitCounts([u64; Limit::ALL.len()]);

impl LimitCounts {
    /// Returns all limits with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.iter().copied().zip(self.0)
    }

    #[cfg(test)]
    pub(crate) fn set(&mut self, limit: Limit, count: u64) {
        self.0[limit as usize] = count;
    }
}

impl Default for LimitCounts {
    fn default() -> Self {
        Self([0; Limit::ALL.len()])
    }
}

impl Index<Limit> for LimitCounts {
    type Output = u64;

    fn index(&self, limit: Limit) -> &u64 {
        &self.0[limit as usize]
    }
}

/// The counters behind [`LimitCounts`].
#[derive(Debug, Default)]
pub(crate) struct LimitCounters([Counter; Limit::ALL.len()]);

impl LimitCounters {
    /// Records that a limit was reached.
    pub(crate) fn record(&self, limit: Limit) {
        self.0[limit as usize].add(1);
    }

    pub(crate) fn counts(&self) -> LimitCounts {
        LimitCounts(std::array::from_fn(|at| self.0[at].get()))
    }
}
