//! The defaults of `docs/reference/limits.md`.

use std::time::Duration;

use agents::Limits;

use crate::support::read;

const PAGE: &str = "docs/reference/limits.md";
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Returns a number with a comma behind each thousand.
fn number(value: usize) -> String {
    let digits = value.to_string();
    let from_end = |index: usize| digits.len() - index;
    let parts = digits.char_indices().flat_map(|(index, digit)| {
        let comma = (index > 0 && from_end(index).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    });
    parts.collect()
}

fn bytes(value: usize) -> String {
    match value {
        _ if value.is_multiple_of(MIB) => format!("{} MiB", value / MIB),
        _ if value.is_multiple_of(KIB) && value > KIB => format!("{} KiB", value / KIB),
        _ => format!("{} bytes", number(value)),
    }
}

fn time(value: Duration) -> String {
    let seconds = value.as_secs();
    if seconds >= 120 { format!("{} minutes", seconds / 60) } else { format!("{seconds} s") }
}

fn optional<T>(value: Option<T>, form: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "none".to_owned(), form)
}

#[test]
fn the_page_has_the_defaults_of_a_host() {
    let limits = Limits::default();
    let beats = limits.heartbeat.expect("a heartbeat is on");
    let in_flight = number(usize::try_from(limits.in_flight_per_connection).expect("a small number"));
    let expected = [
        ("connections of the host", number(limits.connections)),
        ("connections of one agent", number(limits.connections_per_agent)),
        ("connections of one address", optional(limits.connections_per_address, number)),
        (
            "handshakes in a second of one address",
            optional(limits.upgrades_per_second, |rate| format!("{rate:?}")),
        ),
        (
            "requests in a second of one address",
            optional(limits.requests_per_second, |rate| format!("{rate:?}")),
        ),
        (
            "messages in a second of one connection",
            optional(limits.messages_per_second, |rate| format!("{rate:?}")),
        ),
        ("TCP connections that are no WebSocket", number(limits.http_connections)),
        ("head of a request", format!("{}, {} headers", bytes(limits.header_bytes), limits.headers)),
        ("time for the head of a request", format!("{} from the connection", time(limits.handshake_timeout))),
        ("body of a request", bytes(limits.body_bytes)),
        ("time without progress of a body", time(limits.body_timeout)),
        ("message of a client", bytes(limits.message_bytes)),
        ("time without progress of a message", time(limits.message_timeout)),
        ("time in which a client takes nothing", time(limits.write_timeout)),
        ("silence of a client", format!("{}, then {}", time(beats), time(limits.heartbeat_timeout))),
        ("time without a message of a client", optional(limits.idle_timeout, time)),
        (
            "messages of one connection in its agent",
            format!("{in_flight}, and {}", bytes(limits.in_flight_bytes_per_connection)),
        ),
        (
            "messages that wait for one agent",
            format!("{}, and {}", number(limits.mailbox_messages), bytes(limits.mailbox_bytes)),
        ),
        ("bytes that wait for one client", bytes(limits.outbox_bytes)),
        ("bytes of one agent that have not left yet", bytes(limits.outgoing_bytes_per_agent)),
        ("agents in memory", number(limits.agents_awake)),
        ("open databases", number(limits.open_databases)),
        ("state of an agent", format!("{} as JSON", bytes(limits.state_bytes))),
        ("state of a connection", format!("{} as JSON", bytes(limits.attachment_bytes))),
        ("name of an agent", bytes(limits.name_bytes)),
        (
            "tags of a connection",
            format!("its id and {} more, 1 to {} each", limits.tags_per_connection, bytes(limits.tag_bytes)),
        ),
        ("one SQL statement", time(limits.statement_timeout)),
        ("start of an agent", time(limits.start_timeout)),
        ("alarm handler", time(limits.alarm_timeout)),
        ("handlers when the host stops", time(limits.shutdown_grace)),
    ];
    let page = read(PAGE);
    for (limit, default) in expected {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {limit} | ")));
        let row = row.unwrap_or_else(|| panic!("{PAGE} has no row `{limit}`"));
        assert_eq!(row.split(" | ").next(), Some(&*default), "{limit}");
    }
}

#[test]
fn amounts_are_written_as_people_read_them() {
    assert_eq!([0, 999, 1000, 65_536, 1_234_567].map(number), ["0", "999", "1,000", "65,536", "1,234,567"]);
    assert_eq!([256, 1024, 16_384, 4_194_304].map(bytes), ["256 bytes", "1,024 bytes", "16 KiB", "4 MiB"]);
}
