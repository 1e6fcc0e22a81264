//! The usage of a whole host.

use crate::limits::LimitCounts;
use crate::object::ObjectMetrics;

/// The usage of all objects of a host since it started, and the counts of its sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostMetrics {
    /// The usage of the objects, including those that have been dropped from memory.
    pub objects: ObjectMetrics,
    /// The number of objects in memory.
    pub awake: usize,
    /// The number of objects that are awake or have connections.
    pub known: usize,
    /// The number of open connections.
    pub connections: usize,
    /// The number of connections that were opened.
    pub opened: u64,
    /// The number of connections that have ended.
    pub closed: u64,
    /// The number of connections that were closed immediately (unknown class, foreign page, too many), and of
    /// requests that were refused before an agent was asked: by the list of origins or by the host's hook.
    pub refused: u64,
    /// The number of connections that were closed with 1013 because their client read too slowly.
    pub overflowed: u64,
    /// The number of connections whose client did not answer a ping in time.
    pub timed_out: u64,
    /// The number of messages that were answered without waking their object.
    pub auto_responses: u64,
    /// The number of times each limit was reached, by the name of the limit.
    pub limits: LimitCounts,
    /// The bytes from clients that are held beyond the free part of each, counted against
    /// [`Limits::incoming_bytes`](crate::Limits::incoming_bytes).
    pub incoming_bytes: usize,
    /// The bytes that wait for clients, counted against
    /// [`Limits::outgoing_bytes`](crate::Limits::outgoing_bytes).
    pub outgoing_bytes: usize,
    /// The number of turns that blocked their thread for more than a second. The log names each of them.
    pub blocked: u64,
}
