//! Sends hostile clients to a server on this machine and measures what others notice.

#![forbid(unsafe_code)]

use std::io::{self, Error, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use agents_benches::hostile::{Plan, soak};
use agents_benches::process::Process;
use clap::Parser;

/// Sends hostile clients to a server on this machine and measures what others notice.
#[derive(Debug, Parser)]
struct Options {
    /// The server, on a loopback address.
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    url: String,
    /// The server's process, to measure its memory.
    #[arg(long)]
    server_pid: u32,
    /// How many seconds the attack lasts.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// How many seconds are quiet before and after.
    #[arg(long, default_value_t = 30)]
    quiet: u64,
    /// Makes only the attacks whose name has this text in it.
    #[arg(long, default_value = "")]
    only: String,
    /// Where the attackers come from.
    #[arg(long, default_value = "127.0.0.1")]
    attackers: IpAddr,
    /// Where the client that measures comes from.
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
        return Err(Error::other("this is for a server on this machine: give loopback addresses"));
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
