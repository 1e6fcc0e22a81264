//! A fixed number of operations, one after the other, so that the work of the server can be counted.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::broadcast::TEXT;
use super::greeting::greeting;
use super::request::{answered, request};
use super::target::{TIMEOUT, Target};
use crate::report::Report;
use crate::socket::Socket;

/// The operation that is repeated.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A call over one connection.
    Call {
        /// The name of the method on the wire.
        method: &'static str,
        /// The arguments.
        args: &'static [&'static str],
    },
    /// A broadcast to the sender and to other connections of the same agent.
    Broadcast {
        /// The number of connections besides the sender.
        receivers: usize,
    },
    /// A first connection to an agent that is new.
    Connect,
    /// A call that wakes a sleeping agent, which then falls asleep again.
    Wake {
        /// The number of agents with one connection each. It does not depend on the number of operations, so
        /// that two runs differ in wakes only.
        agents: usize,
        /// The method that wakes an agent. It is called with one text.
        method: String,
        /// The time to wait for the agents to fall asleep, before and after they are woken.
        hold: Duration,
    },
}

/// The plan of a run with a fixed number of operations.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// The name of the run.
    pub scenario: &'static str,
    /// The operation.
    pub operation: Operation,
    /// The number of operations.
    pub count: usize,
}

/// Does operations one after the other, and reports their number and their mean time.
///
/// An operation begins when the one before it has been answered.
///
/// # Errors
/// Errors of the network, calls that fail, and more wakes than agents.
pub async fn sequence(target: &Target, plan: &Sequence) -> Result<Report> {
    let count = plan.count;
    let elapsed = match &plan.operation {
        Operation::Call { method, args } => call(target, &request(0, method, args), count).await?,
        Operation::Broadcast { receivers } => broadcast(target, *receivers, count).await?,
        Operation::Connect => connect(target, count).await?,
        Operation::Wake { agents, method, hold } => {
            wake(target, *agents, &request(0, method, &["awake?"]), *hold, count).await?
        }
    };
    let mut report = Report::new(format!("{}, one after the other", plan.scenario));
    report.number("operations", count as f64, "");
    report.number("mean_time", elapsed.as_secs_f64() * 1e6 / count.max(1) as f64, "µs");
    Ok(report)
}

async fn open(target: &Target, agent: usize) -> Result<Socket> {
    let mut socket = target.open(agent).await?;
    greeting(&mut socket).await?;
    Ok(socket)
}

async fn open_each(target: &Target, agents: impl Iterator<Item = usize>) -> Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    for agent in agents {
        sockets.push(open(target, agent).await?);
    }
    Ok(sockets)
}

async fn close_each(sockets: Vec<Socket>) -> Result<()> {
    for socket in sockets {
        timeout(TIMEOUT, socket.close()).await??;
    }
    Ok(())
}

async fn call(target: &Target, call: &[u8], count: usize) -> Result<Duration> {
    let mut socket = open(target, 0).await?;
    let start = Instant::now();
    for _ in 0..count {
        answered(&mut socket, call).await?;
    }
    let elapsed = start.elapsed();
    socket.close().await?;
    Ok(elapsed)
}

async fn broadcast(target: &Target, receivers: usize, count: usize) -> Result<Duration> {
    let mut sender = open(target, 0).await?;
    let mut sockets = open_each(target, (0..receivers).map(|_| 0)).await?;
    let call = request(0, "broadcastToAll", &[TEXT]);
    let start = Instant::now();
    for _ in 0..count {
        answered(&mut sender, &call).await?;
        for socket in &mut sockets {
            timeout(TIMEOUT, receive(socket)).await??;
        }
    }
    let elapsed = start.elapsed();
    sockets.push(sender);
    close_each(sockets).await?;
    Ok(elapsed)
}

/// Waits for the next frame, which must be the broadcast.
async fn receive(socket: &mut Socket) -> Result<()> {
    loop {
        if let Some(range) = socket.next_data()? {
            let payload = socket.payload(range);
            return if payload == TEXT.as_bytes() {
                Ok(())
            } else {
                Err(Error::other(String::from_utf8_lossy(payload).into_owned()))
            };
        }
        socket.fill().await?;
        socket.flush().await?;
    }
}

async fn connect(target: &Target, count: usize) -> Result<Duration> {
    let start = Instant::now();
    let sockets = open_each(target, 0..count).await?;
    let elapsed = start.elapsed();
    close_each(sockets).await?;
    Ok(elapsed)
}

async fn wake(target: &Target, agents: usize, call: &[u8], hold: Duration, count: usize) -> Result<Duration> {
    if count > agents {
        return Err(Error::new(ErrorKind::InvalidInput, "each agent is woken once at most"));
    }
    let mut sockets = open_each(target, 0..agents).await?;
    sleep(hold).await;
    let start = Instant::now();
    for socket in &mut sockets[..count] {
        answered(socket, call).await?;
    }
    let elapsed = start.elapsed();
    sleep(hold).await;
    close_each(sockets).await?;
    Ok(elapsed)
}
