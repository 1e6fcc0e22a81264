//! Failures during a call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use agents::testing::Faults;

use crate::support::{Peer, host};

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_time_limit() {
    let (host, levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call_error("forwardWaits", ("b", 500)).await, "no answer in 500ms");
    let peer = host.host().get::<Peer>("b");
    let started = host.now();
    let error = peer.call::<u32>("waits", ()).await.unwrap_err();
    assert_eq!((error.code(), host.now() - started), ("timeout", 30_000));
    levers.go.notify_waiters();
    assert_eq!(peer.call::<u32>("add", (1,)).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn both_are_awake_while_a_call_runs_and_asleep_after_it() {
    let (host, levers) = host();
    let (a, b) = (host.agent::<Peer>("a"), host.agent::<Peer>("b"));
    let stub = host.host().get::<Peer>("a");
    let call = tokio::spawn(stub.call::<u32>("forwardWaits", ("b", 3_600_000)));
    host.advance(Duration::from_secs(60)).await;
    assert!(a.is_awake() && b.is_awake());
    assert!(b.status().is_some_and(|status| !status.pinned_by.is_empty()), "a call keeps the callee awake");
    levers.go.notify_waiters();
    // The hour of the inner call is longer than the 30 s of the outer call.
    assert_eq!(call.await.unwrap().unwrap_err().code(), "timeout");
    host.advance(Duration::from_secs(60)).await;
    assert!(!a.is_awake() && !b.is_awake());
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_crashes_fails_its_calls_and_starts_anew() {
    let (host, levers) = host();
    let stub = host.host().get::<Peer>("a").with_timeout(Duration::from_secs(3_600));
    let call = tokio::spawn(stub.call::<u32>("forwardWaits", ("b", 3_600_000)));
    while levers.starts.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    host.agent::<Peer>("b").crash().await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "interrupted");
    assert_eq!(host.host().get::<Peer>("b").call::<u32>("add", (1,)).await.unwrap(), 1);
    assert_eq!(levers.starts.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_is_on_the_disk() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call::<u32>("forward", ("b", "add", 7)).await, 7);
    host.agent::<Peer>("b").crash().await;
    host.agent::<Peer>("a").crash().await;
    assert_eq!(host.host().get::<Peer>("b").call::<u32>("count", ()).await.unwrap(), 7);
    let host = host.restart().await.unwrap();
    assert_eq!(host.host().get::<Peer>("b").call::<u32>("count", ()).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_awaited_is_not_made() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call_error("callThenFail", ("b",)).await, "no");
    assert_eq!(client.call::<u32>("count", ()).await, 0);
    assert_eq!(host.host().get::<Peer>("b").call::<u32>("count", ()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_has_stopped_takes_no_calls() {
    let (host, _levers) = host();
    let inner = host.host();
    assert_eq!(inner.get::<Peer>("a").call::<u32>("add", (1,)).await.unwrap(), 1);
    host.shutdown().await;
    let error = inner.get::<Peer>("a").call::<u32>("add", (1,)).await.unwrap_err();
    assert_eq!(error.code(), "stopping");
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_leave_before_what_it_may_depend_on_is_durable() {
    let (host, _levers) = host();
    let (a, b) = (host.host().get::<Peer>("a"), host.host().get::<Peer>("b"));
    assert_eq!(a.add_then_forward("b".into()).await.unwrap(), 1);
    let failures: [fn(&Faults); 2] = [|faults| faults.fail_commits(1), |faults| faults.fail_syncs(1)];
    for (round, fail) in failures.iter().enumerate() {
        fail(host.faults());
        assert_eq!(a.add_then_forward("b".into()).await.unwrap_err().code(), "interrupted");
        host.faults().fail_commits(0);
        host.faults().fail_syncs(0);
        let count = u32::try_from(round).unwrap() + 1;
        // A write that a failed sync covers may or may not be in the file. In both cases the other agent was
        // not called.
        assert_eq!(b.count().await.unwrap(), count);
        assert_eq!(a.add_then_forward("b".into()).await.unwrap(), count + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_outside_of_an_agent_makes_no_call_and_leaves_nothing_behind() {
    let (host, _levers) = host();
    let a = host.host().get::<Peer>("a");
    assert_eq!(a.forward_from_outside("b".into()).await.unwrap(), "outside_turn");
    assert!(host.agent::<Peer>("b").status().is_none());
    host.advance(Duration::from_secs(60)).await;
    assert!(host.agent::<Peer>("a").status().is_none(), "a sleeping agent without clients is forgotten");
}
