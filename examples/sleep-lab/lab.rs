//! The server's side of the lab: starts the process with the clients, sends it orders, and measures.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::Host;
use agents::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::{ALLOCATOR, sleepers};

/// Files that are reserved for everything else.
const SPARE_FILES: u64 = 200;
/// The maximum number of files that an agent has open while it is awake.
const FILES_AWAKE: u64 = 4;
/// The number of agents that are to be awake at the same time. The allocator keeps most of the memory that
/// they used.
const MOST_AWAKE: u64 = 500;
/// The interval at which the clients may wake more agents, and the number of agents each time.
const TICK: Duration = Duration::from_millis(50);
const MOST_EACH_TICK: u64 = 50;
/// The time after which an agent that was to be woken has been woken.
const QUIET: Duration = Duration::from_secs(1);
/// The number of ports for connections between two processes of the system, rounded down.
const MOST_SOCKETS: u64 = 25_000;

/// A lab for one server. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Lab {
    host: Host,
    /// The number of files that the process may have open.
    files: u64,
    run: Arc<Mutex<Option<Run>>>,
}

/// The process with the clients, while it runs.
struct Run {
    orders: ChildStdin,
    sockets: u32,
    /// The number of agents that are still to be woken by the orders.
    due: u64,
    /// The number of wakes that the clients were allowed, and the count of wakes at the start of that period.
    allowed: u64,
    wakes: u64,
    /// The time of the last allowance.
    last: Instant,
    /// The memory of the server before the first socket.
    before: Memory,
    failed: u64,
    answers: u64,
    /// The process, which is killed when this value is dropped.
    _process: Child,
}

/// An order for the clients when they are connected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    WakeOne,
    WakeAll,
    Close,
}

/// The memory of the server, in bytes.
#[wire]
#[derive(Clone, Copy, Default)]
struct Memory {
    /// Resident memory as the system counts it, including memory that the program has freed and the allocator
    /// keeps. `None` if the system does not report it.
    resident: Option<u64>,
    /// Memory in use by Rust code. SQLite is written in C and not included; agents that are asleep use no
    /// memory of SQLite.
    in_use: u64,
}

/// The data that the page draws.
#[wire]
#[derive(Default)]
pub(crate) struct Sample {
    sockets: u64,
    awake: u64,
    memory: Memory,
    before: Option<Memory>,
    active_ms: u64,
    wakes: u64,
    running: bool,
    wanted: u32,
    failed: u64,
    answers: u64,
    most: u64,
}

impl Lab {
    pub(crate) fn new(host: Host, files: u64) -> Self {
        Self { host, files, run: Arc::default() }
    }

    /// Returns the maximum number of sockets. A quarter of the files is for the databases of agents that are
    /// awake.
    fn most(&self) -> u64 {
        (self.files.saturating_sub(SPARE_FILES) / 4 * 3).min(MOST_SOCKETS)
    }

    /// Returns the maximum number of agents that are awake at the same time, so that enough files remain.
    fn most_awake(&self, sockets: u32) -> u64 {
        let files = self.files.saturating_sub(SPARE_FILES + u64::from(sockets));
        (files / FILES_AWAKE).clamp(1, MOST_AWAKE)
    }

    pub(crate) async fn open(&self, port: u16, sockets: u32) -> Result<()> {
        let mut run = self.run.lock().await;
        if run.is_some() {
            return Err(Error::msg("the sockets are open already"));
        }
        if sockets == 0 || u64::from(sockets) > self.most() {
            return Err(Error::msg(format!("1 to {} sockets are possible here", self.most())));
        }
        let before = memory();
        let mut process = Command::new(std::env::current_exe()?)
            .args([sleepers::COMMAND, &format!("127.0.0.1:{port}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut orders), Some(reports)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::msg("the clients have no pipes"));
        };
        orders.write_all(format!("open {sockets}\n").as_bytes()).await?;
        let due = u64::from(sockets);
        let (failed, answers) = (0, 0);
        let (allowed, wakes, last) = (0, self.host.metrics().objects.wakes, Instant::now());
        *run = Some(Run {
            orders,
            sockets,
            due,
            allowed,
            wakes,
            last,
            before,
            failed,
            answers,
            _process: process,
        });
        tokio::spawn(self.clone().follow(reports));
        tokio::spawn(self.clone().pace());
        Ok(())
    }

    /// Reads the reports of the clients until the pipe ends.
    async fn follow(self, reports: ChildStdout) {
        let mut lines = BufReader::new(reports).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let (Some(run), Some((failed, answers))) = (&mut *self.run.lock().await, line.split_once(' '))
            {
                run.failed = failed.parse().unwrap_or_default();
                run.answers = answers.parse().unwrap_or_default();
            }
        }
        *self.run.lock().await = None;
    }

    /// Lets the clients carry out their orders, at the speed at which agents fall asleep again.
    async fn pace(self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let Some(run) = &mut *self.run.lock().await else { return };
            if run.due == 0 {
                continue;
            }
            let metrics = self.host.metrics();
            let (awake, wakes) = (metrics.awake as u64, metrics.objects.wakes);
            if awake == 0 && run.last.elapsed() > QUIET {
                // An order to an agent that was already awake wakes no agent, so the count starts again.
                (run.allowed, run.wakes) = (0, wakes);
            }
            let coming = run.allowed.saturating_sub(wakes - run.wakes);
            let room = self.most_awake(run.sockets).saturating_sub(awake + coming);
            let some = room.min(MOST_EACH_TICK).min(run.due);
            // When the process has ended, `follow` reads the end of the pipe.
            if some > 0 && run.orders.write_all(format!("go {some}\n").as_bytes()).await.is_ok() {
                run.due -= some;
                run.allowed += some;
                run.last = Instant::now();
            }
        }
    }

    /// Sends the clients an order that wakes agents.
    pub(crate) async fn tell(&self, order: Order) -> Result<()> {
        let mut run = self.run.lock().await;
        let run = run.as_mut().ok_or_else(|| Error::msg("no sockets are open"))?;
        let all = u64::from(run.sockets);
        let (line, due) = match order {
            Order::WakeOne => ("wake one\n", run.due + 1),
            Order::WakeAll => ("wake all\n", run.due + all),
            // Earlier orders are dropped.
            Order::Close => ("close\n", all),
        };
        run.orders.write_all(line.as_bytes()).await?;
        run.due = due;
        Ok(())
    }

    pub(crate) async fn sample(&self) -> Sample {
        let metrics = self.host.metrics();
        let sample = Sample {
            sockets: metrics.connections as u64,
            awake: metrics.awake as u64,
            memory: memory(),
            active_ms: u64::try_from(metrics.objects.active().as_millis()).unwrap_or(u64::MAX),
            wakes: metrics.objects.wakes,
            most: self.most(),
            ..Sample::default()
        };
        match &*self.run.lock().await {
            Some(Run { sockets: wanted, before, failed, answers, .. }) => Sample {
                running: true,
                wanted: *wanted,
                before: Some(*before),
                failed: *failed,
                answers: *answers,
                ..sample
            },
            None => sample,
        }
    }
}

fn memory() -> Memory {
    let stats = ALLOCATOR.stats();
    // Other threads may allocate or free between the two reads.
    let in_use = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated) as u64;
    Memory { resident: resident(), in_use }
}

/// Returns the value of a field in the process status of Linux.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
