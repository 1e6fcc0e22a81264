//! Sends hostile clients to a server on this machine and measures the effect on other clients.

#![forbid(unsafe_code)]

use std::io::{self, Error, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use agents_benches::hostile::{Plan, soak};
use agents_benches::process::Process;
use clap::Parser;

/// Sends hostile clients to a server on this machine and measures the effect on other clients.
#[derive(Debug, Parser)]
struct Options {
    /// The server, on a loopback address.
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    url: String,
    /// The process id of the server, to measure its memory.
    #[arg(long)]
    server_pid: u32,
    /// The length of the attack, in seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The length of the quiet time before and after the attack, in seconds.
    #[arg(long, default_value_t = 30)]
    quiet: u64,
    /// Runs only the attacks whose name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    /// The source address of the attacking clients.
    #[arg(long, default_value = "127.0.0.1")]
    attackers: IpAddr,
    /// The source address of the measuring client.
    #[arg(long, default_value = "127.0.0.2")]
    witness: IpAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<bool> {
    let host = options.url.trim_start_matches("http://").trim_end_matches('/');
    let server: SocketAddr = host.parse().map_err(Error::other)?;
    if ![server.ip(), options.attackers, options.witness].iter().all(IpAddr::is_loopback) {
        return Err(Error::other("only a server on this machine may be attacked: use loopback addresses"));
    }
    let plan = Plan {
        only: options.only.clone(),
        server,
        process: Process::new(options.server_pid),
        attackers: options.attackers,
        witness: options.witness,
        quiet: Duration::from_secs(options.quiet),
        attack: Duration::from_secs(options.seconds),
    };
    let report = soak(plan, |line| drop(writeln!(io::stdout(), "{line}"))).await?;
    report.write(&mut io::stdout().lock())?;
    Ok(report.is_good())
}
