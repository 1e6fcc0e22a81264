//! Limits of a host.

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
/// The bytes that all clients together may hold by default: at least, and at most.
const LEAST_SHARED: usize = 4 * MIB;
const MOST_SHARED: usize = 4096 * MIB;
/// The least that [`Limits::tag_bytes`] counts for.
const MIN_TAG_BYTES: usize = 32;
/// The memory of a machine that does not say how much it has.
const USUAL_MEMORY: u64 = 4096 * MIB as u64;

/// Limits of a host; change the ones you need.
///
/// ```
/// use agents_core::{Limits, Rate};
///
/// let mut limits = Limits::default();
/// limits.message_bytes = 1024 * 1024;
/// limits.messages_per_second = Some(Rate::per_second(20).burst(100));
/// ```
///
/// What clients can make grow has a limit here. [`HostMetrics::limits`](crate::HostMetrics) counts how often each was reached, and so does
/// `agents_limit_reached_total` in the metrics, by the name of the field.
///
/// | field | default | whoever reaches it |
/// |---|---|---|
/// | `connections` | 65,536 | 4429, `too many connections` |
/// | `connections_per_address` | none | 4429, `too many connections`; a request 429 |
/// | `connections_per_agent` | 32,768 | 4429, `too many connections` |
/// | `http_connections` | 16,384 | the one that has waited longest without a request is dropped |
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
/// | `outgoing_bytes_per_agent` | 64 MiB | an error in the agent, which sends too much at a time |
/// | `outgoing_bytes` | a quarter of the memory | 1013, `too slow`; an error in an agent that sends much at a time |
/// | `body_bytes` | 32 MiB | 413 |
/// | `body_timeout` | 30 s | 408 |
/// | `header_bytes`, `headers` | 16 KiB, 100 | 431 |
/// | `handshake_timeout` | 10 s | dropped; when the program does not decide in time 4500, a request 503 |
/// | `message_timeout` | 30 s | 1013, `message timed out` |
/// | `write_timeout` | 30 s | dropped |
/// | `heartbeat`, `heartbeat_timeout` | 30 s, 20 s | a ping, then dropped |
/// | `idle_timeout` | none | 4408, `idle` |
/// | `agents_awake` | 10,000 | waits up to 10 s, then 1013 (4503 before it was let in), `server is busy`; a request 503 |
/// | `statement_timeout` | 30 s | an error in the agent |
/// | `start_timeout` | 30 s | 4500, `the agent did not start within 30s`; a request 500 |
/// | `alarm_timeout` | 15 minutes | is dropped, and tried again |
/// | `state_bytes` | 4 MiB | an error in the agent; a client that pushes is told |
/// | `attachment_bytes` | 16 KiB | an error in the agent |
/// | `tags_per_connection`, `tag_bytes` | 9, 256 | 1011 with a reason |
/// | `name_bytes` | 1,024 | 4400; a request 400 |
///
/// Codes from 4000 are final for the npm client: a connection that is refused must not come back at
/// once, with all others that were refused, and before the greeting a client that retries would wait for
/// ever for a promise that it already gave away. After 1013 it connects again, later each time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections of the host. 65,536.
    ///
    /// Each takes a file of the process. The host raises the limit of open files as far as the system allows, and warns when most of
    /// them are taken.
    pub connections: usize,
    /// Connections of one address and requests that are not answered to their end, together; `None` for any number.
    ///
    /// An address of IPv6 counts with all others that share its first 64 bits. Behind a proxy say
    /// [`Agents::trusted_proxies`](crate::Agents::trusted_proxies), or all clients are one address.
    pub connections_per_address: Option<usize>,
    /// Connections of one agent. 32,768.
    pub connections_per_agent: usize,
    /// TCP connections of [`Agents::serve`](crate::Agents::serve) that are no WebSocket, or not yet. 16,384.
    ///
    /// When all are taken and another one comes, the one that has waited longest without a request is dropped,
    /// whether it had one before or not. Only when all of them are being answered the new one is.
    pub http_connections: usize,
    /// How fast one address may open connections; `None` for any rate.
    pub upgrades_per_second: Option<Rate>,
    /// How fast one address may send HTTP requests; `None` for any rate.
    pub requests_per_second: Option<Rate>,
    /// How fast one connection may send messages; `None` for any rate. Nothing is lost: the connection is
    /// simply not read until there is room again, so that a client that sends on has to wait.
    pub messages_per_second: Option<Rate>,
    /// Bytes of one message from a client. 32 MiB.
    pub message_bytes: usize,
    /// Messages of one connection that are handled at a time; further ones are read later. 1,024.
    pub in_flight_per_connection: u32,
    /// Bytes of the messages of one connection that are handled at a time; one message is always let
    /// through. A message counts 128 bytes more than it has. 64 MiB.
    pub in_flight_bytes_per_connection: usize,
    /// Messages, requests and other events that wait for one agent. 4,096.
    pub mailbox_messages: usize,
    /// Bytes of the messages and requests that wait for one agent; one is always let through. 64 MiB.
    pub mailbox_bytes: usize,
    /// Bytes of all clients together that came and were not handled yet: messages, those under way
    /// included, and bodies of requests. A quarter of the memory that the process may use, 4 GiB at most.
    ///
    /// A text of more than 64 KiB counts with what it may become when its agent reads it as JSON: `[0,0,…]` as a
    /// `serde_json::Value` takes about forty times its length. So does a body that a handler has collected, until its
    /// request is over.
    /// What one connection or request may have anyway, 64 KiB, is not counted. While all is used up a
    /// message or body that needs more is refused, and a connection with messages in its agent, or a body that an agent
    /// passes on piece by piece, is read later. What a handler makes of what it has read is its own and not counted.
    pub incoming_bytes: usize,
    /// Bytes that wait for one client; a client that stays further behind is closed. A frame counts 128 bytes
    /// more than it has. 64 MiB.
    pub outbox_bytes: usize,
    /// Bytes of one agent that wait for the end of a turn, or for the disk, before they leave. 64 MiB, 64 KiB at least.
    ///
    /// Anything that an agent sends beyond the limit fails with the code `overflow`; one message always
    /// passes. While more than half of the limit waits, the agent takes no messages and its handlers wait. A
    /// message counts 128 bytes more than it has, a broadcast once. Answers of calls are never refused.
    pub outgoing_bytes_per_agent: usize,
    /// Bytes that wait for all clients together, those in agents included; while it is more, a client that has more than
    /// 64 KiB to take and is sent something is closed, and an agent that has more than 64 KiB to send waits as above.
    /// A broadcast counts once. A quarter of the memory that the process may use, 4 GiB at most.
    pub outgoing_bytes: usize,
    /// Bytes of the body of one HTTP request. 32 MiB.
    ///
    /// A body that is announced larger is refused before it comes. One that becomes larger fails where it is read, and
    /// the client gets 413 unless the response has begun. A body streams, and no more than 256 KiB of it are in
    /// memory, so that a higher limit costs nothing by itself; a handler that collects a body decides on its own
    /// limit. Axum's `Bytes`, `String`, `Json` and `Form` take 2 MB.
    pub body_bytes: usize,
    /// How long the body of a request may make no progress. 30 s.
    ///
    /// The time does not run while the handler is behind with reading.
    pub body_timeout: Duration,
    /// Bytes of the head of a request, for [`Agents::serve`](crate::Agents::serve). 16 KiB.
    pub header_bytes: usize,
    /// Headers of a request, for [`Agents::serve`](crate::Agents::serve). 100.
    pub headers: usize,
    /// How long a request may take from its connection to the end of its headers, and from there how long
    /// [`Agents::authorize`](crate::Agents::authorize) may take to decide. It is also how long a connection
    /// may idle between two requests. 10 s.
    pub handshake_timeout: Duration,
    /// How long a message that has begun may make no progress. 30 s.
    pub message_timeout: Duration,
    /// How long a client may take nothing of what waits for it; the answers of HTTP that
    /// [`Agents::serve`](crate::Agents::serve) sends included. 30 s.
    pub write_timeout: Duration,
    /// How long a client may be silent before it gets a ping; `None` sends none. 30 s.
    pub heartbeat: Option<Duration>,
    /// How long a client may be silent after a ping before its connection counts as dropped. 20 s.
    pub heartbeat_timeout: Duration,
    /// How long a connection may be without a message from its client; `None` for ever. Messages that are
    /// answered automatically count, pings and their answers do not. A connection that was just pinged is
    /// looked at again after `heartbeat_timeout`, so it may be closed that much later.
    pub idle_timeout: Option<Duration>,
    /// Agents and objects that are in memory at a time. 10,000.
    ///
    /// When there are as many and another one has to start, idle ones sleep at once, whatever their class
    /// says of idle time. Those that never sleep count, too.
    pub agents_awake: usize,
    /// The longest time that an agent or object may take to start. 30 s.
    ///
    /// Its `on_start` is dropped then, everything fails that has come for it by then, and the next event tries again.
    pub start_timeout: Duration,
    /// The longest time that the handler of an alarm may take. 15 minutes.
    ///
    /// It is dropped then and counts as failed: `on_error` gets the code `alarm_timeout`, and the alarm rings again.
    pub alarm_timeout: Duration,
    /// Bytes of the state of one agent, as JSON. 4 MiB.
    ///
    /// Each change sends the whole state to each client. A client that pushes more is told so, and one of its
    /// messages has at most `message_bytes`.
    pub state_bytes: usize,
    /// Bytes of the state of one connection, as JSON. 16 KiB.
    pub attachment_bytes: usize,
    /// Tags that an agent gives a connection, besides its id; an object may give one more. 9.
    pub tags_per_connection: usize,
    /// Bytes of one tag, and of the id that a client asks for, which is one; 32 at least. 256.
    pub tag_bytes: usize,
    /// Bytes of the name of an agent, as it stands in the address. 1,024.
    pub name_bytes: usize,
    /// How many databases may be open before idle agents close theirs after 200 ms instead of when they
    /// sleep; an open one takes three files of the process. 1,000.
    pub open_databases: usize,
    /// The time that one SQL statement of an agent may run; then it is stopped with the code `sql_timeout`. 30 s.
    ///
    /// A statement that runs for some milliseconds lets the other tasks of its thread go on elsewhere, if the
    /// runtime has more than one thread. In a runtime of the flavor `current_thread` all of them wait for it.
    pub statement_timeout: Duration,
    /// How long handlers may go on once the host stops. 10 s.
    ///
    /// A disk is waited for as long, and then until it has finished nothing for a second.
    pub shutdown_grace: Duration,
}

