//! Serving a host on a port.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;
use std::{process, thread};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

use crate::error::{Error, Result};
use crate::server::http::listener;
use crate::server::{Agents, HostService, prometheus};

/// The time that connections have to end after everything else has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until the process is asked to stop.
pub(in crate::server) async fn serve(mut agents: Agents, addr: &str) -> Result<()> {
    say_if_log_is_off();
    let listener = bind(addr).await?;
    let mut announced = format!("listening on http://{}\n", listener.local_addr()?);
    let metrics = match agents.metrics.take() {
        Some(addr) => {
            let listener = bind(&addr).await?;
            announced += &format!("metrics on http://{}/metrics\n", listener.local_addr()?);
            Some(listener)
        }
        None => None,
    };
    let host = agents.start()?;
    host.access().origins.warn_if_open(listener.local_addr()?);
    // This makes the routes of the program, which may take a while.
    let service = host.service();
    // A parent process reads these lines, perhaps only the first one. They are written in one piece, and
    // nothing else is written to stdout.
    io::stdout().write_all(announced.as_bytes())?;
    let metrics = metrics.map(|listener| {
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
fn end_with_the_runtime() -> io::Result<()> {
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
    thread::Builder::new().name("agents-end".to_owned()).spawn(wait).map(drop)
}

/// Warns on stderr when the log is off, since a program without a log would not show any error.
fn say_if_log_is_off() {
    if dispatcher::get_default(|log| log.is::<NoSubscriber>()) {
        // If stderr is closed, the warning cannot be written.
        let _ = writeln!(
            io::stderr(),
            "the log is off, errors and warnings are lost: install a subscriber of `tracing` before `Agents::serve`, for \
             example with `tracing_subscriber::fmt::init()`, or serve with `Agents::run`, which installs one"
        );
    }
}

async fn bind(addr: &str) -> Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .map_err(|error| Error::new("bind", format!("cannot listen on {addr}: {error}")))
}

async fn serve_on(listener: TcpListener, service: HostService) {
    let host = service.host().clone();
    let shutdown = CancellationToken::new();
    let server = listener::serve(listener, host.clone(), service, shutdown.clone());
    let stop = async {
        signal().await;
        tracing::info!("stopping");
        shutdown.cancel();
        host.shutdown().await;
    };
    tokio::pin!(server, stop);
    tokio::select! {
        () = &mut server => stop.await,
        // Idle keep-alive connections end by themselves; a connection that does not end must not delay the
        // exit.
        () = &mut stop => drop(tokio::time::timeout(CLOSE_TIMEOUT, server).await),
    }
}

/// Waits for SIGTERM or Ctrl-C.
async fn signal() {
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
        () = interrupt => {}
        () = terminate => {}
    }
}
