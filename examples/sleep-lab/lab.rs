//! The server's side of the lab: it starts the process with the clients, gives it orders, and measures.

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

/// Files that are left to everything else.
const SPARE_FILES: u64 = 200;
/// How many files an agent has open while it is awake, at most.
const FILES_AWAKE: u64 = 4;
/// How many agents are to be awake at a time. The allocator keeps most of the memory that they had.
const MOST_AWAKE: u64 = 500;
/// How often the clients may wake some more agents, and how many each time.
const TICK: Duration = Duration::from_millis(50);
const MOST_EACH_TICK: u64 = 50;
/// After so long, whoever was to wake has done so.
const QUIET: Duration = Duration::from_secs(1);
/// The system has some 28,000 ports for connections between two of its processes.
const MOST_SOCKETS: u64 = 25_000;

/// One lab for a server; cheap to clone.
#[derive(Clone)]
pub(crate) struct Lab {
    host: Host,
    /// How many files the process may have open.
    files: u64,
    run: Arc<Mutex<Option<Run>>>,
}

/// The process with the clients, while there is one.
struct Run {
    orders: ChildStdin,
    sockets: u32,
    /// How many agents are still to be woken by what the clients were told to do.
    due: u64,
    /// How many wakes the clients were allowed, and the count of wakes when that began.
    allowed: u64,
    wakes: u64,
    /// When they were last allowed some.
    last: Instant,
    /// The memory of the server before the first socket.
    before: Memory,
    failed: u64,
    answers: u64,
    /// Killed when this is dropped.
    _process: Child,
}

/// What the clients can be told once they are there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    WakeOne,
    WakeAll,
    Close,
}

/// How much memory the server has, in bytes.
#[wire]
#[derive(Clone, Copy, Default)]
struct Memory {
    /// In RAM, as the system counts it: with what the program has freed and the allocator keeps for later. Absent where the
    /// system does not tell.
    resident: Option<u64>,
    /// In use by Rust code. SQLite, which is C, is not in it; agents that sleep have nothing there.
    in_use: u64,
}

/// What the page draws.
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

    /// How many sockets are possible: a quarter of the files is for the databases of agents that are awake.
    fn most(&self) -> u64 {
        (self.files.saturating_sub(SPARE_FILES) / 4 * 3).min(MOST_SOCKETS)
    }

    /// How many agents may be awake at a time, so that their databases do not use the files up.
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

    /// Reads what the clients report, up to their end.
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

    /// Lets the clients carry out what they were told, as fast as agents fall asleep again.
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
                // An order to one that was awake has woken nobody: begin to count anew.
                (run.allowed, run.wakes) = (0, wakes);
            }
            let coming = run.allowed.saturating_sub(wakes - run.wakes);
            let room = self.most_awake(run.sockets).saturating_sub(awake + coming);
            let some = room.min(MOST_EACH_TICK).min(run.due);
            // When they are gone, `follow` hears of it.
            if some > 0 && run.orders.write_all(format!("go {some}\n").as_bytes()).await.is_ok() {
                run.due -= some;
                run.allowed += some;
                run.last = Instant::now();
            }
        }
    }

    /// Gives the clients an order that wakes agents.
    pub(crate) async fn tell(&self, order: Order) -> Result<()> {
        let mut run = self.run.lock().await;
        let run = run.as_mut().ok_or_else(|| Error::msg("no sockets are open"))?;
        let all = u64::from(run.sockets);
        let (line, due) = match order {
            Order::WakeOne => ("wake one\n", run.due + 1),
            Order::WakeAll => ("wake all\n", run.due + all),
            // Nothing that was to be done before matters any more.
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
    // Other threads may count between the two.
    let in_use = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated) as u64;
    Memory { resident: resident(), in_use }
}

/// What Linux tells of the process.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
