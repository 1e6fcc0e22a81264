//! Rust clients whose server is killed and restarted.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use agents::client::{AgentClient, CallStream, ClientError, Reconnect, StreamExt};
use agents::prelude::*;
use agents_tests::patient;
use tokio::task::JoinSet;

use crate::conformance::Program;

const CLIENTS: usize = 50;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: i64,
}

/// The part of the agent's interface that these tests use.
#[agent(state = Counter)]
struct TestCounter;

#[agent]
impl TestCounter {
    #[callable]
    fn side_effect(&self) -> i64 {
        0
    }

    #[callable]
    fn get_count(&self) -> i64 {
        0
    }

    #[callable]
    fn effects(&self) -> i64 {
        0
    }

    #[callable]
    fn slow(&self, ms: u64) -> u64 {
        ms
    }

    #[callable]
    fn stream_endless(&self) -> impl Stream<Item = i64> + Send + use<> {
        futures_util::stream::empty()
    }
}

type Room = AgentClient<TestCounter>;

async fn connect(addr: SocketAddr) -> Room {
    let reconnect =
        Reconnect::new().min_delay(Duration::from_millis(20)).max_delay(Duration::from_millis(200));
    let room = Room::builder(format!("http://{addr}"), "crowd").reconnect(reconnect);
    // No call may end by its timeout.
    room.call_timeout(Duration::from_secs(600)).connect().await.expect("a connection")
}

/// The counters of all clients.
#[derive(Default)]
struct Tally {
    sent: AtomicUsize,
    answers: AtomicUsize,
    done: AtomicBool,
}

/// Calls until the tally is done. Returns the results, and the number of calls that were lost with the
/// connection.
async fn work(room: Room, tally: Arc<Tally>) -> (HashSet<i64>, usize) {
    let (mut results, mut lost) = (HashSet::new(), 0);
    while !tally.done.load(Ordering::SeqCst) {
        tally.sent.fetch_add(1, Ordering::SeqCst);
        match room.side_effect().await {
            Ok(result) => {
                assert!(results.insert(result), "two calls got {result}");
                tally.answers.fetch_add(1, Ordering::SeqCst);
            }
            Err(ClientError::Disconnected(_)) => lost += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (results, lost)
}

/// Reads an endless stream, and returns the error that ended it.
async fn drain(mut numbers: CallStream<i64, ()>) -> Option<ClientError> {
    let mut end = None;
    while let Some(number) = numbers.next().await {
        end = number.err();
    }
    end
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_survive_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::start(&data).await;
    let addr = program.addr();

    let tally = Arc::new(Tally::default());
    let (mut rooms, mut workers, mut waiting) = (Vec::new(), JoinSet::new(), JoinSet::new());
    for _ in 0..CLIENTS {
        let room = connect(addr).await;
        // Frames keep their order: when a later call is answered, these two have arrived.
        let mut call = Box::pin(room.slow(3_600_000));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
        let numbers = room.stream_endless().await.expect("a stream");
        patient(room.get_count()).await.expect("a count");
        waiting.spawn(async move { call.await.err() });
        waiting.spawn(drain(numbers));
        workers.spawn(work(room.clone(), tally.clone()));
        rooms.push(room);
    }
    patient(until(|| tally.answers.load(Ordering::SeqCst) >= 10 * CLIENTS)).await;
    program.kill();

    // Every call that waited for the dead server gets an error.
    while let Some(end) = patient(waiting.join_next()).await {
        let end = end.expect("no panic");
        assert!(matches!(end, Some(ClientError::Disconnected(_))), "{end:?}");
    }
    for room in &rooms {
        patient(room.status().wait_for(|status| !status.is_open())).await.expect("a client that reconnects");
    }
    let before = tally.answers.load(Ordering::SeqCst);

    let (program, _) = Program::start_on(&data, &addr.to_string(), &[], &[]).await;
    for room in &rooms {
        patient(room.identity()).await.expect("an identity after the restart");
    }
    patient(until(|| tally.answers.load(Ordering::SeqCst) >= before + 5 * CLIENTS)).await;
    tally.done.store(true, Ordering::SeqCst);
    let mut results = HashSet::new();
    let mut answers = 0;
    while let Some(worker) = patient(workers.join_next()).await {
        let (worker, lost) = worker.expect("no panic");
        // At most the call in flight is lost. A call that was not sent yet is sent to the new server.
        assert!(lost <= 1, "a client lost {lost} calls by one kill");
        answers += worker.len();
        results.extend(worker);
    }
    assert_eq!(answers, results.len(), "no two clients got the same count");

    let count = patient(rooms[0].get_count()).await.expect("a count");
    let sent = tally.sent.load(Ordering::SeqCst);
    let range = answers as i64..=sent as i64;
    assert!(range.contains(&count), "{count} is not in {range:?}");
    assert_eq!(patient(rooms[0].effects()).await.expect("a count"), count);
    for room in rooms {
        let state = patient(room.state().wait_for(|state| state.count >= count)).await.expect("a state");
        assert_eq!(state.count, count, "all clients have the same state");
        patient(room.close(1000, "")).await.expect("a close");
    }
    drop(program);
}
