//! The command line of a program that hosts agents.

pub(super) mod migrate;
mod types;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::error::Result;
use crate::server::http::listen_address::ListenAddress;
use crate::server::http::serve;
use crate::server::{Agents, events, log, output};
use crate::storage::{DataFolder, StorageError};

#[derive(Debug, Parser)]
#[command(about = "A server of agents", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the agents (the default)
    Serve(Serve),
    /// List the agents that have a database, as `class/name`; `(damaged)` marks one that cannot be opened
    List(Data),
    /// Write the types of the agents and a client for them, for TypeScript
    Types(types::Types),
    /// Check which agents this program could not start on their stored data
    Migrate(migrate::Migrate),
}

#[derive(Args, Debug)]
struct Serve {
    /// The address to listen on; port 0 selects a free port
    #[arg(long, env = "AGENTS_ADDR", default_value = "127.0.0.1:8787")]
    addr: String,
    /// A separate address that answers `GET /metrics` for Prometheus [default: the program's choice, off
    /// without one]
    #[arg(long, env = "AGENTS_METRICS_ADDR")]
    metrics_addr: Option<String>,
    /// An origin whose pages may reach the agents, like `https://app.example`; may be given more than once
    /// [default: the program's choice, every page without one]
    #[arg(long = "origin", value_name = "ORIGIN", env = "AGENTS_ORIGINS", value_delimiter = ',')]
    origins: Vec<String>,
    #[command(flatten)]
    data: Data,
}

#[derive(Args, Debug)]
pub(super) struct Data {
    /// The folder of the databases [default: the program's choice, `./data` without one]
    #[arg(long, env = "AGENTS_DATA")]
    pub(super) data: Option<PathBuf>,
}

pub(super) async fn run(mut agents: Agents) -> Result<()> {
    let cli = Cli::parse();
    // A program that has its own subscriber keeps it.
    log()?;
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(Serve { addr, metrics_addr, origins, data }) => {
            agents.metrics = metrics_addr.or(agents.metrics);
            // An empty variable is not a list.
            let origins: Vec<_> = origins.into_iter().filter(|origin| !origin.trim().is_empty()).collect();
            if !origins.is_empty() {
                agents = agents.origins(origins);
            }
            if let Some(data) = data.data {
                agents.data = data;
            }
            let address = ListenAddress { text: &addr, setting: "`--addr` or `AGENTS_ADDR`" };
            serve::serve(agents, address).await
        }
        Command::Types(types) => types::command(&agents, &types),
        Command::Migrate(options) => {
            if let Some(data) = &options.data.data {
                agents.data.clone_from(data);
            }
            migrate::command(agents, options).await
        }
        Command::List(data) => {
            if agents.has_no_class() {
                events::no_class();
            }
            list(data.data.unwrap_or(agents.data))
        }
    }
}

/// Returns the reason that is printed behind an agent that cannot be opened.
fn reason(error: &StorageError) -> &'static str {
    if matches!(error, StorageError::Damaged { .. }) { "damaged" } else { error.code() }
}

fn list(data: PathBuf) -> Result<()> {
    let objects = DataFolder::objects(&data).map_err(|error| error.into_error())?;
    let mut names = Vec::new();
    for object in objects {
        match object {
            Ok((class, name)) => match DataFolder::look(&data, &class, &name) {
                Ok(()) => names.push(format!("{class}/{name}")),
                Err(error) => {
                    tracing::error!(%error, "an agent cannot be opened");
                    names.push(format!("{class}/{name} ({})", reason(&error)));
                }
            },
            // The path of the file identifies the agent.
            Err(StorageError::Damaged { path, .. }) => {
                let file = path.strip_prefix(&data).unwrap_or(&path);
                names.push(format!("{} (damaged)", file.display()));
            }
            Err(error) => tracing::warn!(%error, "a file was skipped"),
        }
    }
    names.sort();
    output::print(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
}
