//! Serving a host on a port.

use std::io::{self, Write};
use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::server::Agents;

/// Serves until the process is asked to stop.
pub(super) async fn serve(agents: Agents, addr: &str) -> Result<()> {
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|error| Error::new("bind", format!("cannot listen on {addr}: {error}")))?;
    let local = listener.local_addr()?;
    let host = agents.start()?;
    let app =
        Router::new().fallback_service(host.service()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
    });
    // Programs that start us read this line; it is the only thing on stdout.
    writeln!(io::stdout(), "listening on http://{local}")?;
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
