//! The server of the suites in `tests/npm` and `tests/browser`. It has a method or a route for every rule of
//! the wire protocol.

mod counter;
mod echo;
mod game;
mod gate;
mod open_stream;
mod small;
mod types;

use std::sync::Arc;
use std::time::Duration;

use agents::auth::AdmissionRequest;
use agents::axum::body::Body;
use agents::axum::{Router, response::Html, routing::get};
use agents::bytes::Bytes;
use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::Faults;

/// An empty page, so that a browser can open sockets from the same origin.
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>conformance</title>";

/// Returns the user whose counter is at `/user`. The session is in a cookie or, for clients without cookies,
/// in the query.
async fn session_user(request: ConnectRequest) -> Result<String, Refusal> {
    let session =
        request.cookie("session").map(str::to_owned).or_else(|| request.query("session").map(Into::into));
    match session.as_deref().and_then(|session| session.strip_prefix("session-of-")) {
        Some(user) => Ok(user.to_owned()),
        None => Err(Refusal::unauthorized("log in first")),
    }
}

/// Returns fewer connections than the default, so that a low limit of open files causes no warning, and the
/// limits that a test sets in `CONFORMANCE_LIMITS`, for example `handshake_ms=300,http_connections=5`.
fn limits() -> Limits {
    let asked = std::env::var("CONFORMANCE_LIMITS").unwrap_or_default();
    let asked = asked.split(',').filter_map(|pair| pair.split_once('='));
    let mut limits = Limits::default();
    limits.connections = 4096;
    for (name, value) in asked {
        let value: usize = value.parse().expect("a number");
        match name {
            "memory_mib" => {
                let shared = Limits::for_memory((value as u64) << 20);
                (limits.incoming_bytes, limits.outgoing_bytes) =
                    (shared.incoming_bytes, shared.outgoing_bytes);
            }
            "handshake_ms" => limits.handshake_timeout = Duration::from_millis(value as u64),
            "write_ms" => limits.write_timeout = Duration::from_millis(value as u64),
            "grace_ms" => limits.shutdown_grace = Duration::from_millis(value as u64),
            "statement_ms" => limits.statement_timeout = Duration::from_millis(value as u64),
            "http_connections" => limits.http_connections = value,
            other => panic!("no such limit: {other}"),
        }
    }
    limits
}

/// Returns a response that continues until the client closes the connection.
async fn endless() -> Body {
    let chunk = Bytes::from_static(&[b'x'; 16 * 1024]);
    Body::from_stream(futures_util::stream::repeat(Ok::<_, std::convert::Infallible>(chunk)))
}

/// Makes the disk hang until the process ends.
async fn hang(faults: Arc<Faults>) -> &'static str {
    std::mem::forget(faults.hold_disk());
    "it hangs"
}

#[tokio::main]
async fn main() -> Result<()> {
    let faults = Arc::new(Faults::default());
    let disk = faults.clone();
    let routes = Router::new()
        .route("/disk/hang", get(move || hang(disk.clone())))
        .route("/", get(|| async { Html(PAGE) }))
        .route("/plain", get(|| async { "plain" }))
        .route("/endless", get(endless));
    Agents::new()
        .register::<counter::TestCounter>()
        .register::<small::TestNoState>()
        .register::<small::TestNoIdentity>()
        .register::<small::TestAlarm>()
        .register::<small::TestOAuthAgent>()
        .register::<small::LOUD_CASE>()
        .register::<game::TestGame>()
        .register_object::<echo::Echo>("echo")
        .route_to::<counter::TestCounter>("/user", session_user)
        // The counters of users can also be reached by name.
        .authorize(async |_: AdmissionRequest| Ok(()))
        .cors(true)
        .hints(false)
        .limits(limits())
        .faults(faults)
        .routes(routes)
        .run()
        .await
}
