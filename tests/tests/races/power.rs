//! Power failures under load: acknowledged writes survive.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use agents::testing::TestHost;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use crate::check::{all_seeds, check_all, folder};
use crate::clients::{Client, Stage, Told, Trouble};
use crate::ledger::program;
use crate::random::Random;
use crate::witness::Witness;

const SEEDS: u64 = 150;
const CLIENTS: u64 = 4;
const STEPS: usize = 30;
/// Most objects are created during the run, and some at the moment of the failure.
const OBJECTS: usize = 9;

/// Creates a runtime with one thread for all blocking work, so that this work can be held.
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
        // The call returns an error when the sender is dropped.
        let _ = receiver.recv();
    });
    // All earlier work of the queue is done, and no other blocking work runs.
    running.recv().expect("the thread runs");
    sender
}

/// Runs clients until the power fails. Returns the acknowledgements until then, and the time.
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
        // The virtual time advances only when no task runs.
        if random.below(40) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // From here on handlers run and commit, and no write reaches the disk.
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

/// Starts a host on the remaining data and checks it. Returns the number of stored turns.
async fn afterwards(told: &Told, now: u64, left: &Path) -> usize {
    let witness = Arc::new(Witness::default());
    let theirs = witness.clone();
    let host = TestHost::start_in(left, move || program(&theirs)).unwrap();
    // The clock of the run was advanced, and that of the new host was not.
    let behind = Duration::from_millis(now.saturating_sub(host.now()));
    host.advance(behind + Duration::from_secs(60)).await;
    let turns = check_all(&host, OBJECTS, told, &witness).await;
    host.shutdown().await;
    witness.check();
    turns
}

/// Checks that every database is intact.
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

/// The totals of all failures.
#[derive(Default)]
struct Tally {
    told: AtomicUsize,
    alarms: AtomicUsize,
    tried: AtomicUsize,
    left: AtomicUsize,
}

fn run(seed: u64, tally: &Tally) {
    let (data, left) = (folder(), folder());
    // Tasks that still run at the power failure end with their runtime.
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
