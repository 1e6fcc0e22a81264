//! Puts load on a server that speaks the protocol.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use agents_benches::load::{
    Calls, Crowd, Operation, Protocol, Sequence, Target, Wake, broadcast, calls, connections, sequence, wake,
};
use clap::{Parser, ValueEnum};

/// Puts load on a server and measures it from outside.
#[derive(Debug, Parser)]
struct Options {
    /// The scenario.
    scenario: Scenario,
    /// The address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    url: String,
    /// The class of the agents, in kebab case.
    #[arg(long, default_value = "bench")]
    class: String,
    /// The first part of the agents' names. Another prefix gives new agents.
    #[arg(long, default_value = "load")]
    prefix: String,
    /// The process id of the server, to measure its CPU time and memory.
    #[arg(long)]
    server_pid: Option<u32>,
    /// The protocol: calls of agents, or plain texts that the server sends back.
    #[arg(long, value_enum, default_value = "rpc")]
    protocol: Protocol,
    /// The number of agents: 16 by default, 1 for connections, 2,000 for wake.
    #[arg(long)]
    agents: Option<usize>,
    /// The number of connections to each agent, or in all (broadcast, connections).
    #[arg(long)]
    connections: Option<usize>,
    /// The number of calls or broadcasts that each connection has in flight: 8 by default. For wake: the
    /// number of agents that are woken at the same time, 32 by default.
    #[arg(long)]
    in_flight: Option<usize>,
    /// The length of the measurement, in seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The length of the warm-up, in seconds.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// The number of operations. They run one after the other, without a warm-up, instead of for a time. An
    /// operation is a call, a broadcast, a first connection to a new agent, or a wake.
    #[arg(long)]
    calls: Option<usize>,
    /// With `--calls`: a command that runs before the first operation and after the last one.
    #[arg(long)]
    mark: Option<String>,
    /// The method that wakes the agents (wake).
    #[arg(long, default_value = "echo")]
    method: String,
    /// The time to wait for the agents to fall asleep, in seconds (connections, wake).
    #[arg(long, default_value_t = 0.0)]
    hold: f64,
    /// The number of connections to open and close in a second; 0 means without a limit (connections).
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// `echo(text)`, with many calls in flight.
    RpcEcho,
    /// `increment()`, which changes the state. The change must be durable before the answer is sent.
    Increment,
    /// `echo(text)`, with one connection and one call in flight.
    Latency,
    /// One sender and many receivers.
    Broadcast,
    /// Very many connections, most of them idle, and one broadcast to the connections of one agent.
    Connections,
    /// Sleeping agents that are each woken by one call: first one after the other, then several at the same
    /// time.
    Wake,
}

// The generator uses one thread, because it is pinned to one core and nothing in it waits for another thread.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<bool> {
    let target = Target::new(&options.url, &options.class, &options.prefix, options.server_pid)?;
    let seconds = |value: f64| Duration::try_from_secs_f64(value).map_err(io::Error::other);
    let (warm_up, length) = (seconds(options.warm_up)?, seconds(options.seconds)?);
    let hold = seconds(if options.hold > 0.0 { options.hold } else { 12.0 })?;
    let many = |default| options.connections.unwrap_or(default);
    let echo: &[&str] = &["0123456789abcdef"];
    if let Some(count) = options.calls {
        let (scenario, operation) = match options.scenario {
            Scenario::RpcEcho | Scenario::Latency => ("echo", Operation::Call { method: "echo", args: echo }),
            Scenario::Increment => ("increment", Operation::Call { method: "increment", args: &[] }),
            Scenario::Broadcast => ("broadcast", Operation::Broadcast { receivers: many(1000) }),
            Scenario::Connections => ("connections", Operation::Connect),
            Scenario::Wake => ("wake", Operation::Wake { method: options.method.clone(), hold }),
        };
        let plan = Sequence { scenario, operation, count, mark: options.mark.clone() };
        let report = sequence(&target, &plan).await?;
        report.write(&mut io::stdout().lock())?;
        return Ok(report.is_good());
    }
    let plan = Calls {
        scenario: "rpc-echo",
        protocol: options.protocol,
        agents: options.agents.unwrap_or(16),
        connections: many(4),
        in_flight: options.in_flight.unwrap_or(8),
        method: "echo",
        args: echo,
        counts: false,
        warm_up,
        length,
    };
    let report = match options.scenario {
        Scenario::RpcEcho => calls(&target, &plan).await?,
        Scenario::Latency => {
            let one = Calls { scenario: "latency", agents: 1, connections: 1, in_flight: 1, ..plan };
            calls(&target, &one).await?
        }
        Scenario::Increment => {
            let increment = Calls {
                scenario: "increment",
                method: "increment",
                args: &[],
                counts: options.protocol == Protocol::Rpc,
                ..plan
            };
            calls(&target, &increment).await?
        }
        Scenario::Broadcast => {
            broadcast(&target, many(1000), options.in_flight.unwrap_or(8) as u64, warm_up, length).await?
        }
        Scenario::Connections => {
            let crowd = Crowd {
                connections: many(10_000),
                agents: options.agents.unwrap_or(1).max(1),
                rate: options.rate,
                hold: seconds(options.hold)?,
            };
            connections(&target, crowd).await?
        }
        Scenario::Wake => {
            let plan = Wake {
                agents: options.agents.unwrap_or(2000),
                at_once: options.in_flight.unwrap_or(32).max(1),
                method: options.method.clone(),
                hold,
            };
            wake(&target, &plan).await?
        }
    };
    report.write(&mut io::stdout().lock())?;
    Ok(report.is_good())
}
