//! The socket of a test client, and what came over it.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::testing::Received;
use crate::testing::pipe::Transport;

/// The longest time that anything may take before a test is called stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// A session that is used by one task at a time.
pub(super) type Shared = tokio::sync::Mutex<Session>;

/// The socket of a client, and the frames that came while something else was waited for.
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

    /// Answers pings and keeps what comes, until the connection has ended.
    pub(super) async fn stay(&mut self) {
        while !self.waiting.back().is_some_and(Received::is_end) {
            let frame = self.read().await;
            self.waiting.push_back(frame);
        }
    }
}

/// Waits for something that must come; a test that is stuck fails.
pub(super) async fn patient<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing came for 20 s")
}

/// The clients of a test host that are open: while time passes they stay connected.
#[derive(Default)]
pub(super) struct Clients(Mutex<Vec<Weak<Shared>>>);

impl Clients {
    pub(super) fn add(&self, client: Weak<Shared>) {
        let mut clients = self.0.lock();
        clients.retain(|client| client.strong_count() > 0);
        clients.push(client);
    }

    /// Keeps all of them connected for a while. A client that a task of the test is using does that by itself.
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
