//! All attacks at the same time, and their effect on a client that behaves correctly.

use std::io::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::attacks::{self, Attack};
use super::line::Road;
use super::outgoing;
use super::witness::{Seen, Witness};
use crate::process::Process;
use crate::report::Report;

/// The interval at which the memory is measured.
const SAMPLE: Duration = Duration::from_secs(5);

/// The plan of a soak test.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A text that the names of the chosen attacks contain. The empty text chooses all attacks.
    pub only: String,
    /// The address of the server.
    pub server: SocketAddr,
    /// The process of the server.
    pub process: Process,
    /// The source address of the attackers.
    pub attackers: IpAddr,
    /// The source address of the witness.
    pub witness: IpAddr,
    /// The length of the quiet time before and after the attack.
    pub quiet: Duration,
    /// The length of the attack.
    pub attack: Duration,
}

/// Returns all attacks whose name contains a text.
fn attacks(only: &str) -> impl Iterator<Item = &'static Attack> {
    attacks::ATTACKS.iter().chain(&outgoing::ATTACKS).filter(move |attack| attack.name.contains(only))
}

struct Counted {
    started: AtomicU64,
    /// Rounds that ended with an error: refused, closed, timed out.
    ended_early: AtomicU64,
}

/// Runs the soak test: quiet time, attack, quiet time.
///
/// # Errors
/// When a witness loses its connection or gets no answer.
pub async fn soak(plan: Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let road = Road { from: plan.attackers, server: plan.server };
    let mut witness = Witness::connect(plan.witness, road, "witness").await?;
    // A second witness, whose agent is flooded.
    let mut neighbour = Witness::connect(plan.witness, road, "waits").await?;
    let mut report = Report::new("hostile");

    let quiet = witness.watch(Instant::now() + plan.quiet).await?;
    let at_rest = memory(plan.process);
    latencies(
        &mut report,
        ["quiet_echo_p50", "quiet_echo_p99", "quiet_increment_p50", "quiet_increment_p99"],
        &quiet,
    );

    let end = Instant::now() + plan.attack;
    let counted: Arc<[Counted]> = attacks(&plan.only).map(|_| Counted::new()).collect();
    // The attackers run on a thread of their own: the witness must wait for the server and not for the
    // attackers.
    let attackers = {
        let (counted, only) = (counted.clone(), plan.only.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(attack(road, end, only, counted)))
    };
    let sampler = tokio::spawn(sample(plan.process, end));
    let (attacked, waited) = tokio::join!(witness.watch(end), neighbour.watch_pauses(end));
    let (attacked, waited) = (attacked?, waited?);
    let samples = sampler.await?;
    attackers.join().map_err(|_| Error::other("an attacker panicked"))?;
    latencies(
        &mut report,
        ["attacked_echo_p50", "attacked_echo_p99", "attacked_increment_p50", "attacked_increment_p99"],
        &attacked,
    );
    for (name, quantile) in [("neighbour_pause_p50", 0.5), ("neighbour_pause_p99", 0.99)] {
        report.number(name, waited.value_at_quantile(quantile) as f64, "µs");
    }
    let after = witness.watch(Instant::now() + plan.quiet).await?;
    latencies(
        &mut report,
        ["after_echo_p50", "after_echo_p99", "after_increment_p50", "after_increment_p99"],
        &after,
    );

    for (attack, counted) in attacks(&plan.only).zip(&*counted) {
        let (started, early) =
            (counted.started.load(Ordering::Relaxed), counted.ended_early.load(Ordering::Relaxed));
        progress(format!("{:<40} {started:>9} rounds, {early:>9} cut short by the server", attack.name));
    }
    let line: Vec<String> = samples.iter().map(|bytes| format!("{:.0}", mib(*bytes))).collect();
    progress(format!("memory every {} s, MiB: {}", SAMPLE.as_secs(), line.join(" ")));
    report.number("memory_at_rest", mib(at_rest), "MiB");
    // The first fifth of the samples is the warm-up of caches. The others show whether the memory grows.
    let fifth = samples.len() / 5;
    let peak = |part: &[u64]| part.iter().copied().max().unwrap_or_default();
    report.number("memory_peak", mib(peak(&samples)), "MiB");
    report.number("memory_peak_second_fifth", mib(peak(&samples[fifth..fifth * 2])), "MiB");
    report.number("memory_peak_last_fifth", mib(peak(&samples[samples.len() - fifth..])), "MiB");
    report.number("memory_after", mib(memory(plan.process)), "MiB");
    Ok(report)
}

/// Runs all attackers until the end.
async fn attack(road: Road, end: Instant, only: String, counted: Arc<[Counted]>) {
    let mut attackers = JoinSet::new();
    for (kind, attack) in attacks(&only).enumerate() {
        let number = Arc::new(AtomicU64::new(0));
        for _ in 0..attack.clients {
            let (counted, number) = (counted.clone(), number.clone());
            attackers.spawn(async move {
                while Instant::now() < end {
                    counted[kind].started.fetch_add(1, Ordering::Relaxed);
                    tokio::select! {
                        ended = (attack.round)(road, number.clone()) => {
                            counted[kind].ended_early.fetch_add(u64::from(ended.is_err()), Ordering::Relaxed);
                        }
                        () = sleep_until(end) => {}
                    }
                    sleep(attack.pause).await;
                }
            });
        }
    }
    while attackers.join_next().await.is_some() {}
}

impl Counted {
    fn new() -> Self {
        Self { started: AtomicU64::new(0), ended_early: AtomicU64::new(0) }
    }
}

async fn sample(process: Process, end: Instant) -> Vec<u64> {
    let mut samples = Vec::new();
    while Instant::now() < end {
        sleep(SAMPLE).await;
        samples.push(memory(process));
    }
    samples
}

fn memory(process: Process) -> u64 {
    process.memory().unwrap_or_default()
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

fn latencies(report: &mut Report, names: [&'static str; 4], seen: &Seen) {
    let [echo_p50, echo_p99, increment_p50, increment_p99] = names;
    for (name, histogram, quantile) in [
        (echo_p50, &seen.echo, 0.5),
        (echo_p99, &seen.echo, 0.99),
        (increment_p50, &seen.increment, 0.5),
        (increment_p99, &seen.increment, 0.99),
    ] {
        report.number(name, histogram.value_at_quantile(quantile) as f64, "µs");
    }
}
