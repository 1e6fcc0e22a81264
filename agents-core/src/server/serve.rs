//! Serving a host on a port.

use std::io::{self, Write};
use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::server::{Agents, Host, metrics};

/// Serves until the process is asked to stop.
pub(super) async fn serve(mut agents: Agents, addr: &str) -> Result<()> {
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
    // Programs that start us read these lines, perhaps only the first one: they leave in one piece,
    // and there is nothing else on stdout.
    io::stdout().write_all(announced.as_bytes())?;
    let metrics = metrics
        .map(|listener| tokio::spawn(axum::serve(listener, metrics::router(host.clone())).into_future()));
    let served = serve_on(listener, host).await;
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    served
}

async fn bind(addr: &str) -> Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .map_err(|error| Error::new("bind", format!("cannot listen on {addr}: {error}")))
}

async fn serve_on(listener: TcpListener, host: Host) -> Result<()> {
    let app =
        Router::new().fallback_service(host.service()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
    });
    let stopped = host.clone();
    let server = axum::serve(listener, app);
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let server = server.with_graceful_shutdown(async {
        // Ends when the signal came, or when the other half is gone.
        let _ = receiver.await;
    });
    let stop = async move {
        signal().await;
        tracing::info!("stopping");
        drop(sender);
        stopped.shutdown().await;
    };
    let server = async {
        let served = server.await;
        Ok::<_, Error>(served?)
    };
    tokio::pin!(server, stop);
    tokio::select! {
        served = &mut server => served?,
        () = &mut stop => {
            // Idle keep-alive connections end by themselves; a stuck one does not hold us up.
            let rest = tokio::time::timeout(std::time::Duration::from_secs(2), server).await;
            return rest.unwrap_or(Ok(()));
        }
    }
    stop.await;
    Ok(())
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
