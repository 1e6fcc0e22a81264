//! The socket of a test client, and the messages that it received.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::testing::Received;
use crate::testing::pipe::Transport;

/// The maximum time to wait for an event before a test fails.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A session that one task uses at a time.
pub(super) type Shared = tokio::sync::Mutex<Session>;

/// The socket of a client, and the messages that arrived while the client waited for another one.
pub(super) struct Session {
    pub(super) socket: WebSocketStream<Box<dyn Transport>>,
    pub(super) waiting: VecDeque<Received>,
}

impl Session {
    pub(super) async fn next(&mut self) -> Received {
        match self.waiting.pop_front() {
            Some(frame) => frame,
            None => self.receive().await,
        }
    }

    pub(super) async fn receive(&mut self) -> Received {
        patient(self.read()).await
    }

    pub(super) async fn read(&mut self) -> Received {
        loop {
            return match self.socket.next().await {
                Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Received::Close(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Close(None))) => Received::Close(1005, String::new()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Received::Dropped,
            };
        }
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Box<tungstenite::Error>> {
        Ok(patient(self.socket.send(message)).await?)
    }

    /// Answers pings and keeps messages, until the connection has ended.
    pub(super) async fn stay(&mut self) {
        while !self.waiting.back().is_some_and(Received::is_end) {
            let frame = self.read().await;
            self.waiting.push_back(frame);
        }
    }
}

/// Waits for an event that must happen; panics after 20 s.
pub(super) async fn patient<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(TIMEOUT, future).await.expect("nothing came for 20 s")
}

/// The open clients of a test host, which stay connected while time passes.
#[derive(Default)]
pub(super) struct Clients(Mutex<Vec<Weak<Shared>>>);

impl Clients {
    pub(super) fn add(&self, client: Weak<Shared>) {
        let mut clients = self.0.lock();
        clients.retain(|client| client.strong_count() > 0);
        clients.push(client);
    }

    /// Keeps all clients connected for a while. A client that a task of the test is using keeps itself
    /// connected.
    pub(super) async fn stay(&self, time: Duration) {
        let clients: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let stay = clients
            .iter()
            .filter_map(|client| client.try_lock().ok())
            .map(async |mut client| client.stay().await);
        let all = futures_util::future::join_all(stay);
        let over = tokio::time::sleep(time);
        tokio::pin!(over);
        tokio::select! {
            () = &mut over => {}
            _ = all => over.await,
        }
    }
}
