//! The rules of a client, without any I/O: the buffer, the pending calls and the cached state.
//!
//! The worker passes it the events of the socket and takes the frames to send; the
//! handles add calls. All rules about calls and lost connections are in this file.

use std::collections::{HashMap, VecDeque};

use agents_protocol::wire::frame::READONLY;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot, watch};

use crate::connection::close::CloseFrame;
use crate::connection::frame::{self, Answer, Outcome, ServerFrame};
use crate::{ClientError, Identity, Lost, Message, Status};

/// The receiver of the answer to a call.
#[derive(Debug)]
pub(crate) enum Sink {
    Once(oneshot::Sender<Result<Answer, ClientError>>),
    Stream { chunks: mpsc::Sender<Answer>, end: oneshot::Sender<Result<Answer, ClientError>> },
}

impl Sink {
    /// Ends the call. The receiver may be dropped already, which is not an error.
    fn settle(self, result: Result<Answer, ClientError>) {
        let (Self::Once(end) | Self::Stream { end, .. }) = self;
        drop(end.send(result));
    }
}

#[derive(Debug)]
struct Pending {
    sink: Sink,
    on_the_wire: bool,
}

#[derive(Debug)]
struct Outgoing {
    message: Message,
    kind: Kind,
    /// The frame's permit in the buffer, released when the frame leaves the buffer. The frame that ends a
    /// stream has no permit; there are at most as many of these frames as streams.
    _space: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call(u64),
    Cancel,
    State,
    Raw,
}

/// The values that the user can watch.
#[derive(Debug)]
pub(crate) struct Watches {
    pub(crate) status: watch::Sender<Status>,
    pub(crate) identity: watch::Sender<Option<Identity>>,
    pub(crate) state: watch::Sender<Option<Value>>,
    pub(crate) mcp_servers: watch::Sender<Option<Value>>,
    pub(crate) messages: broadcast::Sender<Message>,
    pub(crate) rejections: broadcast::Sender<String>,
}

impl Watches {
    pub(crate) fn new(messages: usize) -> Self {
        Self {
            status: watch::Sender::new(Status::Connecting),
            identity: watch::Sender::new(None),
            state: watch::Sender::new(None),
            mcp_servers: watch::Sender::new(None),
            messages: broadcast::Sender::new(messages),
            rejections: broadcast::Sender::new(messages),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) watches: Watches,
    next_id: u64,
    outbox: VecDeque<Outgoing>,
    pending: HashMap<u64, Pending>,
    state_cache: StateCache,
    /// The identity that is published after the state that it announces has arrived.
    announced: Option<Identity>,
    closing: Option<CloseFrame>,
    ended: Option<ClientError>,
}

/// The states that keep the local copy correct when pushes of this client are accepted or refused.
#[derive(Debug, Default)]
struct StateCache {
    /// The last state that the server sent.
    server: Option<Value>,
    /// The local copy before the last push.
    before_push: Option<Option<Value>>,
    /// `true` if the next state frame may be the initial one, which the server made before it read any frame
    /// of this client.
    expects_initial: bool,
    /// `true` if a push was sent on this connection before the initial state frame arrived.
    early_push: bool,
}

impl Session {
    pub(crate) fn new(watches: Watches) -> Self {
        Self {
            watches,
            next_id: 1,
            outbox: VecDeque::new(),
            pending: HashMap::new(),
            state_cache: StateCache::default(),
            announced: None,
            closing: None,
            ended: None,
        }
    }

