//! Agents that call each other in a circle.

use crate::support::{Peer, host};

#[tokio::test(start_paused = true)]
async fn a_call_back_into_a_waiting_agent_runs() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call::<u32>("roundTrip", ("b", "add")).await, 1);
    assert_eq!(client.call::<u32>("roundTrip", ("a", "add")).await, 2);
    // The call back asks for an exclusive method, and no exclusive method runs.
    assert_eq!(client.call::<u32>("roundTrip", ("b", "addAlone")).await, 3);
    // An exclusive method runs, but the call back asks for a method that is not exclusive.
    assert_eq!(client.call::<u32>("roundTripAlone", ("b", "add")).await, 4);
}

#[tokio::test(start_paused = true)]
async fn x10_a_call_back_into_a_waiting_exclusive_method_fails_at_once() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    let started = host.now();
    let error = client.call_error("roundTripAlone", ("b", "addAlone")).await;
    assert_eq!(error, "peer/a waits for this call and accepts no other until then");
    let error = client.call_error("forwardAlone", ("a", "addAlone", 1)).await;
    assert_eq!(error, "peer/a waits for this call and accepts no other until then");
    assert_eq!(host.now(), started, "no call waited for a time limit");
    assert_eq!(client.call::<u32>("addAlone", (1,)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_back_into_a_handler_that_runs_alone_fails_at_once() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    let started = host.now();
    let error = client.call_error("roundTripClosed", ("b",)).await;
    assert_eq!(error, "peer/a waits for this call and accepts no other until then");
    assert_eq!(host.now(), started, "no call waited for a time limit");
    assert_eq!(client.call::<u32>("add", (1,)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_for_itself_fails() {
    let (host, _levers) = host();
    let started = host.now();
    for name in ["calls-itself", "starts-through-another"] {
        let error = host.host().get::<Peer>(name).call::<u32>("add", (1,)).await.unwrap_err();
        assert_eq!(error.code(), "not_started");
        assert!(error.to_string().contains("waits for this call"), "{error}");
    }
    assert_eq!(host.now(), started, "no call waited for a time limit");
    assert_eq!(host.host().get::<Peer>("greets").call::<u32>("add", (1,)).await.unwrap(), 1);
    assert_eq!(host.host().get::<Peer>("greeted").call::<u32>("count", ()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_without_end_have_one() {
    let (host, _levers) = host();
    let error = host.host().get::<Peer>("a").call::<u32>("endlessly", ()).await.unwrap_err();
    assert_eq!(error.code(), "call_depth");
}

#[tokio::test(start_paused = true)]
async fn sections_are_exclusive_work_too() {
    let (host, _levers) = host();
    let a = host.host().get::<Peer>("a");
    let started = host.now();
    for (method, back) in [
        ("roundTripInSection", "addAlone"),
        ("roundTripInSection", "addInSection"),
        ("roundTripAlone", "addInSection"),
    ] {
        let error = a.call::<u32>(method, ("b", back)).await.unwrap_err();
        assert_eq!(error.code(), "call_cycle", "{method} {back}");
    }
    assert_eq!(host.now(), started, "no call waited for a time limit");
    assert_eq!(a.round_trip_in_section("b".into(), "add".into()).await.unwrap(), 1);
    assert_eq!(a.add_in_section(1).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_has_answered_waits_no_more() {
    let (host, _levers) = host();
    let (a, b) = (host.host().get::<Peer>("a"), host.host().get::<Peer>("b"));
    a.bounce("b".into(), 100).await.unwrap();
    while a.count().await.unwrap() + b.count().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((a.count().await.unwrap(), b.count().await.unwrap()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_waits_for_itself_fails() {
    let (host, levers) = host();
    let stub = host.host().get::<Peer>("says-goodbye");
    assert_eq!(stub.add(1).await.unwrap(), 1);
    host.advance(std::time::Duration::from_secs(60)).await;
    assert_eq!(levers.goodbye.lock().unwrap().as_deref(), Some("call_cycle"));
    assert_eq!(stub.count().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_found_by_the_name_that_it_has_itself() {
    let (host, _levers) = host();
    // The names have characters that an address must escape.
    let stub = host.host().get::<Peer>("a b/é");
    assert_eq!(stub.round_trip("c d".into(), "add".into()).await.unwrap(), 1);
    assert_eq!(stub.count().await.unwrap(), 1);
    assert_eq!(
        stub.round_trip_alone("c d".into(), "addAlone".into()).await.unwrap_err().code(),
        "call_cycle"
    );
    assert_eq!(stub.round_trip_closed("c d".into()).await.unwrap_err().code(), "call_cycle");
    assert_eq!(host.connect("/agents/peer/a%20b%2F%C3%A9").await.call::<u32>("count", ()).await, 1);
}
