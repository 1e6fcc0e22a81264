//! Events at the moment at which a host stops.

use std::time::Duration;

use agents::testing::Received;
use futures_util::future::join;
use tokio::task::yield_now;

use crate::named::{MOMENT, close_frame, text, until};
use crate::stage::{host, host_in};

#[tokio::test(start_paused = true)]
async fn a_start_that_ends_in_time_is_still_worth_it_when_the_host_stops() {
    let (host, object, stage, mut notes) = host(&["start"]);
    let mut client = object.connect("_pk=a").await;
    until(&mut notes, "start").await;
    let stopping = tokio::spawn(host.shutdown());
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.open("start", 1);
    assert_eq!(text(&mut client).await, "welcome");
    assert_eq!(client.next().await, Received::Close(1001, "server shutting down".into()));
    stopping.await.unwrap();
    assert_eq!(notes.so_far()[..3], ["connect a", "hibernate", "asleep"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_without_end_does_not_keep_the_host_from_stopping() {
    let (host, object, _, mut notes) = host(&["start"]);
    let mut client = object.connect("_pk=a").await;
    let request = tokio::spawn({
        let object = object.clone();
        async move { object.get("").await.status() }
    });
    until(&mut notes, "start").await;
    host.advance(MOMENT).await;
    let begin = tokio::time::Instant::now();
    let ((), end) = join(host.shutdown(), close_frame(&mut client)).await;
    assert_eq!(end, Received::Close(1001, "server shutting down".into()));
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    assert_eq!(request.await.unwrap(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_connects_while_the_host_stops_is_told() {
    // With each number of steps, the host stops at another point of the connect.
    for steps in 0..40 {
        let (host, object, _, _) = host(&[]);
        let path = "/agents/actor/one?_pk=a";
        let connecting = async {
            let connected = tokio::spawn(async move { object.try_connect("_pk=a").await });
            let Ok(mut client) = connected.await.unwrap() else { return None };
            Some(client.end().await)
        };
        let stopping = async {
            for _ in 0..steps {
                yield_now().await;
            }
            let begin = tokio::time::Instant::now();
            host.shutdown().await;
            begin.elapsed()
        };
        let (end, took) = join(connecting, stopping).await;
        assert!(took < Duration::from_secs(1), "{path} after {steps} steps: {took:?}");
        let told = Received::Close(1001, "server shutting down".into());
        assert!(end.is_none() || end == Some(told), "after {steps} steps: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_while_the_host_stops_is_answered() {
    for steps in 0..40 {
        let (host, object, _, _) = host(&[]);
        let asking = tokio::spawn(async move { object.get("").await.status() });
        for _ in 0..steps {
            yield_now().await;
        }
        host.shutdown().await;
        let status = tokio::time::timeout(Duration::from_secs(1), asking).await.unwrap().unwrap();
        assert!([200, 500, 503].contains(&status.as_u16()), "after {steps} steps: {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_waits_for_its_id_ends_with_the_host() {
    let (host, object, _, _) = host(&[]);
    // The first client does not read, so it does not answer the probe.
    let _first = object.connect("_pk=a").await;
    host.advance(MOMENT).await;
    let _second = object.connect("_pk=a").await;
    host.advance(Duration::from_secs(1)).await;
    drop(object);
    let host = host.restart().await.expect("nothing of the old host is left");
    let mut third = host.object("actor", "one").connect("_pk=a").await;
    assert_eq!(text(&mut third).await, "welcome");
}

#[test]
fn a_runtime_that_ends_takes_its_host_along() {
    let data = tempfile::tempdir().unwrap();
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (host, object, _, _) = host_in(Some(data.path()), &[]);
            let mut client = object.connect("_pk=a").await;
            assert_eq!(text(&mut client).await, "welcome");
            // The host is neither stopped nor are its agents asleep.
            drop((host, object));
        });
    };
    run();
    // Otherwise the folder would still be locked.
    run();
}
