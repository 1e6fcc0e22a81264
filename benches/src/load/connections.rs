//! Very many connections to one agent.

use std::io::{Error, Result};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::greeting::greeting;
use super::target::{PATIENCE, Target};
use crate::frame;
use crate::process::Process;
use crate::report::Report;
use crate::socket::Socket;

/// How many connections are being made at a time: below the usual backlog of a listener.
const AT_A_TIME: usize = 100;

/// What is sent to everybody.
const TEXT: &str = "bench:everybody";

/// A call with one text as its argument, as a frame.
pub(super) fn request(method: &str, text: &str) -> Vec<u8> {
    let call = format!(r#"{{"type":"rpc","id":"0","method":"{method}","args":["{text}"]}}"#);
    let mut out = Vec::new();
    frame::encode(&mut out, frame::TEXT, call.as_bytes());
    out
}

/// Opens connections to the first agent and waits until it has greeted them all.
pub(super) async fn open_many(target: &Target, count: usize) -> Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        if tasks.len() == AT_A_TIME {
            sockets.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let target = target.clone();
        tasks.spawn(async move {
            let mut socket = target.open(0).await?;
            greeting(&mut socket).await?;
            socket.shrink();
            Ok::<_, Error>(socket)
        });
    }
    while let Some(done) = tasks.join_next().await {
        sockets.push(done??);
    }
    Ok(sockets)
}

/// Opens many connections to one agent, reaches them all with one broadcast, and closes them.
///
/// With `hold` it waits before the broadcast, so that the agent can fall asleep.
///
/// # Errors
/// Those of the network.
pub async fn connections(target: &Target, count: usize, hold: Duration) -> Result<Report> {
    let memory = || target.server.and_then(Process::memory);
    let mut report = Report::new("connections");
    // One connection wakes the agent up, so that its own memory is not counted.
    let first = open_many(target, 1).await?;
    let before = memory();
    let start = Instant::now();
    let mut sockets = open_many(target, count.saturating_sub(1)).await?;
    let connecting = start.elapsed();
    report.number("connections", count as f64, "");
    report.number("connect_time", connecting.as_secs_f64() * 1e3, "ms");
    report.number("connects_per_second", count as f64 / connecting.as_secs_f64(), "/s");
    if !hold.is_zero() {
        sleep(hold).await;
    }
    if let Some((before, after)) = before.zip(memory()) {
        let each = after.saturating_sub(before) as f64 / count.saturating_sub(1).max(1) as f64;
        report.number("server_memory", after as f64 / 1e6, "MB");
        report.number("memory_per_connection", each / 1024.0, "KiB");
    }
    sockets.extend(first);

    let start = Instant::now();
    if let Some(sender) = sockets.last_mut() {
        sender.push(&request("broadcastToAll", TEXT));
        sender.flush().await?;
    }
    let mut tasks = JoinSet::new();
    for socket in sockets {
        tasks.spawn(timeout(PATIENCE, wait_for_text(socket)));
    }
    let mut reached = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        match done?.map_err(Error::from).flatten() {
            Ok(socket) => reached.push(socket),
            Err(error) => report.problem(format!("a connection was not reached: {error}")),
        }
    }
    report.number("broadcast_time", start.elapsed().as_secs_f64() * 1e3, "ms");
    report.number("reached", reached.len() as f64, "");

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for socket in reached {
        tasks.spawn(timeout(PATIENCE, socket.close()));
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
