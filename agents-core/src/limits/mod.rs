//! The limits of a host.

mod changes;
mod counter;
mod limit;
mod rate;
mod usable_memory;

use std::time::Duration;

pub(crate) use counter::Counter;
pub(crate) use limit::LimitCounters;
pub use limit::{Limit, LimitCounts};
pub use rate::Rate;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// The smallest and the largest default of the bytes that all clients together may hold.
const LEAST_SHARED: usize = 4 * MIB;
const MOST_SHARED: usize = 4096 * MIB;
/// The smallest effective value of [`Limits::tag_bytes`].
const MIN_TAG_BYTES: usize = 32;
/// The memory that is assumed when the memory of the machine is unknown.
const USUAL_MEMORY: u64 = 4096 * MIB as u64;

/// The limits of a host. Change the fields that you need.
///
/// ```
/// use agents_core::{Limits, Rate};
///
/// let mut limits = Limits::default();
/// limits.message_bytes = 1024 * 1024;
/// limits.messages_per_second = Some(Rate::per_second(20).burst(100));
/// ```
///
/// Everything that clients can make grow has a limit here. [`HostMetrics::limits`](crate::HostMetrics) counts
/// how often each limit was reached. The metric `agents_limit_reached_total` has the same counts, labelled
/// with the name of the field.
///
/// | field | default | effect when it is reached |
/// |---|---|---|
/// | `connections` | 65,536 | 4429, `too many connections` |
/// | `connections_per_address` | none | 4429, `too many connections`; a request 429 |
/// | `connections_per_agent` | 32,768 | 4429, `too many connections` |
/// | `http_connections` | 16,384 | the connection that has waited longest without a request is dropped |
/// | `upgrades_per_second` | none | 4429, `too many connections, try again later` |
/// | `requests_per_second` | none | 429 with `Retry-After` |
/// | `messages_per_second` | none | is read more slowly |
/// | `message_bytes` | 32 MiB | 1009, `message too big` |
/// | `in_flight_per_connection` | 1,024 | is read later |
/// | `in_flight_bytes_per_connection` | 64 MiB | is read later |
/// | `mailbox_messages` | 4,096 | is read later; a request waits |
/// | `mailbox_bytes` | 64 MiB | is read later; a request waits |
/// | `incoming_bytes` | a quarter of the memory | 1013, `server is busy`; a request 503 |
/// | `outbox_bytes` | 64 MiB | 1013, `too slow` |
/// | `outgoing_bytes_per_agent` | 64 MiB | an error in the agent that sends too much at a time |
/// | `outgoing_bytes` | a quarter of the memory | 1013, `too slow`; an error in an agent that sends much at a time |
/// | `body_bytes` | 32 MiB | 413 |
/// | `body_timeout` | 30 s | 408 |
/// | `header_bytes`, `headers` | 16 KiB, 100 | 431 |
/// | `handshake_timeout` | 10 s | dropped; 4503 if the program does not decide in time; a request 503 |
/// | `message_timeout` | 30 s | 1013, `message timed out` |
/// | `write_timeout` | 30 s | dropped |
/// | `heartbeat`, `heartbeat_timeout` | 30 s, 20 s | a ping, then dropped |
/// | `idle_timeout` | none | 4408, `idle` |
/// | `agents_awake` | 10,000 | waits up to 10 s, then 1013 (4503 before it was accepted), `server is busy`; a request 503 |
/// | `statement_timeout` | 30 s | an error in the agent |
/// | `start_timeout` | 30 s | 4500, `the agent did not start within 30s`; a request 500 |
/// | `alarm_timeout` | 15 minutes | the handler is dropped, and the alarm is tried again |
/// | `state_bytes` | 4 MiB | an error in the agent; a client that pushes gets an error |
/// | `attachment_bytes` | 16 KiB | an error in the agent |
/// | `tags_per_connection`, `tag_bytes` | 9, 256 | 1011 with a reason |
/// | `name_bytes` | 1,024 | 4400; a request 400 |
///
/// Codes from 4000 are final for the npm client, so that the refused connections do not all reconnect at
/// once. A final code is also needed before the identity frame: if the client reconnected there, a promise
/// that the program has already taken from `ready` would never settle. After 1013 the client connects again,
/// with a growing delay.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The number of connections of the host. 65,536.
    ///
    /// Each connection takes one file descriptor of the process. The host raises the limit of open files as
    /// far as the system allows, and logs a warning when most of them are taken.
    pub connections: usize,
    /// The number of connections of one address plus its requests that are not fully answered; `None` for no
    /// limit. `None` by default.
    ///
    /// All IPv6 addresses that share their first 64 bits count as one address. Behind a proxy, set
    /// [`Agents::trusted_proxies`](crate::Agents::trusted_proxies); otherwise all clients count as one
    /// address.
    pub connections_per_address: Option<usize>,
    /// The number of connections of one agent. 32,768.
    pub connections_per_agent: usize,
    /// The number of TCP connections of [`Agents::serve`](crate::Agents::serve) that are not WebSockets, or
    /// not yet. 16,384.
    ///
    /// When all are taken and another connection arrives, the connection that has waited longest without a
    /// request is dropped, even if it had a request before. If all of them are being answered, the new
    /// connection is dropped.
    pub http_connections: usize,
    /// The rate at which one address may open connections; `None` for no limit. `None` by default.
    pub upgrades_per_second: Option<Rate>,
    /// The rate at which one address may send HTTP requests; `None` for no limit. `None` by default.
    pub requests_per_second: Option<Rate>,
    /// The rate at which one connection may send messages; `None` for no limit. `None` by default.
    ///
    /// No message is lost: the connection is not read until the rate allows it, so a client that sends faster
    /// has to wait.
    pub messages_per_second: Option<Rate>,
    /// The bytes of one message from a client. 32 MiB.
    pub message_bytes: usize,
    /// The number of messages of one connection that are handled at a time; further ones are read later.
    /// 1,024.
    pub in_flight_per_connection: u32,
    /// The bytes of the messages of one connection that are handled at a time. One message is always let
    /// through. Each message counts 128 bytes more than its length. 64 MiB.
    pub in_flight_bytes_per_connection: usize,
    /// The number of messages, requests and other events that wait for one agent. 4,096.
    pub mailbox_messages: usize,
    /// The bytes of the messages and requests that wait for one agent. One is always let through. 64 MiB.
    pub mailbox_bytes: usize,
    /// The bytes of all clients together that have arrived and are not handled yet. This includes incomplete
    /// messages and the bodies of requests. A quarter of the memory that the process may use, 4 GiB at most.
    ///
    /// A text of more than 64 KiB counts with the size that it may have after its agent has read it as JSON:
    /// `[0,0,…]` as a `serde_json::Value` takes about forty times its length. A body that a handler has collected
    /// counts in the same way until its request is over. The first 64 KiB of each connection or request are not
    /// counted. While the limit is reached, a message or body that needs more is refused. A connection with
    /// messages in its agent, or a body that an agent passes on piece by piece, is read later instead. Values that
    /// a handler makes of the data that it has read are not counted.
    pub incoming_bytes: usize,
    /// The bytes that wait for one client. A client that falls further behind is closed. Each frame counts
    /// 128 bytes more than its length. 64 MiB.
    pub outbox_bytes: usize,
    /// The bytes of one agent that wait for the end of a turn, or for the disk, before they are sent. 64 MiB,
    /// at least 64 KiB.
    ///
    /// Each message that an agent sends beyond the limit fails with the code `overflow`; one message always
    /// passes. While more than half of the limit waits, the agent takes no messages and its handlers wait. A
    /// message counts 128 bytes more than its length, and a broadcast counts once. Answers of calls are never
    /// refused.
    pub outgoing_bytes_per_agent: usize,
    /// The bytes that wait for all clients together, including those in agents. A quarter of the memory that
    /// the process may use, 4 GiB at most.
    ///
    /// While more bytes wait, a client that has more than 64 KiB to take is closed when it is sent something.
    /// An agent that has more than 64 KiB to send waits as described above. A broadcast counts once.
    pub outgoing_bytes: usize,
    /// The bytes of the body of one HTTP request. 32 MiB.
    ///
    /// A body with a larger announced length is refused before it is read. A body that becomes larger fails
    /// where it is read, and the client gets 413 unless the response has begun. Bodies are streamed with at
    /// most 256 KiB in memory, so a higher limit alone does not cost memory. A handler that collects a body
    /// sets its own limit. Axum's `Bytes`, `String`, `Json` and `Form` take 2 MB.
    pub body_bytes: usize,
    /// The time for which the body of a request may make no progress. 30 s.
    ///
    /// The time does not run while the handler is slower than the client.
    pub body_timeout: Duration,
    /// The bytes of the head of a request, for [`Agents::serve`](crate::Agents::serve). 16 KiB.
    pub header_bytes: usize,
    /// The number of headers of a request, for [`Agents::serve`](crate::Agents::serve). 100.
    pub headers: usize,
    /// The time from the opening of a connection to the end of the headers of its request. 10 s.
    ///
    /// The same time applies to the decision of [`Agents::authorize`](crate::Agents::authorize) after the
    /// headers, and to the idle time of a connection between two requests.
    pub handshake_timeout: Duration,
    /// The time for which a message that has begun may make no progress. 30 s.
    pub message_timeout: Duration,
    /// The time for which a client may read nothing while bytes wait for it. HTTP answers that
    /// [`Agents::serve`](crate::Agents::serve) sends are included. 30 s.
    pub write_timeout: Duration,
    /// The time for which a client may be silent before it gets a ping; `None` sends no pings. 30 s.
    pub heartbeat: Option<Duration>,
    /// The time for which a client may be silent after a ping before its connection counts as dropped. 20 s.
    pub heartbeat_timeout: Duration,
    /// The time for which a client may send no message; `None` for no limit. `None` by default.
    ///
    /// Messages that are answered automatically count. Pings and their answers do not count. A connection
    /// that was just pinged is checked again after `heartbeat_timeout`, so it may be closed that much later.
    pub idle_timeout: Option<Duration>,
    /// The number of agents and objects that are in memory at a time. 10,000.
    ///
    /// When the limit is reached and another object has to start, idle objects sleep at once, regardless of
    /// the idle time of their class. Objects that never sleep count as well.
    pub agents_awake: usize,
    /// The longest time for which an agent or object may start. 30 s.
    ///
    /// After this time its `on_start` is dropped, all events that have arrived for it fail, and the next
    /// event starts it again.
    pub start_timeout: Duration,
    /// The longest time for which the handler of an alarm may run. 15 minutes.
    ///
    /// After this time the handler is dropped and counts as failed: `on_error` gets the code `alarm_timeout`,
    /// and the alarm is tried again.
    pub alarm_timeout: Duration,
    /// The bytes of the state of one agent, as JSON. 4 MiB.
    ///
    /// Each change sends the whole state to each client. A client that pushes a larger state gets an error;
    /// its messages are also limited by `message_bytes`.
    pub state_bytes: usize,
    /// The bytes of the state of one connection, as JSON. 16 KiB.
    pub attachment_bytes: usize,
    /// The number of tags that an agent gives a connection, in addition to its id. An object may give one
    /// more. 9.
    pub tags_per_connection: usize,
    /// The bytes of one tag, and of an id that a client asks for, because the id is a tag. 256, at least 32.
    pub tag_bytes: usize,
    /// The bytes of the name of an agent in its address form. 1,024.
    pub name_bytes: usize,
    /// The number of open databases above which idle agents close theirs after 200 ms instead of when they
    /// sleep. An open database takes three files of the process. 1,000.
    pub open_databases: usize,
    /// The time for which one SQL statement of an agent may run. After it the statement is stopped with the
    /// code `sql_timeout`. 30 s.
    ///
    /// While a statement runs for more than some milliseconds, the other tasks of its thread continue on
    /// other threads, if the runtime has more than one. In a runtime of the flavor `current_thread` all tasks
    /// wait for the statement.
    pub statement_timeout: Duration,
    /// The time for which handlers may continue after the host begins to stop. 10 s.
    ///
    /// The host waits for the disk for the same time, and then until the disk has completed nothing for a second.
    pub shutdown_grace: Duration,
}

