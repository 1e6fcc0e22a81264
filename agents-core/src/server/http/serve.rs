//! Serving a host on a port.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;
use std::{process, thread};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::server::http::listen_address::ListenAddress;
use crate::server::http::listener;
use crate::server::{Agents, HostService, events, log, output, prometheus};

/// The time that connections have to end after everything else has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The settings of the address of the metrics.
const METRICS: &str = "`--metrics-addr`, `AGENTS_METRICS_ADDR` or `Agents::metrics`";

/// Serves until the process is asked to stop.
pub(in crate::server) async fn serve(mut agents: Agents, address: ListenAddress<'_>) -> Result<()> {
    say_if_log_is_off();
    let (listener, address) = address.listen().await?;
    let mut announced = format!("listening on http://{address}\n");
    let metrics = match agents.metrics.take() {
        Some(text) => {
            let listened = ListenAddress { text: &text, setting: METRICS }.listen().await?;
            announced += &format!("metrics on http://{}/metrics\n", listened.1);
            Some(listened)
        }
        None => None,
    };
    let host = agents.start()?;
    events::listening(address, metrics.as_ref().map(|(_, address)| *address));
    host.access().origins.warn_if_open(address);
    // This makes the routes of the program, which may take a while.
    let service = host.service();
    // A parent process reads these lines, perhaps only the first one. They are written in one piece, and
    // nothing else is written to stdout.
    output::print(&announced)?;
    let metrics = metrics.map(|(listener, _)| {
        let service = prometheus::router(host.clone());
        tokio::spawn(listener::serve(listener, host.clone(), service, CancellationToken::new()))
    });
    serve_on(listener, service).await;
    if host.is_held() {
        end_with_the_runtime()?;
    }
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    Ok(())
}

/// Ends the process after the shutdown of its runtime, which would wait for handlers that block its threads,
/// and for a disk that does not answer.
fn end_with_the_runtime() -> Result<()> {
    let (alive, over) = mpsc::channel::<()>();
    // The task is dropped with the runtime.
    tokio::spawn(async move {
        let _alive = alive;
        std::future::pending::<()>().await;
    });
    let wait = move || {
        let _ = over.recv();
        thread::sleep(CLOSE_TIMEOUT);
        tracing::warn!("the process exits while handlers or the disk still hold its threads");
        process::exit(0);
    };
    let thread = thread::Builder::new().name("agents-end".to_owned()).spawn(wait);
    thread.map(drop).map_err(|error| Error::new("thread", format!("no thread can be started: {error}")))
}

/// Warns on stderr when the log is off, since a program without a log would not show any error.
fn say_if_log_is_off() {
    if log::is_off() {
        // If stderr is closed, the warning cannot be written.
        let _ = writeln!(
            io::stderr(),
            "the log is off, errors and warnings are lost: call `agents::log()` before `Agents::serve`, or install another \
             subscriber of `tracing`, or serve with `Agents::run`, which calls it"
        );
    }
}

async fn serve_on(listener: TcpListener, service: HostService) {
    let host = service.host().clone();
    let shutdown = CancellationToken::new();
    let server = listener::serve(listener, host.clone(), service, shutdown.clone());
    let stop = async {
        let signal = signal().await;
        shutdown.cancel();
        host.stop(signal).await;
    };
    tokio::pin!(server, stop);
    tokio::select! {
        () = &mut server => stop.await,
        // Idle keep-alive connections end by themselves; a connection that does not end must not delay the
        // exit.
        () = &mut stop => drop(tokio::time::timeout(CLOSE_TIMEOUT, server).await),
    }
}

/// Waits for SIGTERM or Ctrl-C, and returns the name of the signal.
async fn signal() -> &'static str {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => "SIGINT",
        () = terminate => "SIGTERM",
    }
}
