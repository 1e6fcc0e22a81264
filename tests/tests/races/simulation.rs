//! Many clients with random actions at random times, driven by a seed.

use std::path::Path;
use std::sync::{Arc, Once, mpsc};
use std::time::Duration;

use agents::testing::TestHost;

use crate::check::{all_seeds, check_all, check_ends, folder};
use crate::clients::{Client, Stage, Trouble};
use crate::ledger::program;
use crate::random::Random;
use crate::witness::{BOMB, Witness};

const SEEDS: u64 = 200;
const CLIENTS: u64 = 4;
const STEPS: usize = 14;
const OBJECTS: usize = 3;
/// The number of pages after which a log is moved into its database, low enough to happen within an activation.
const LOG_PAGES: u32 = 40;

async fn simulate(seed: u64, data: &Path) {
    let witness = Arc::new(Witness::with_bombs(seed));
    let theirs = witness.clone();
    let host = TestHost::start_in(data, move || program(&theirs)).unwrap();
    host.faults().checkpoint_at(LOG_PAGES);
    let mut random = Random::new(seed);
    let trouble = if random.below(3) == 0 { Trouble::FaultsAndRestarts } else { Trouble::Faults };
    let stage = Stage::new(host, &witness, OBJECTS, trouble);
    let clients: Vec<_> =
        (0..CLIENTS).map(|name| tokio::spawn(Client::new(&stage, name, random.next()).run(STEPS))).collect();
    for client in clients {
        client.await.expect("a client");
    }

    let told = stage.told();
    let host = stage.host.write().await.take().expect("a host");
    host.faults().fail_commits(0);
    host.faults().fail_syncs(0);
    host.faults().fail_writes(0);
    host.faults().fail_checkpoints(0);
    host.faults().break_checkpoints(0);
    // Alarms that failed have been tried again by then.
    host.advance(Duration::from_secs(90)).await;
    check_all(&host, OBJECTS, &told, &witness).await;
    host.advance(Duration::from_secs(31)).await;
    for status in host.host().statuses() {
        if status.awake || !status.pinned_by.is_empty() || status.connections > 0 {
            witness.violated(format!("not at rest: {status:?}"));
        }
    }
    if witness.live() != 0 {
        witness.violated("an instance is left".to_owned());
    }
    check_ends(&told, &witness);
    host.shutdown().await;
    witness.check();
}

/// A real time that no step on a virtual clock needs. A thread that waits for itself is found only by this
/// limit.
const HUNG: Duration = Duration::from_secs(120);

/// Ends the process when a seed hangs.
fn watch(seed: u64) -> mpsc::Sender<()> {
    let (done, over) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if over.recv_timeout(HUNG) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("seed {seed} hangs: AGENTS_SEED={seed} runs it again");
            std::process::exit(101);
        }
    });
    done
}

/// Hides expected panics, each of which would print a backtrace.
fn expect_bombs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some(BOMB) {
                usual(panic);
            }
        }));
    });
}

fn run(seed: u64) {
    expect_bombs();
    let _done = watch(seed);
    let data = folder();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(simulate(seed, data.path()));
}

#[test]
fn whatever_clients_do_nothing_is_lost_torn_or_out_of_order() {
    all_seeds(SEEDS, run);
}