impl Limits {
    /// Returns the defaults for a process that may use the given number of bytes of memory.
    ///
    /// [`default`](Self::default) finds the number itself. It takes the memory of the machine, or the smaller
    /// limit of a control group (of a container or a service), or 4 GiB if neither can be read.
    pub fn for_memory(bytes: u64) -> Self {
        let quarter = usize::try_from(bytes / 4).unwrap_or(usize::MAX);
        let shared = quarter.clamp(LEAST_SHARED, MOST_SHARED);
        Self { incoming_bytes: shared, outgoing_bytes: shared, ..Self::fixed() }
    }

    /// Returns the defaults with limits for each address, for a host that clients reach over the internet
    /// without a proxy that limits them.
    ///
    /// One address has 256 connections, opens 10 a second (50 at once) and sends 50 requests a second (200 at
    /// once). One connection sends 100 messages a second (500 at once). Many clients can share one address,
    /// so read the counters before you lower these limits.
    pub fn internet_facing() -> Self {
        Self {
            connections_per_address: Some(256),
            upgrades_per_second: Some(Rate::per_second(10).burst(50)),
            requests_per_second: Some(Rate::per_second(50).burst(200)),
            messages_per_second: Some(Rate::per_second(100).burst(500)),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_memory(usable_memory::usable().unwrap_or(USUAL_MEMORY))
    }
}

impl Limits {
    /// Returns the largest number of tags of a connection, including its id.
    pub(crate) fn tags_with_id(&self) -> usize {
        self.tags_per_connection.saturating_add(1)
    }