impl Limits {
    /// The defaults for a process that may use so many bytes of memory.
    ///
    /// [`default`](Self::default) finds the number out by itself: the memory of the machine, or less where a control
    /// group (of a container, or a service) has a limit; 4 GiB where neither can be read.
    pub fn for_memory(bytes: u64) -> Self {
        let quarter = usize::try_from(bytes / 4).unwrap_or(usize::MAX);
        let shared = quarter.clamp(LEAST_SHARED, MOST_SHARED);
        Self { incoming_bytes: shared, outgoing_bytes: shared, ..Self::fixed() }
    }

    /// The defaults, with limits for each address: for a host that clients reach over the internet
    /// without something in front that counts for it.
    ///
    /// One address has 256 connections, opens 10 a second (50 at once) and sends 50 requests a second
    /// (200 at once); one connection sends 100 messages a second (500 at once). Many people can share one
    /// address, so look at the counters before you lower these.
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
    /// Returns how many tags a connection has at most, its id included.
    pub(crate) fn tags_with_id(&self) -> usize {
        self.tags_per_connection.saturating_add(1)
    }

    /// Returns how many bytes a tag has at most; the id of a connection is one, so a random id always fits.
    pub(crate) fn bytes_of_tag(&self) -> usize {
        self.tag_bytes.max(MIN_TAG_BYTES)
    }

    /// The defaults where the memory plays no part.
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

    /// The defaults as the table above says them, by field.
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

    /// A default as the table writes it, as `Debug` does.
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
        // These are no matter of clients.
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
