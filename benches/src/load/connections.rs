//! Very many connections, most of them idle.

use std::io::{Error, Result};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::greeting::greeting;
use super::request::request;
use super::target::{TIMEOUT, Target};
use crate::process::Process;
use crate::report::Report;
use crate::socket::Socket;

/// The number of connections that are opened at the same time: less than the usual backlog of a listener.
pub(super) const AT_A_TIME: usize = 100;

/// The time for which the server is measured while all agents sleep.
const ASLEEP: Duration = Duration::from_secs(10);

/// The text of the broadcast.
const TEXT: &str = "bench:everybody";

/// The plan of a run with very many connections.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// The number of connections in all.
    pub connections: usize,
    /// The number of agents.
    pub agents: usize,
    /// The number of connections that are opened, and later closed, in a second; 0 means without a limit.
    ///
    /// Opening and closing both wake an agent, and an agent that is awake has files open.
    pub rate: f64,
    /// The time to wait for the agents to fall asleep. With zero, sleep is not measured.
    pub hold: Duration,
}

impl Crowd {
    /// Waits until the connection with this number is due.
    async fn pace(&self, start: Instant, number: usize) {
        if self.rate > 0.0 {
            sleep_until(start + Duration::from_secs_f64(number as f64 / self.rate)).await;
        }
    }

    /// Opens connections to the agents in turn and waits until each agent has greeted its connections.
    async fn open(&self, target: &Target, from: usize) -> Result<Vec<Kept>> {
        let mut kept = Vec::with_capacity(self.connections);
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for number in from..self.connections {
            self.pace(start, number).await;
            if tasks.len() == AT_A_TIME {
                kept.extend(tasks.join_next().await.transpose()?.transpose()?);
            }
            tasks.spawn(open(target.clone(), number % self.agents));
        }
        while let Some(done) = tasks.join_next().await {
            kept.push(done??);
        }
        Ok(kept)
    }
}

/// A connection whose pings are answered by a task until the connection is needed again.
struct Kept {
    agent: usize,
    stop: watch::Sender<()>,
    task: tokio::task::JoinHandle<Result<Socket>>,
}

async fn open(target: Target, agent: usize) -> Result<Kept> {
    let mut socket = target.open(agent).await?;
    greeting(&mut socket).await?;
    socket.shrink();
    let (stop, mut stopped) = watch::channel(());
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.changed() => return Ok(socket),
                filled = socket.fill() => filled?,
            }
            while socket.next_data()?.is_some() {}
            socket.flush().await?;
            socket.shrink();
        }
    });
    Ok(Kept { agent, stop, task })
}

impl Kept {
    async fn take(self) -> Result<Socket> {
        drop(self.stop);
        self.task.await?
    }
}

/// Opens connections to the first agent and waits until it has greeted them all.
pub(super) async fn open_many(target: &Target, count: usize) -> Result<Vec<Socket>> {
    let crowd = Crowd { connections: count, agents: 1, rate: 0.0, hold: Duration::ZERO };
    let mut sockets = Vec::with_capacity(count);
    for kept in crowd.open(target, 0).await? {
        sockets.push(kept.take().await?);
    }
    Ok(sockets)
}

/// Opens many connections, lets their agents fall asleep, sends one broadcast to the connections of one
/// agent, and closes all connections.
///
/// # Errors
/// Errors of the network.
pub async fn connections(target: &Target, crowd: Crowd) -> Result<Report> {
    let (memory, cpu) = (|| target.server.and_then(Process::memory), || target.server.and_then(Process::cpu));
    let mut report = Report::new("connections");
    // One connection is opened first, so that one-time allocations are not counted.
    let mut kept = vec![open(target.clone(), 0).await?];
    let (memory_before, cpu_before, start) = (memory(), cpu(), Instant::now());
    kept.extend(crowd.open(target, 1).await?);
    let connecting = start.elapsed();
    let count = kept.len().saturating_sub(1).max(1) as f64;
    report.number("connections", kept.len() as f64, "");
    report.number("agents", crowd.agents as f64, "");
    report.number("connect_time", connecting.as_secs_f64() * 1e3, "ms");
    report.number("connects_per_second", count / connecting.as_secs_f64(), "/s");
    if let Some((before, after)) = cpu_before.zip(cpu()) {
        report.number("cpu_per_connect", (after - before).as_secs_f64() * 1e6 / count, "µs");
    }
    if !crowd.hold.is_zero() {
        sleep(crowd.hold).await;
        let before = cpu();
        sleep(ASLEEP).await;
        if let Some((before, after)) = before.zip(cpu()) {
            report.number("cpu_asleep", 100.0 * (after - before).as_secs_f64() / ASLEEP.as_secs_f64(), "%");
        }
    }
    if let Some((before, after)) = memory_before.zip(memory()) {
        report.number("server_memory_before", before as f64 / 1e6, "MB");
        report.number("server_memory", after as f64 / 1e6, "MB");
        report.number("memory_per_connection", after.saturating_sub(before) as f64 / count / 1024.0, "KiB");
    }
    let (first, rest): (Vec<_>, Vec<_>) = kept.into_iter().partition(|kept| kept.agent == 0);
    report.number("listening", first.len() as f64, "");
    let start = Instant::now();
    let reached = reach(first, &mut report).await?;
    report.number("broadcast_time", start.elapsed().as_secs_f64() * 1e3, "ms");
    report.number("reached", reached.len() as f64, "");

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, kept) in rest.into_iter().enumerate() {
        crowd.pace(start, number).await;
        tasks.spawn(timeout(TIMEOUT, async { kept.take().await?.close().await }));
    }
    for socket in reached {
        tasks.spawn(timeout(TIMEOUT, socket.close()));
    }
    let mut clean = 0;
    while let Some(done) = tasks.join_next().await {
        match done?.map_err(Error::from).flatten() {
            Ok(()) => clean += 1,
            Err(error) => report.problem(format!("a close was not clean: {error}")),
        }
    }
    report.number("close_time", start.elapsed().as_secs_f64() * 1e3, "ms");
    report.number("clean_closes", f64::from(clean), "");
    if let Some(after) = memory() {
        report.number("server_memory_after", after as f64 / 1e6, "MB");
    }
    Ok(report)
}

/// Lets one connection of an agent send a broadcast, and returns the connections that received it.
async fn reach(kept: Vec<Kept>, report: &mut Report) -> Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(kept.len());
    for kept in kept {
        sockets.push(kept.take().await?);
    }
    if let Some(sender) = sockets.last_mut() {
        sender.push(&request(0, "broadcastToAll", &[TEXT]));
        sender.flush().await?;
    }
    let mut tasks = JoinSet::new();
    for socket in sockets {
        tasks.spawn(timeout(TIMEOUT, wait_for_text(socket)));
    }
    let mut reached = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        match done?.map_err(Error::from).flatten() {
            Ok(socket) => reached.push(socket),
            Err(error) => report.problem(format!("a connection was not reached: {error}")),
        }
    }
    Ok(reached)
}

async fn wait_for_text(mut socket: Socket) -> Result<Socket> {
    loop {
        while let Some(range) = socket.next_data()? {
            if socket.payload(range) == TEXT.as_bytes() {
                return Ok(socket);
            }
        }
        socket.fill().await?;
        socket.flush().await?;
    }
}
