//! Admission: the number of connections, their addresses, and their rate.

use std::net::SocketAddr;

use agents::Agents;
use agents::axum::body::Body;
use agents::axum::extract::ConnectInfo;
use agents::http::Request;
use agents::limits::{Limit, Limits, Rate};
use agents_tests::{Client, Received, TestServer};
use serde_json::json;

use crate::support::{Desk, body, hits, host, secs};

fn closed(reason: &str) -> Received {
    Received::Close(4429, reason.to_owned())
}

/// Builds a request from an address.
fn from(address: &str, path: &str) -> Request<Body> {
    let peer: SocketAddr = address.parse().expect("an address");
    let mut request = Request::get(path).body(Body::empty()).expect("a request");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test(start_paused = true)]
async fn a_host_has_so_many_connections() {
    let host = host(|limits| limits.connections = 2);
    let mut first = host.connect("/agents/desk/one").await;
    let mut second = host.connect("/agents/desk/two").await;
    for client in [&mut first, &mut second] {
        client.greeting().await;
    }
    let mut third = host.connect("/agents/desk/three").await;
    assert_eq!(third.end().await, closed("too many connections"));
    assert_eq!(first.call::<u64>("wait", (1,)).await, 1, "the other connections are not affected");
    assert_eq!(hits(&host, Limit::Connections), 1);
    assert_eq!(host.host().metrics().refused, 1);
    assert!(host.host().status("desk", "three").is_none(), "no agent was called");
    second.close(None).await;
    host.advance(secs(1)).await;
    let mut fourth = host.connect("/agents/desk/three").await;
    fourth.greeting().await;
    let mut fifth = host.connect("/agents/desk/three").await;
    assert_eq!(fifth.end().await, closed("too many connections"));
    // A connection that another limit refuses releases its slot.
    drop((first, fourth));
    host.advance(secs(1)).await;
    for _ in 0..5 {
        host.connect("/agents/unknown/one").await.end().await;
    }
    host.connect("/agents/desk/one").await.greeting().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_has_so_many_connections_and_it_counts() {
    let host = host(|limits| limits.connections_per_agent = 1);
    let _first = host.connect("/agents/desk/one").await;
    assert_eq!(host.connect("/agents/desk/one").await.end().await, closed("too many connections"));
    assert_eq!(hits(&host, Limit::ConnectionsPerAgent), 1);
    host.connect("/agents/desk/two").await.greeting().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_as_a_trusted_proxy_tells() {
    let mut limits = Limits::default();
    limits.connections_per_address = Some(1);
    let agents = Agents::new().register::<Desk>().limits(limits).trusted_proxies(["127.0.0.0/8"]);
    let server = TestServer::start(agents).await;
    let open = async |said: &str| {
        Client::connect(server.addr(), "/agents/desk/one", &[("x-forwarded-for", said)]).await
    };
    let mut first = open("6.6.6.6, 203.0.113.5").await;
    first.greeting(false).await;
    assert_eq!(first.call("ip", json!([])).await, "203.0.113.5", "the proxy's value counts");
    assert_eq!(open("7.7.7.7, 203.0.113.5").await.end().await, closed("too many connections"));
    let mut other = open("203.0.113.6").await;
    other.greeting(false).await;
    assert_eq!(other.call("ip", json!([])).await, "203.0.113.6");
    let mut network = open("2001:db8::1").await;
    network.greeting(false).await;
    assert_eq!(open("2001:db8::2").await.end().await, closed("too many connections"));
    let request = reqwest::Client::new().get(server.url("/agents/desk/one"));
    let answer = request.header("x-forwarded-for", "203.0.113.5").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()), (429, Some("1")));
    first.close(None).await;
    // The server has counted the end when its answer was read, or a moment later.
    for attempt in 0.. {
        let mut again = open("203.0.113.5").await;
        match again.next().await {
            Received::Close(..) if attempt < 100 => continue,
            Received::Text(_) => break,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn without_trusted_proxies_the_peer_counts() {
    let mut limits = Limits::default();
    limits.connections_per_address = Some(1);
    let server = TestServer::start(Agents::new().register::<Desk>().limits(limits)).await;
    let headers = [("x-forwarded-for", "203.0.113.5")];
    let mut first = Client::connect(server.addr(), "/agents/desk/one", &headers).await;
    first.greeting(false).await;
    assert_eq!(first.call("ip", json!([])).await, "127.0.0.1");
    let headers = [("x-forwarded-for", "203.0.113.6")];
    let mut second = Client::connect(server.addr(), "/agents/desk/one", &headers).await;
    assert_eq!(second.end().await, closed("too many connections"));
}

#[tokio::test]
async fn a_proxy_that_is_no_address_fails_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let agents = Agents::new().data_dir(folder.path()).trusted_proxies(["proxy.example"]);
    let error = agents.start().expect_err("no address");
    assert_eq!(error.code(), "trusted_proxies");
}

#[tokio::test(start_paused = true)]
async fn an_address_opens_connections_only_so_fast() {
    let host = host(|limits| limits.upgrades_per_second = Some(Rate::per_second(1).burst(2)));
    let mut first = host.connect("/agents/desk/one").await;
    first.greeting().await;
    host.connect("/agents/desk/one").await.greeting().await;
    let mut third = host.connect("/agents/desk/one").await;
    assert_eq!(third.end().await, closed("too many connections, try again later"));
    assert_eq!((hits(&host, Limit::UpgradesPerSecond), hits(&host, Limit::Connections)), (1, 0));
    host.advance(secs(1)).await;
    host.connect("/agents/desk/one").await.greeting().await;
    first.call::<u64>("wait", (0,)).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_sends_requests_only_so_fast() {
    let host = host(|limits| limits.requests_per_second = Some(Rate::per_second(1).burst(3)));
    for _ in 0..3 {
        assert_eq!(host.request(from("10.0.0.1:1", "/agents/desk/one")).await.status(), 200);
    }
    let refused = host.request(from("10.0.0.1:2", "/agents/desk/one")).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().ok()), (429, Some("1")));
    assert_eq!(hits(&host, Limit::RequestsPerSecond), 1);
    assert_eq!(host.request(from("10.0.0.2:1", "/agents/desk/one")).await.status(), 200, "another address");
    host.advance(secs(1)).await;
    let answer = host.request(from("10.0.0.1:1", "/agents/desk/one")).await;
    assert_eq!(body(answer).await, "0");
}

#[tokio::test(start_paused = true)]
async fn an_address_has_so_many_requests_at_a_time() {
    let host = host(|limits| limits.connections_per_address = Some(2));
    let wait = || host.request(from("10.0.0.1:1", "/agents/desk/one/wait"));
    let late = async {
        host.advance(secs(1)).await;
        let refused = host.request(from("10.0.0.1:1", "/agents/desk/one")).await.status();
        let other = host.request(from("10.0.0.2:1", "/agents/desk/one")).await.status();
        (refused.as_u16(), other.as_u16())
    };
    let (first, second, late) = tokio::join!(wait(), wait(), late);
    assert_eq!((first.status().as_u16(), second.status().as_u16(), late), (200, 200, (429, 200)));
    let refused = host.request(from("10.0.0.1:1", "/agents/desk/one")).await.status();
    assert_eq!(refused, 429, "no client has read its answer yet");
    assert_eq!((body(first).await, body(second).await), ("0".to_owned(), "0".to_owned()));
    assert_eq!(hits(&host, Limit::ConnectionsPerAddress), 2);
    assert_eq!(host.request(from("10.0.0.1:1", "/agents/desk/one")).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_for_good() {
    let host = host(|limits| limits.idle_timeout = Some(secs(100)));
    let mut idle = host.connect("/agents/desk/one").await;
    let mut busy = host.connect("/agents/desk/one").await;
    idle.greeting().await;
    busy.greeting().await;
    for _ in 0..3 {
        tokio::join!(idle.stay(secs(45)), busy.stay(secs(45)));
        busy.call::<u64>("wait", (0,)).await;
    }
    assert_eq!(idle.end().await, Received::Close(4408, "idle".to_owned()));
    assert_eq!(hits(&host, Limit::IdleTimeout), 1);
    assert_eq!(busy.call::<u64>("wait", (1,)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn names_tags_and_attachments_have_limits_that_count() {
    let host = host(|limits| {
        (limits.name_bytes, limits.tags_per_connection, limits.tag_bytes) = (10, 2, 64);
        limits.attachment_bytes = 50;
    });
    let end = host.connect("/agents/desk/12345678901").await.end().await;
    assert_eq!(end, Received::Close(4400, "Name too long".to_owned()));
    assert_eq!(hits(&host, Limit::NameBytes), 1);

    let end = host.connect("/agents/desk/one?tags=a,b,c").await.end().await;
    assert_eq!(end, Received::Close(1011, "a connection has at most 2 tags, got 3".to_owned()));
    assert_eq!(hits(&host, Limit::TagsPerConnection), 1);
    let long = format!("/agents/desk/one?tags={}", "x".repeat(65));
    assert!(matches!(host.connect(&long).await.end().await, Received::Close(1011, _)));
    assert_eq!(hits(&host, Limit::TagBytes), 1);

    let mut client = host.connect("/agents/desk/one?tags=a,b").await;
    client.greeting().await;
    client.call::<()>("keep", ("short",)).await;
    let error = client.call_error("keep", ("x".repeat(60),)).await;
    assert!(error.contains("at most 50 bytes"), "{error}");
    assert_eq!(hits(&host, Limit::AttachmentBytes), 1);
    assert_eq!(client.call::<Option<String>>("ip", ()).await.as_deref(), Some("short"), "it is kept");
}

#[tokio::test(start_paused = true)]
async fn messages_in_flight_are_bounded_and_counted() {
    let host = host(|limits| limits.in_flight_per_connection = 2);
    let mut client = host.connect("/agents/desk/one").await;
    client.greeting().await;
    for _ in 0..3 {
        client.start_call("wait", (1,)).await;
    }
    host.advance(secs(1)).await;
    assert_eq!(hits(&host, Limit::InFlightPerConnection), 1);
    for _ in 0..3 {
        client.next().await;
    }
}
