//! The limits of a host by name, and how often each was reached.

use std::fmt;
use std::ops::Index;

use crate::limits::Counter;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)*) => {
        /// A limit of a host that was reached, by its field in [`Limits`](crate::Limits).
        ///
        /// [`HostMetrics::limits`](crate::HostMetrics) counts how often.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Limit {
            /// All limits that are counted.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name of the field in [`Limits`](crate::Limits).
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

limits! {
    /// A connection was refused: the host had all that it may have.
    Connections = "connections",
    /// A connection or request was refused: its address had all that it may have.
    ConnectionsPerAddress = "connections_per_address",
    /// A connection was refused: the agent had all that it may have.
    ConnectionsPerAgent = "connections_per_agent",
    /// A connection was refused: its address opened too many in a short time.
    UpgradesPerSecond = "upgrades_per_second",
    /// A request was refused: its address sent too many in a short time.
    RequestsPerSecond = "requests_per_second",
    /// A TCP connection that was no WebSocket was ended to make room.
    HttpConnections = "http_connections",
    /// A handshake took too long.
    HandshakeTimeout = "handshake_timeout",
    /// The head of a request was too large, or had too many headers.
    HeaderBytes = "header_bytes",
    /// A name of an agent that was too long.
    NameBytes = "name_bytes",
    /// A connection that was to have too many tags.
    TagsPerConnection = "tags_per_connection",
    /// A tag that was too long.
    TagBytes = "tag_bytes",
    /// A state was refused: it was too large.
    StateBytes = "state_bytes",
    /// What was to be kept for a connection was too large.
    AttachmentBytes = "attachment_bytes",
    /// A request with a body that was too large.
    BodyBytes = "body_bytes",
    /// A body stopped on its way.
    BodyTimeout = "body_timeout",
    /// A message that was too large.
    MessageBytes = "message_bytes",
    /// A message stopped on its way.
    MessageTimeout = "message_timeout",
    /// A message had to wait, because its connection sends too fast.
    MessagesPerSecond = "messages_per_second",
    /// A message had to wait, because its connection has enough messages in its agent.
    InFlightPerConnection = "in_flight_per_connection",
    /// A message had to wait, because its connection has enough bytes in its agent.
    InFlightBytesPerConnection = "in_flight_bytes_per_connection",
    /// A message or request had to wait, because the mailbox of its agent had too many of them.
    MailboxMessages = "mailbox_messages",
    /// A message or request had to wait, because the mailbox of its agent had too many bytes.
    MailboxBytes = "mailbox_bytes",
    /// Something large was refused, because clients had sent more than the host keeps.
    IncomingBytes = "incoming_bytes",
    /// A connection was closed, because too much waited for its client.
    OutboxBytes = "outbox_bytes",
    /// Something that an agent sent was refused, because too much of the agent waited.
    OutgoingBytesPerAgent = "outgoing_bytes_per_agent",
    /// While too much waited for all clients together a connection was closed that was behind, or something that an
    /// agent sent was refused.
    OutgoingBytes = "outgoing_bytes",
    /// A connection was dropped whose client took nothing for too long.
    WriteTimeout = "write_timeout",
    /// A connection was closed on which no message came for too long.
    IdleTimeout = "idle_timeout",
    /// A connection was dropped whose client did not answer a ping.
    HeartbeatTimeout = "heartbeat_timeout",
    /// An agent did not start, because too many were awake; its events failed.
    AgentsAwake = "agents_awake",
    /// An agent took too long to start; what had come for it failed.
    StartTimeout = "start_timeout",
    /// The handler of an alarm took too long; it is tried again.
    AlarmTimeout = "alarm_timeout",
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often limits were reached since the host started.
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
    /// All limits with their counts.
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
    /// A limit was reached.
    pub(crate) fn record(&self, limit: Limit) {
        self.0[limit as usize].add(1);
    }

    pub(crate) fn counts(&self) -> LimitCounts {
        LimitCounts(std::array::from_fn(|at| self.0[at].get()))
    }
}