    /// Returns an error if the client is closing or has stopped.
    fn check(&self) -> Result<(), ClientError> {
        match (&self.ended, &self.closing) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(_)) => Err(ClientError::Closed),
            (None, None) => Ok(()),
        }
    }

    pub(crate) fn end(&self) -> Option<&ClientError> {
        self.ended.as_ref()
    }

    /// Buffers a call and returns its id.
    pub(crate) fn call(
        &mut self,
        method: &str,
        args: &str,
        sink: Sink,
        space: OwnedSemaphorePermit,
    ) -> Result<u64, ClientError> {
        self.check()?;
        let id = self.next_id;
        let text = frame::call(id, method, args)?;
        self.next_id += 1;
        self.pending.insert(id, Pending { sink, on_the_wire: false });
        self.outbox.push_back(Outgoing {
            message: Message::Text(text),
            kind: Kind::Call(id),
            _space: Some(space),
        });
        Ok(id)
    }

    /// Buffers a state and makes it the local copy.
    pub(crate) fn push_state(
        &mut self,
        state: Value,
        text: String,
        space: OwnedSemaphorePermit,
    ) -> Result<(), ClientError> {
        self.check()?;
        self.outbox.push_back(Outgoing {
            message: Message::Text(text),
            kind: Kind::State,
            _space: Some(space),
        });
        self.state_cache.before_push = Some(self.watches.state.send_replace(Some(state)));
        Ok(())
    }

    /// Buffers a message.
    pub(crate) fn send(&mut self, message: Message, space: OwnedSemaphorePermit) -> Result<(), ClientError> {
        self.check()?;
        self.outbox.push_back(Outgoing { message, kind: Kind::Raw, _space: Some(space) });
        Ok(())
    }

    /// Removes a call that has no receiver any more. If the call is still buffered, it is not sent. If it is
    /// a stream that has been sent, the agent is asked to stop.
    pub(crate) fn forget(&mut self, id: u64) {
        let Some(call) = self.pending.remove(&id) else { return };
        if !call.on_the_wire {
            self.outbox.retain(|out| out.kind != Kind::Call(id));
        } else if matches!(call.sink, Sink::Stream { .. }) {
            self.cancel(id);
        }
    }

    fn cancel(&mut self, id: u64) {
        let message = Message::Text(frame::cancel(id));
        self.outbox.push_back(Outgoing { message, kind: Kind::Cancel, _space: None });
    }

    /// Returns whether there is a frame to write.
    pub(crate) fn has_frames(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Returns the next frame for the socket, which counts as sent from now on.
    pub(crate) fn next_frame(&mut self) -> Option<Message> {
        let out = self.outbox.pop_front()?;
        match out.kind {
            Kind::Call(id) => {
                if let Some(call) = self.pending.get_mut(&id) {
                    call.on_the_wire = true;
                }
            }
            Kind::State => self.state_cache.early_push |= self.state_cache.expects_initial,
            Kind::Cancel | Kind::Raw => {}
        }
        Some(out.message)
    }

    /// Called when a connection is open.
    pub(crate) fn opened(&mut self) {
        self.state_cache.expects_initial = true;
        self.state_cache.early_push = false;
        self.watches.status.send_replace(Status::Open);
    }

    /// Called when a text frame has arrived.
    pub(crate) fn receive(&mut self, text: &str) {
        match frame::parse(text) {
            ServerFrame::Rpc { id, outcome } => self.answer(id, outcome),
            ServerFrame::State(state) => self.state(state),
            ServerFrame::StateError(error) => self.rejected(error),
            ServerFrame::Identity { name, agent, state_follows } => {
                let identity = Identity { name, agent };
                if state_follows {
                    self.announced = Some(identity);
                } else {
                    self.watches.identity.send_replace(Some(identity));
                }
            }
            ServerFrame::McpServers(mcp) => {
                // This frame follows the initial state, so no initial state can come any more.
                self.state_cache.expects_initial = false;
                self.watches.mcp_servers.send_replace(Some(mcp));
            }
            ServerFrame::Stray => {}
            ServerFrame::Other => self.message(Message::from(text)),
        }
    }

    /// Called when a message of the user has arrived.
    pub(crate) fn message(&self, message: Message) {
        // Sending fails only if there is no reader.
        drop(self.watches.messages.send(message));
    }

    fn answer(&mut self, id: u64, outcome: Outcome) {
        let result = match outcome {
            Outcome::Chunk(chunk) => return self.chunk(id, chunk),
            Outcome::Done(result) => Ok(result),
            Outcome::Failed(error) => Err(ClientError::Rpc(error)),
        };
        if let Some(call) = self.pending.remove(&id) {
            call.sink.settle(result);
        }
    }

    fn chunk(&mut self, id: u64, chunk: Answer) {
        let Some(Pending { sink: Sink::Stream { chunks, .. }, .. }) = self.pending.get(&id) else {
            return;
        };
        // Waiting for a slow reader here would delay every other call of this client.
        if let Err(mpsc::error::TrySendError::Full(_)) = chunks.try_send(chunk)
            && let Some(call) = self.pending.remove(&id)
        {
            call.sink.settle(Err(ClientError::Lagged(1)));
            self.cancel(id);
        }
    }

    fn state(&mut self, state: Value) {
        let stale = self.state_cache.expects_initial && self.state_cache.early_push;
        self.state_cache.expects_initial = false;
        self.state_cache.server = Some(state.clone());
        if stale {
            // The server reads the push after it wrote this frame, and does not send the push back to this
            // client.
            self.state_cache.before_push = Some(Some(state));
        } else {
            self.state_cache.before_push = None;
            self.watches.state.send_replace(Some(state));
        }
        if let Some(identity) = self.announced.take() {
            self.watches.identity.send_replace(Some(identity));
        }
    }

    fn rejected(&mut self, error: String) {
        // A read-only connection cannot change the state, so the last state of the server is right. In
        // any other case the frame does not name the rejected push, so the last push is assumed.
        let before = self.state_cache.before_push.take();
        if error == READONLY {
            self.watches.state.send_replace(self.state_cache.server.clone());
        } else if let Some(before) = before {
            self.watches.state.send_replace(before);
        }
        drop(self.watches.rejections.send(error));
    }

    /// Called when the connection is lost; the client will reconnect.
    pub(crate) fn lost(&mut self, why: &Lost) {
        self.announced = None;
        self.watches.identity.send_replace(None);
        // The calls that these frames end were lost with the connection.
        self.outbox.retain(|out| out.kind != Kind::Cancel);
        let on_the_wire: Vec<u64> =
            self.pending.iter().filter(|(_, call)| call.on_the_wire).map(|(id, _)| *id).collect();
        for id in on_the_wire {
            if let Some(call) = self.pending.remove(&id) {
                call.sink.settle(Err(ClientError::Disconnected(why.clone())));
            }
        }
    }

    /// Called when the user closes the client: calls fail immediately, other buffered frames are still sent.
    pub(crate) fn close(&mut self, frame: CloseFrame) {
        if self.closing.is_some() || self.ended.is_some() {
            return;
        }
        self.closing = Some(frame);
        self.outbox.retain(|out| !matches!(out.kind, Kind::Call(_)));
        self.settle_all(&ClientError::Closed);
    }

    pub(crate) fn closing(&self) -> Option<&CloseFrame> {
        self.closing.as_ref()
    }

    /// Called when the client stops. The first error is kept.
    pub(crate) fn finish(&mut self, error: ClientError) {
        if self.ended.is_some() {
            return;
        }
        self.outbox.clear();
        self.settle_all(&error);
        self.announced = None;
        self.ended = Some(error.clone());
        self.watches.identity.send_replace(None);
        self.watches.status.send_replace(Status::Closed(error));
        // Every reader ends when its sender is dropped; otherwise it would wait forever.
        self.watches = Watches::new(1);
    }

    fn settle_all(&mut self, error: &ClientError) {
        for (_, call) in self.pending.drain() {
            call.sink.settle(Err(error.clone()));
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
