//! The baseline: a bare axum WebSocket that sends back every text.

#![forbid(unsafe_code)]

use std::io::{self, Write};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let app = Router::new().fallback(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo));
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app)
        .await
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
