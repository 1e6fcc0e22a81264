//! Limits of a host.

use std::time::Duration;

/// Limits of a host; change the ones you need.
///
/// ```
/// let mut limits = agents_core::Limits::default();
/// limits.message_bytes = 1024 * 1024;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one message from a client; a larger one closes its connection with 1009. 32 MiB.
    pub message_bytes: usize,
    /// Bytes of the body of one HTTP request; a larger one is answered with 413. 32 MiB.
    pub body_bytes: usize,
    /// Connections of one agent; one more is closed with 4429. 32,768.
    pub connections_per_agent: usize,
    /// Messages of one connection that are handled at a time; further ones are read later. 1,024.
    pub in_flight_per_connection: u32,
    /// Bytes that wait for one client; a client that stays further behind is closed with 1013. 64 MiB.
    pub outbox_bytes: usize,
    /// Bytes of the state of one connection, as JSON. 16 KiB.
    pub attachment_bytes: usize,
    /// Bytes of the name of an agent, as it stands in the address. 1,024.
    pub name_bytes: usize,
    /// How long a client may be silent before it gets a ping; `None` sends none. 30 s.
    pub heartbeat: Option<Duration>,
    /// How long a client may be silent after a ping before its connection counts as dropped. 20 s.
    pub heartbeat_timeout: Duration,
    /// How many databases may be open before idle agents close theirs after 200 ms instead of when they
    /// sleep; an open one takes three files of the process. 1,000.
    pub open_databases: usize,
    /// How long handlers may go on once the host stops. 10 s.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            message_bytes: 32 * MIB,
            body_bytes: 32 * MIB,
            connections_per_agent: 32_768,
            in_flight_per_connection: 1024,
            outbox_bytes: 64 * MIB,
            attachment_bytes: 16 * 1024,
            name_bytes: 1024,
            heartbeat: Some(Duration::from_secs(30)),
            heartbeat_timeout: Duration::from_secs(20),
            open_databases: 1000,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}
