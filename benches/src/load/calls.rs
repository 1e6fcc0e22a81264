//! Many calls at a time over many connections.

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::Duration;

use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::greeting::greeting;
use super::target::{PATIENCE, Target, Window};
use crate::frame;
use crate::report::Report;
use crate::socket::Socket;

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// Calls of a method of an agent.
    Rpc,
    /// A server that sends back every text, for comparison.
    Raw,
}

/// How many calls, and of what.
#[derive(Debug, Clone)]
pub struct Calls {
    /// The name of the run.
    pub scenario: &'static str,
    /// Calls of agents, or plain texts.
    pub protocol: Protocol,
    /// How many agents.
    pub agents: usize,
    /// How many connections to each agent.
    pub connections: usize,
    /// How many calls each connection has under way.
    pub in_flight: usize,
    /// The method on the wire.
    pub method: &'static str,
    /// Its arguments, a JSON array.
    pub args: String,
    /// Whether each call adds one to `count` in the agent's state, to be checked at the end.
    pub counts: bool,
    /// How long to warm up before the numbers count.
    pub warm_up: Duration,
    /// How long the numbers count.
    pub length: Duration,
}

#[derive(Debug)]
struct Tally {
    agent: usize,
    /// All calls that succeeded, for the check.
    total: u64,
    /// Those inside the window, for the numbers.
    counted: u64,
    latencies: Histogram<u32>,
}

/// Latencies to a minute in microseconds, with two digits: small enough for one a connection.
fn histogram() -> Result<Histogram<u32>> {
    Histogram::new_with_bounds(1, 60_000_000, 2).map_err(|error| Error::other(format!("{error:?}")))
}

/// Runs calls and reports their rate, latency and cost.
///
/// # Errors
/// Those of the network, and calls that fail.
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
        report.problem("no call was answered");
    }
    if plan.counts {
        check(target, &counts, &mut report).await?;
    }
    Ok(report)
}

/// Compares what the agents have counted with what was answered.
async fn check(target: &Target, counts: &[u64], report: &mut Report) -> Result<()> {
    for (agent, expected) in counts.iter().enumerate() {
        let mut socket = target.open(agent).await?;
        let state = greeting(&mut socket).await?;
        let found = state.as_ref().and_then(|state| state["count"].as_u64());
        if found != Some(*expected) {
            report.problem(format!("agent {agent} counts {found:?}, answered were {expected}"));
        }
        socket.close().await?;
    }
    Ok(())
}

/// One frame for each call that can be under way, made once.
fn requests(plan: &Calls) -> Vec<Vec<u8>> {
    let (method, args) = (plan.method, &plan.args);
    (0..plan.in_flight)
        .map(|slot| {
            let text = format!(r#"{{"type":"rpc","id":"{slot}","method":"{method}","args":{args}}}"#);
            let mut out = Vec::new();
            frame::encode(&mut out, frame::TEXT, text.as_bytes());
            out
        })
        .collect()
}

async fn drive(agent: usize, mut socket: Socket, plan: Calls, window: Window) -> Result<Tally> {
    let requests = requests(&plan);
    let answers = Answers::new();
    let mut started = vec![Instant::now(); plan.in_flight];
    // Plain texts have no id: they come back in the order they went.
    let mut order: VecDeque<usize> = (0..plan.in_flight).collect();
    let mut under_way = plan.in_flight;
    let mut tally = Tally { agent, total: 0, counted: 0, latencies: histogram()? };
    for request in &requests {
        socket.push(request);
    }
    while under_way > 0 {
        socket.flush().await?;
        // Only the last answers can hang: while the load runs there is always another one.
        timeout(PATIENCE, socket.fill()).await??;
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

/// Finds out which call a frame answers, without reading it as JSON.
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
