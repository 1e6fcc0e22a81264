//! Many calls at the same time over many connections.

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::Duration;

use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::greeting::greeting;
use super::request::request;
use super::target::{TIMEOUT, Target, Window};
use crate::report::Report;
use crate::socket::Socket;

/// The protocol of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// Calls of a method of an agent.
    Rpc,
    /// Plain texts that the server sends back, for comparison.
    Raw,
}

/// The plan of a run of calls.
#[derive(Debug, Clone)]
pub struct Calls {
    /// The name of the run.
    pub scenario: &'static str,
    /// Calls of agents, or plain texts.
    pub protocol: Protocol,
    /// The number of agents.
    pub agents: usize,
    /// The number of connections to each agent.
    pub connections: usize,
    /// The number of calls that each connection has in flight.
    pub in_flight: usize,
    /// The name of the method on the wire.
    pub method: &'static str,
    /// The arguments.
    pub args: &'static [&'static str],
    /// `true` if each call adds one to `count` in the agent's state. The sum is checked at the end.
    pub counts: bool,
    /// The length of the warm-up before the measurement.
    pub warm_up: Duration,
    /// The length of the measurement.
    pub length: Duration,
}

#[derive(Debug)]
struct Tally {
    agent: usize,
    /// The number of all calls that succeeded, for the check.
    total: u64,
    /// The number of calls inside the window, for the figures.
    counted: u64,
    latencies: Histogram<u32>,
}

/// Creates a histogram of latencies up to a minute, in microseconds with two digits. It is small enough to
/// have one for each connection.
fn histogram() -> Result<Histogram<u32>> {
    Histogram::new_with_bounds(1, 60_000_000, 2).map_err(|error| Error::other(format!("{error:?}")))
}

/// Runs calls and reports their rate, latency and cost.
///
/// # Errors
/// Errors of the network, and calls that fail.
pub async fn calls(target: &Target, plan: &Calls) -> Result<Report> {
    let mut sockets = Vec::new();
    let mut counts = vec![0; plan.agents];
    for (agent, count) in counts.iter_mut().enumerate() {
        for connection in 0..plan.connections {
            let mut socket = target.open(agent).await?;
            if plan.protocol == Protocol::Rpc {
                let state = greeting(&mut socket).await?;
                if connection == 0 {
                    *count = state.and_then(|state| state["count"].as_u64()).unwrap_or(0);
                }
            }
            sockets.push((agent, socket));
        }
    }
    let window = Window::new(plan.warm_up, plan.length);
    let mut tasks = JoinSet::new();
    for (agent, socket) in sockets {
        tasks.spawn(drive(agent, socket, plan.clone(), window));
    }
    let used = target.measure(window).await;
    let mut latencies = histogram()?;
    let mut counted = 0;
    while let Some(done) = tasks.join_next().await {
        let tally = done??;
        counts[tally.agent] += tally.total;
        counted += tally.counted;
        latencies.add(&tally.latencies).map_err(|error| Error::other(format!("{error:?}")))?;
    }
    let mut report = Report::new(match plan.protocol {
        Protocol::Rpc => plan.scenario.to_owned(),
        Protocol::Raw => format!("{} (raw)", plan.scenario),
    });
    report.number("calls_per_second", counted as f64 / window.seconds(), "/s");
    report.latencies(&latencies);
    report.cpu("cpu_per_call", used, counted);
    if counted == 0 {
        report.problem("the server answered no call");
    }
    if plan.counts {
        check(target, &counts, &mut report).await?;
    }
    Ok(report)
}

/// Compares the counts of the agents with the number of answers.
async fn check(target: &Target, counts: &[u64], report: &mut Report) -> Result<()> {
    for (agent, expected) in counts.iter().enumerate() {
        let mut socket = target.open(agent).await?;
        let state = greeting(&mut socket).await?;
        let found = state.as_ref().and_then(|state| state["count"].as_u64());
        if found != Some(*expected) {
            report.problem(format!("agent {agent} counts {found:?}, but {expected} calls were answered"));
        }
        socket.close().await?;
    }
    Ok(())
}

/// Builds one frame for each call that can be in flight.
fn requests(plan: &Calls) -> Vec<Vec<u8>> {
    (0..plan.in_flight).map(|slot| request(slot, plan.method, plan.args)).collect()
}

async fn drive(agent: usize, mut socket: Socket, plan: Calls, window: Window) -> Result<Tally> {
    let requests = requests(&plan);
    let answers = Answers::new();
    let mut started = vec![Instant::now(); plan.in_flight];
    // Plain texts have no id: they come back in the order in which they were sent.
    let mut order: VecDeque<usize> = (0..plan.in_flight).collect();
    let mut under_way = plan.in_flight;
    let mut tally = Tally { agent, total: 0, counted: 0, latencies: histogram()? };
    for request in &requests {
        socket.push(request);
    }
    while under_way > 0 {
        socket.flush().await?;
        // Only the last answers can be missing: while the load runs, another answer always follows.
        timeout(TIMEOUT, socket.fill()).await??;
        let now = Instant::now();
        while let Some(range) = socket.next_data()? {
            let slot = match plan.protocol {
                Protocol::Raw => order.pop_front(),
                Protocol::Rpc => answers.slot(socket.payload(range))?,
            };
            let Some(slot) = slot else { continue };
            let start =
                started.get_mut(slot).ok_or_else(|| Error::other("an answer to a call that was not made"))?;
            tally.total += 1;
            if window.contains(now) {
                tally.counted += 1;
                let micros = (now - *start).as_micros() as u64;
                tally.latencies.saturating_record(micros.max(1));
            }
            if now < window.end {
                *start = now;
                order.push_back(slot);
                socket.push(&requests[slot]);
            } else {
                under_way -= 1;
            }
        }
    }
    socket.close().await?;
    Ok(tally)
}

/// A parser that finds the call of an answer, without parsing the frame as JSON.
struct Answers {
    kind: memmem::Finder<'static>,
    id: memmem::Finder<'static>,
    success: memmem::Finder<'static>,
}

impl Answers {
    fn new() -> Self {
        Self {
            kind: memmem::Finder::new(br#""type":"rpc""#),
            id: memmem::Finder::new(br#""id":""#),
            success: memmem::Finder::new(br#""success":true"#),
        }
    }

    fn slot(&self, payload: &[u8]) -> Result<Option<usize>> {
        if self.kind.find(payload).is_none() {
            return Ok(None);
        }
        if self.success.find(payload).is_none() {
            return Err(Error::other(String::from_utf8_lossy(payload).into_owned()));
        }
        let start = self.id.find(payload).ok_or_else(|| Error::other("an answer without an id"))? + 6;
        let digits = payload[start..].iter().take_while(|byte| byte.is_ascii_digit());
        Ok(Some(digits.fold(0, |id, digit| id * 10 + usize::from(digit - b'0'))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_other_frames() {
        let answers = Answers::new();
        let slot = |text: &str| answers.slot(text.as_bytes());
        let good = r#"{"done":true,"id":"12","result":"x","success":true,"type":"rpc"}"#;
        assert_eq!(slot(good).unwrap(), Some(12));
        assert_eq!(slot(r#"{"state":{"count":1},"type":"cf_agent_state"}"#).unwrap(), None);
        let bad = r#"{"error":"no","id":"1","success":false,"type":"rpc"}"#;
        assert!(slot(bad).unwrap_err().to_string().contains("no"));
    }
}
