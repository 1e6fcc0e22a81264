//! Hostile clients and a disk that hangs, driven by a seed. The memory of the host stays within its limits,
//! and other clients are served.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::{TestConnection, TestHost};
use futures_util::stream::{self, Stream};
use tokio::task::{JoinHandle, yield_now};

use crate::check::{all_seeds, folder};
use crate::memory::Memory;
use crate::random::Random;

const SEEDS: u64 = 12;
const STEPS: usize = 12;
const SENDERS: usize = 3;
/// The number of messages that one sender sends at a time.
const BURST: usize = 2_000;
/// The number of chunks of a stream that does not end within a test.
const PIECES: usize = 10_000;
/// The maximum number of events that an activation handles before it polls its running handlers.
const ROUND: usize = 256;

/// The number of bytes that the host and its clients may hold together, far below the bytes that a burst
/// requests. They cover the pipes and buffers of four connections, the bytes that may wait for each, and the
/// bytes that the object may hold back.
const ALLOWED: usize = 8 * 1024 * 1024;

#[derive(Default)]
struct Seen {
    handled: AtomicUsize,
}

/// An agent that does everything that its clients request.
#[agent(hibernate = false)]
struct Obedient {
    seen: Arc<Seen>,
}

#[agent]
impl Obedient {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute("CREATE TABLE IF NOT EXISTS notes (note INTEGER)", ()).map(|_| ())
    }

    #[hook]
    fn on_message(&self, _: Message) {
        self.seen.handled.fetch_add(1, Ordering::Relaxed);
    }

    #[callable]
    fn write(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute("INSERT INTO notes VALUES (1)", ()).map(|_| ())
    }

    #[callable]
    fn read(&self) -> String {
        self.seen.handled.fetch_add(1, Ordering::Relaxed);
        "x".repeat(8 * 1024)
    }

    #[callable]
    fn pieces(&self) -> impl Stream<Item = Result<String>> + use<> {
        stream::iter((0..PIECES).map(|_| Ok("x".repeat(1000))))
    }

    #[callable]
    fn shout(&self, cx: &Context<Self>) -> Result<()> {
        let text = "x".repeat(1000);
        (0..PIECES).try_for_each(|_| cx.broadcast(&text))
    }

    /// Yields to other tasks this number of times.
    #[callable]
    async fn steps(&self, count: u32) -> u32 {
        for _ in 0..count {
            yield_now().await;
        }
        count
    }
}

/// Sends messages and does not read.
async fn burst(mut connection: TestConnection, kind: usize, id: String) -> TestConnection {
    let call = |method: &str| json!({ "type": "rpc", "id": id, "method": method, "args": [] }).to_string();
    let (text, times) = match kind {
        0 => (call("read"), BURST),
        1 => (call("pieces"), 3),
        2 => (call("shout"), 3),
        3 => ("tiny".to_owned(), BURST),
        _ => ("x".repeat(100_000), BURST / 100),
    };
    for _ in 0..times {
        if !connection.try_send(text.clone()).await {
            break;
        }
    }
    connection
}

async fn simulate(seed: u64, data: &Path) {
    let seen = Arc::new(Seen::default());
    let theirs = seen.clone();
    let mut random = Random::new(seed);
    let mut limits = Limits::default();
    limits.in_flight_per_connection = if random.flip() { 16 } else { 1024 };
    limits.in_flight_bytes_per_connection = 256 * 1024;
    limits.mailbox_bytes = 256 * 1024;
    limits.outbox_bytes = 256 * 1024;
    // Each limit must be sufficient without the other.
    match random.flip() {
        true => limits.outgoing_bytes = 512 * 1024,
        false => limits.outgoing_bytes_per_agent = 512 * 1024,
    }
    limits.heartbeat = None;
    let in_flight = limits.in_flight_per_connection as usize;
    let program = move || {
        let seen = theirs.clone();
        Agents::new()
            .limits(limits.clone())
            .register_with::<Obedient>(move |_| Obedient { seen: seen.clone() })
    };
    let host = TestHost::start_in(data, program).unwrap();
    let faults = host.faults().clone();
    let object = host.agent::<Obedient>("one");
    let memory = Memory::now();
    let mut senders: Vec<JoinHandle<TestConnection>> = Vec::new();
    for step in 0..STEPS {
        let held = random.flip();
        let before = seen.handled.load(Ordering::Relaxed);
        let hanging = held.then(|| faults.hold_syncs());
        if held {
            let mut writer = object.connect("").await;
            writer.start_call("write", ()).await;
            for _ in 0..20 {
                yield_now().await;
            }
        }
        let kind = random.below(5);
        let id = if random.below(4) == 0 { "i".repeat(100_000) } else { "id".to_owned() };
        for _ in 0..SENDERS {
            let connection = object.connect("").await;
            senders.push(tokio::spawn(burst(connection, kind, id.clone())));
        }
        // A broadcast in a loop also reaches the neighbour, which is closed because it is too slow.
        if !held && kind != 2 {
            let mut neighbour = object.connect("").await;
            neighbour.greeting().await;
            let handled = seen.handled.load(Ordering::Relaxed);
            let count = 1 + random.below(8);
            let answer = neighbour.start_call("steps", (count,)).await;
            let answer = neighbour.answer(&answer).await;
            assert_eq!(answer["result"], count, "step {step}: {answer}");
            let others = seen.handled.load(Ordering::Relaxed) - handled;
            let most = (count + 4) * ROUND;
            assert!(others <= most, "step {step}: {others} messages of others went before {count} polls");
        }
        for _ in 0..random.below(800) {
            yield_now().await;
            let grown = memory.grown();
            assert!(grown < ALLOWED, "step {step}, kind {kind}, held {held}: {grown} bytes are held");
        }
        if held {
            let handled = seen.handled.load(Ordering::Relaxed) - before;
            // The bound is the answers before the write was sent, and one limit for each sender.
            let most = (SENDERS + senders.len()) * in_flight;
            assert!(handled <= most, "step {step}, kind {kind}: {handled} messages handled, {most} may be");
        }
        drop(hanging);
        senders.drain(..).for_each(|sender| sender.abort());
        while object.status().is_some_and(|status| status.connections > 0) {
            yield_now().await;
        }
    }
    host.shutdown().await;
}

fn run(seed: u64) {
    let data = folder();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(simulate(seed, data.path()));
}

#[test]
fn hostile_clients_and_a_disk_that_hangs_cost_no_more_than_the_limits() {
    all_seeds(SEEDS, run);
}
