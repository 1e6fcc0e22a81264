//! What a whole host has used.

use crate::limits::LimitCounts;
use crate::object::ObjectMetrics;

/// What all objects of a host have used since it started, and what its sockets did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostMetrics {
    /// What the objects used, those included that are asleep and forgotten.
    pub objects: ObjectMetrics,
    /// How many objects are in memory.
    pub awake: usize,
    /// How many objects are awake or have connections.
    pub known: usize,
    /// How many connections are open.
    pub connections: usize,
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that have ended.
    pub closed: u64,
    /// Connections that were closed at once (unknown class, foreign page, too many), and requests that were
    /// turned away before an agent was asked: by the list of origins or by the host's hook.
    pub refused: u64,
    /// Connections that were closed with 1013 because their client stayed behind.
    pub overflowed: u64,
    /// Connections whose client showed no sign of life.
    pub timed_out: u64,
    /// Messages that were answered without waking their object.
    pub auto_responses: u64,
    /// How often limits were reached, by their names.
    pub limits: LimitCounts,
    /// Bytes of clients that are held beyond what each may have anyway, of
    /// [`Limits::incoming_bytes`](crate::Limits::incoming_bytes).
    pub incoming_bytes: usize,
    /// Bytes that wait for clients and count for [`Limits::outgoing_bytes`](crate::Limits::outgoing_bytes).
    pub outgoing_bytes: usize,
    /// Turns of handlers that blocked their thread for more than a second. The log names each of them.
    pub blocked: u64,
}
