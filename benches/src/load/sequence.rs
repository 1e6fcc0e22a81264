//! A fixed number of operations, one after the other, so that the work of the server can be counted.

use std::io::{Error, ErrorKind, Result};
use std::process::{Command, Stdio};
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
    /// A command that runs before the first operation and after the last one, such as one that reads a counter
    /// of the server. It is split at spaces.
    pub mark: Option<String>,
}

/// Does operations one after the other, and reports their number and their mean time.
///
/// An operation begins when the one before it has been answered.
///
/// # Errors
/// Errors of the network, and calls and commands that fail.
pub async fn sequence(target: &Target, plan: &Sequence) -> Result<Report> {
    let count = plan.count;
    let elapsed = match &plan.operation {
        Operation::Call { method, args } => call(target, plan, &request(0, method, args)).await?,
        Operation::Broadcast { receivers } => broadcast(target, plan, *receivers).await?,
        Operation::Connect => connect(target, plan).await?,
        Operation::Wake { method, hold } => {
            wake(target, plan, &request(0, method, &["awake?"]), *hold).await?
        }
    };
    let mut report = Report::new(format!("{}, one after the other", plan.scenario));
    report.number("operations", count as f64, "");
    report.number("mean_time", elapsed.as_secs_f64() * 1e6 / count.max(1) as f64, "µs");
    Ok(report)
}

impl Sequence {
    /// Runs the command. Nothing else happens meanwhile.
    fn mark(&self) -> Result<()> {
        let Some(mark) = &self.mark else { return Ok(()) };
        let mut words = mark.split_ascii_whitespace();
        let program = words.next().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "an empty command"))?;
        let status = Command::new(program).args(words).stdout(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(Error::other(format!("{mark}: {status}"))) }
    }
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

async fn call(target: &Target, plan: &Sequence, call: &[u8]) -> Result<Duration> {
    let mut socket = open(target, 0).await?;
    plan.mark()?;
    let start = Instant::now();
    for _ in 0..plan.count {
        answered(&mut socket, call).await?;
    }
    let elapsed = start.elapsed();
    plan.mark()?;
    socket.close().await?;
    Ok(elapsed)
}

async fn broadcast(target: &Target, plan: &Sequence, receivers: usize) -> Result<Duration> {
    let mut sender = open(target, 0).await?;
    let mut sockets = open_each(target, (0..receivers).map(|_| 0)).await?;
    let call = request(0, "broadcastToAll", &[TEXT]);
    plan.mark()?;
    let start = Instant::now();
    for _ in 0..plan.count {
        answered(&mut sender, &call).await?;
        for socket in &mut sockets {
            timeout(TIMEOUT, receive(socket)).await??;
        }
    }
    let elapsed = start.elapsed();
    plan.mark()?;
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

async fn connect(target: &Target, plan: &Sequence) -> Result<Duration> {
    plan.mark()?;
    let start = Instant::now();
    let sockets = open_each(target, 0..plan.count).await?;
    let elapsed = start.elapsed();
    plan.mark()?;
    close_each(sockets).await?;
    Ok(elapsed)
}

async fn wake(target: &Target, plan: &Sequence, call: &[u8], hold: Duration) -> Result<Duration> {
    let mut sockets = open_each(target, 0..plan.count).await?;
    sleep(hold).await;
    plan.mark()?;
    let start = Instant::now();
    for socket in &mut sockets {
        answered(socket, call).await?;
    }
    let elapsed = start.elapsed();
    sleep(hold).await;
    plan.mark()?;
    close_each(sockets).await?;
    Ok(elapsed)
}
