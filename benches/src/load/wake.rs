//! Sleeping agents that are each woken by one message.

use std::io::{Error, Result};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::connections::AT_A_TIME;
use super::greeting::greeting;
use super::request::{answered, request};
use super::target::Target;
use crate::process::Process;
use crate::report::{Report, Used};
use crate::socket::Socket;

/// The plan of a run of wakes.
#[derive(Debug, Clone)]
pub struct Wake {
    /// The number of agents, with one connection each. The first half is woken one after the other, the
    /// second half several at the same time.
    pub agents: usize,
    /// The number of agents that are woken at the same time in the second half.
    pub at_once: usize,
    /// The method that wakes the agents. It is called with one text.
    pub method: String,
    /// The time to wait for the agents to fall asleep.
    pub hold: Duration,
}

/// Lets agents fall asleep and wakes each of them once.
///
/// # Errors
/// Errors of the network, and calls that fail.
pub async fn wake(target: &Target, plan: &Wake) -> Result<Report> {
    let mut sockets = open_all(target, plan.agents).await?;
    sleep(plan.hold).await;
    let rest = sockets.split_off(plan.agents / 2);
    let call = request(0, &plan.method, &["awake?"]);
    let cpu = || (target.server.and_then(Process::cpu), Process::this().cpu().unwrap_or_default());

    let mut report = Report::new(format!("wake by {}", plan.method));
    let mut histogram: Histogram<u32> =
        Histogram::new_with_bounds(1, 60_000_000, 3).map_err(|error| Error::other(format!("{error:?}")))?;
    for socket in &mut sockets {
        let start = Instant::now();
        answered(socket, &call).await?;
        histogram.saturating_record((start.elapsed().as_micros() as u64).max(1));
    }
    report.latencies(&histogram);

    let count = rest.len();
    let (start, (server_before, own_before)) = (Instant::now(), cpu());
    let mut tasks = JoinSet::new();
    let mut woken = Vec::with_capacity(count);
    for mut socket in rest {
        if tasks.len() == plan.at_once {
            woken.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let call = call.clone();
        tasks.spawn(async move { answered(&mut socket, &call).await.map(|()| socket) });
    }
    while let Some(done) = tasks.join_next().await {
        woken.push(done??);
    }
    let (wall, (server, own)) = (start.elapsed(), cpu());
    report.number("at_once", plan.at_once as f64, "");
    report.number("wakes_per_second", count as f64 / wall.as_secs_f64(), "/s");
    let server = server.zip(server_before).map(|(after, before)| after.saturating_sub(before));
    report.cpu("cpu_per_wake", Used { wall, server, own: own.saturating_sub(own_before) }, count as u64);
    if woken.len() != count {
        report.problem("not every agent answered");
    }
    Ok(report)
}

async fn open_all(target: &Target, agents: usize) -> Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(agents);
    let mut tasks = JoinSet::new();
    for agent in 0..agents {
        if tasks.len() == AT_A_TIME {
            sockets.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let target = target.clone();
        tasks.spawn(async move {
            let mut socket = target.open(agent).await?;
            greeting(&mut socket).await?;
            Ok::<_, Error>(socket)
        });
    }
    while let Some(done) = tasks.join_next().await {
        sockets.push(done??);
    }
    Ok(sockets)
}
