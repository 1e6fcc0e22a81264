//! Power failures in the middle of a load: what somebody was told is there afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use agents::testing::TestHost;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use crate::check::{all_seeds, check_all, folder};
use crate::clients::{Client, Stage, Told, Trouble};
use crate::ledger::{Witness, program};
use crate::random::Random;

const SEEDS: u64 = 150;
const CLIENTS: u64 = 4;
const STEPS: usize = 30;
/// Most of them are made during the run, some of them in the moment of the failure.
const OBJECTS: usize = 9;

/// One thread for everything that blocks, so that it can be held.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .unwrap()
}

/// Holds the thread that flushes files until the sender is dropped.
fn hold() -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        let _ = started.send(());
        // Ends with an error when the sender is gone.
        let _ = receiver.recv();
    });
    // What was before it in the queue is done then, and nothing runs beside us.
    running.recv().expect("the thread runs");
    sender
}

/// Runs clients up to a moment, and the power fails. Returns what they were told by then, and the time.
async fn until_the_power_fails(seed: u64, data: &Path, left: &Path) -> (Told, u64) {
    let witness = Arc::new(Witness::default());
    let theirs = witness.clone();
    let host = TestHost::start_recorded(data, move || program(&theirs)).unwrap();
    let faults = host.faults().clone();
    let mut random = Random::new(seed);
    let stage = Stage::new(host, &witness, OBJECTS, Trouble::None);
    for name in 0..CLIENTS {
        tokio::spawn(Client::new(&stage, name, random.next()).run(STEPS));
    }
    for _ in 0..random.below(1500) {
        yield_now().await;
        // Time passes only when nobody runs.
        if random.below(40) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // From here on handlers run and commit, and nothing reaches the disk.
    let held = hold();
    for _ in 0..random.below(120) {
        yield_now().await;
    }
    let told = stage.told();
    faults.power_cut(data, left, seed).unwrap();
    let now = stage.host.try_read().ok().and_then(|host| host.as_ref().map(TestHost::now));
    drop(held);
    witness.check();
    (told, now.expect("a host"))
}

/// Starts a host on what is left and checks it; returns how many turns are there.
async fn afterwards(told: &Told, now: u64, left: &Path) -> usize {
    let witness = Arc::new(Witness::default());
    let theirs = witness.clone();
    let host = TestHost::start_in(left, move || program(&theirs)).unwrap();
    // The clock of the run was moved, this one has not yet.
    let behind = Duration::from_millis(now.saturating_sub(host.now()));
    host.advance(behind + Duration::from_secs(60)).await;
    let turns = check_all(&host, OBJECTS, told, &witness).await;
    host.shutdown().await;
    witness.check();
    turns
}

/// Every database is one.
fn check_integrity(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_integrity(&path);
        } else if path.extension().is_some_and(|extension| extension == "sqlite") {
            let database = rusqlite::Connection::open(&path).unwrap();
            let check = database.query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0));
            assert_eq!(check.unwrap(), "ok", "{}", path.display());
        }
    }
}

/// What came of all failures.
#[derive(Default)]
struct Tally {
    told: AtomicUsize,
    alarms: AtomicUsize,
    tried: AtomicUsize,
    left: AtomicUsize,
}

fn run(seed: u64, tally: &Tally) {
    let (data, left) = (folder(), folder());
    // What still ran when the power failed ends with its runtime.
    let (told, now) = runtime().block_on(until_the_power_fails(seed, data.path(), left.path()));
    let turns = runtime().block_on(afterwards(&told, now, left.path()));
    check_integrity(left.path());
    tally.told.fetch_add(told.entered.len(), Ordering::Relaxed);
    tally.alarms.fetch_add(told.alarms.len(), Ordering::Relaxed);
    tally.tried.fetch_add(told.tried.len(), Ordering::Relaxed);
    tally.left.fetch_add(turns, Ordering::Relaxed);
}

#[test]
fn an_acknowledged_write_survives_a_power_failure() {
    let tally = Tally::default();
    all_seeds(SEEDS, |seed| run(seed, &tally));
    let Tally { told, alarms, tried, left } = tally;
    eprintln!("{tried:?} tried, {told:?} and {alarms:?} alarms acknowledged, {left:?} turns left");
}