    /// Returns the largest number of bytes of a tag. The id of a connection is a tag, so a random id always fits.
    pub(crate) fn bytes_of_tag(&self) -> usize {
        self.tag_bytes.max(MIN_TAG_BYTES)
    }

    /// Returns the defaults for a machine with much memory; the limits that depend on the memory have their
    /// maximum.
    fn fixed() -> Self {
        Self {
            connections: 65_536,
            connections_per_address: None,
            connections_per_agent: 32_768,
            http_connections: 16_384,
            upgrades_per_second: None,
            requests_per_second: None,
            messages_per_second: None,
            message_bytes: 32 * MIB,
            in_flight_per_connection: 1024,
            in_flight_bytes_per_connection: 64 * MIB,
            mailbox_messages: 4096,
            mailbox_bytes: 64 * MIB,
            incoming_bytes: MOST_SHARED,
            outbox_bytes: 64 * MIB,
            outgoing_bytes_per_agent: 64 * MIB,
            outgoing_bytes: MOST_SHARED,
            body_bytes: 32 * MIB,
            body_timeout: Duration::from_secs(30),
            header_bytes: 16 * KIB,
            headers: 100,
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            heartbeat: Some(Duration::from_secs(30)),
            heartbeat_timeout: Duration::from_secs(20),
            idle_timeout: None,
            agents_awake: 10_000,
            start_timeout: Duration::from_secs(30),
            alarm_timeout: Duration::from_secs(15 * 60),
            state_bytes: 4 * MIB,
            attachment_bytes: 16 * KIB,
            tags_per_connection: 9,
            tag_bytes: 256,
            name_bytes: 1024,
            open_databases: 1000,
            statement_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Returns the defaults in the table above, by field.
    fn documented() -> Vec<(&'static str, &'static str)> {
        let rows = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("/// | `"));
        let mut all = Vec::new();
        for row in rows {
            let mut cells = row.split(" | ");
            let fields = cells.next().unwrap().trim_end_matches('`').split("`, `");
            let defaults: Vec<&str> = cells.next().unwrap().split(", ").collect();
            assert_eq!(fields.clone().count(), defaults.len(), "{row}");
            all.extend(fields.zip(defaults));
        }
        all
    }

    /// Returns a default of the table in the form of `Debug`.
    fn value(text: &str, limits: &Limits) -> String {
        if text.ends_with("of the memory") {
            return limits.incoming_bytes.to_string();
        }
        let text = text.replace(',', "");
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        let number: usize = match number {
            "none" => return "None".to_owned(),
            number => number.parse().unwrap_or_else(|_| panic!("{text}")),
        };
        match unit {
            "" => number.to_string(),
            "KiB" => (number * KIB).to_string(),
            "MiB" => (number * MIB).to_string(),
            "s" => format!("{:?}", Duration::from_secs(number as u64)),
            "minutes" => format!("{:?}", Duration::from_secs(60 * number as u64)),
            unit => panic!("{unit}"),
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let limits = Limits::default();
        let shown = format!("{limits:?}");
        let fields = shown.trim_start_matches("Limits { ").trim_end_matches(" }").split(", ");
        let mut fields: BTreeMap<&str, &str> = fields.map(|field| field.split_once(": ").unwrap()).collect();
        for (field, default) in documented() {
            let shown = fields.remove(field).unwrap_or_else(|| panic!("there is no field {field}"));
            let plain = shown.trim_start_matches("Some(").trim_end_matches(')');
            assert_eq!(plain, value(default, &limits), "{field}");
        }
        // Clients cannot reach these limits, so the table does not list them.
        let others = [("open_databases", "1000"), ("shutdown_grace", "10s")];
        assert_eq!(fields, others.into_iter().collect());
    }

    #[test]
    fn what_faces_the_internet_counts_by_address() {
        let limits = Limits::internet_facing();
        assert_eq!(limits.connections_per_address, Some(256));
        let rate = |rate: Option<Rate>| rate.map(|rate| (rate.every_second(), rate.at_once()));
        assert_eq!(rate(limits.upgrades_per_second), Some((10, 50)));
        assert_eq!(rate(limits.requests_per_second), Some((50, 200)));
        assert_eq!(rate(limits.messages_per_second), Some((100, 500)));
    }

    #[test]
    fn what_clients_share_is_sized_by_the_memory() {
        let shared = |memory: u64| {
            let limits = Limits::for_memory(memory);
            assert_eq!(limits.incoming_bytes, limits.outgoing_bytes);
            limits.incoming_bytes
        };
        assert_eq!(shared(1 << 30), 256 * MIB);
        assert_eq!(shared(4 << 30), 1024 * MIB);
        assert_eq!(shared(1 << 40), 4096 * MIB);
        assert_eq!(shared(0), 4 * MIB);
        let found = usable_memory::usable().unwrap_or(USUAL_MEMORY);
        assert_eq!(Limits::default().incoming_bytes, shared(found));
        assert_eq!(Limits::internet_facing().outgoing_bytes, shared(found));
    }
}
