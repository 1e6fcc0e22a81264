//! Replies to calls, in one frame or in several.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::agent::peer_calls::backlog::{LineSender, Overflow};
use crate::agent::peer_calls::reply_frame::ReplyFrame;
use crate::error::{Error, Result};
use crate::gateway::ConnectionKey;
use crate::interface::{Outcome, Reply};
use crate::object::{ObjectContext, WebSocket, overflow};
use crate::wire::{self, Wire, frame};

/// The reply to one call, until its last frame.
#[derive(Debug)]
pub(crate) struct ReplySink {
    target: ReplyTarget,
    ended: AtomicBool,
    /// The token that `stop` cancels; made when a task first waits for it.
    stopped: OnceLock<CancellationToken>,
}

/// The receiver of a reply.
#[derive(Debug)]
enum ReplyTarget {
    /// A client, for the call with this id, as JSON; `streamed` if user code holds the reply too.
    Client { socket: WebSocket, id: String, streamed: bool },
    /// Another agent, whose call this object answers.
    Agent { object: ObjectContext, lines: LineSender },
}

impl ReplySink {
    pub(crate) fn new(socket: WebSocket, id: String, streamed: bool) -> Self {
        Self::to(ReplyTarget::Client { socket, id, streamed })
    }

    /// Returns a reply to another agent.
    pub(crate) fn to_agent(object: ObjectContext, lines: LineSender) -> Self {
        Self::to(ReplyTarget::Agent { object, lines })
    }

    /// Registers the undo of the frame that follows: if the running turn is undone, the frame to an agent is taken
    /// back, and the reply to a client counts as not ended. The gate takes back the frames for a client.
    fn note(self: &Arc<Self>) -> Result<()> {
        let answer = self.clone();
        let ended = self.ended.load(Ordering::Acquire);
        match &self.target {
            // The end of any other call is sent after its method has ended.
            ReplyTarget::Client { streamed: false, .. } => Ok(()),
            ReplyTarget::Client { socket, .. } => {
                socket.object.note(move || answer.ended.store(ended, Ordering::Release))
            }
            ReplyTarget::Agent { object, lines } => {
                let count = lines.len();
                object.note(move || answer.take_back(ended, count))
            }
        }
    }

    fn take_back(&self, ended: bool, count: usize) {
        self.ended.store(ended, Ordering::Release);
        if let ReplyTarget::Agent { lines, .. } = &self.target {
            lines.take_back(count);
        }
    }

    fn to(target: ReplyTarget) -> Self {
        Self { target, ended: AtomicBool::new(false), stopped: OnceLock::new() }
    }

    /// Returns whether this is the reply to the call of a connection with this id, as JSON.
    pub(crate) fn is_of(&self, connection: ConnectionKey, call: &str) -> bool {
        self.connection() == Some(connection)
            && matches!(&self.target, ReplyTarget::Client { id, .. } if id == call)
    }

    /// Returns the connection that the reply is sent to.
    pub(crate) fn connection(&self) -> Option<ConnectionKey> {
        match &self.target {
            ReplyTarget::Client { socket, .. } => Some(socket.entry.key),
            ReplyTarget::Agent { .. } => None,
        }
    }

    /// Marks the reply as stopped by the caller; no later frame is sent.
    pub(crate) fn stop(&self) {
        self.ended.store(true, Ordering::Release);
        self.stopped.get_or_init(CancellationToken::new).cancel();
    }

    /// Returns whether the caller has stopped the reply.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get().is_some_and(CancellationToken::is_cancelled)
    }

    /// Returns a guard that answers the call however its handler ends.
    pub(crate) fn answered(self: &Arc<Self>) -> Answered {
        Answered(self.clone())
    }

    /// Sends an item; after the end the item is dropped.
    ///
    /// # Errors
    /// `overflow` when too many bytes wait.
    pub(crate) fn chunk(self: &Arc<Self>, json: &str) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        match &self.target {
            ReplyTarget::Client { socket, id, .. } => socket.piece(frame::rpc_chunk(id, json)),
            ReplyTarget::Agent { lines, .. } => {
                let line = ReplyFrame::item(json.to_owned())?;
                self.note()?;
                lines.item(line, json.len()).map_err(|Overflow| overflow())
            }
        }
    }

    /// Waits until another item can be sent, or the caller no longer reads.
    pub(crate) async fn ready(&self) {
        let is_ahead = match &self.target {
            ReplyTarget::Client { socket, .. } => socket.is_ahead(),
            ReplyTarget::Agent { lines, .. } => lines.is_ahead(),
        };
        if !is_ahead {
            return;
        }
        let room = async {
            match &self.target {
                // If there is no client to wait for, the following send returns the error.
                ReplyTarget::Client { socket, .. } => drop(socket.ready().await),
                ReplyTarget::Agent { lines, .. } => lines.until_room().await,
            }
        };
        tokio::select! {
            biased;
            () = self.until_gone() => {}
            () = room => {}
        }
    }

    /// Marks the reply as ended; returns `false` if it had ended before.
    fn begin_end(self: &Arc<Self>) -> Result<bool> {
        if self.ended.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.note()?;
        self.ended.store(true, Ordering::Release);
        Ok(true)
    }

    /// Sends the last frame; a second one is dropped.
    pub(crate) fn end(self: &Arc<Self>, outcome: &Outcome) -> Result<()> {
        if !self.begin_end()? {
            return Ok(());
        }
        let json = match outcome {
            Outcome::Nothing => None,
            Outcome::Value(json) => Some(json),
        };
        match &self.target {
            ReplyTarget::Client { socket, id, .. } => {
                socket.answer(frame::rpc_result(id, json.map(String::as_str)))
            }
            ReplyTarget::Agent { lines, .. } => {
                lines.last(ReplyFrame::result(json.cloned())?);
                Ok(())
            }
        }
    }

    /// Sends an error as the last frame; a second one is dropped.
    pub(crate) fn error(self: &Arc<Self>, message: &str) -> Result<()> {
        self.fail("error", (message.to_owned(), None))
    }

    /// Sends an error with a code as the last frame; only agents receive the code and the id of the log line.
    pub(crate) fn fail(
        self: &Arc<Self>,
        code: &str,
        (message, error_id): (String, Option<String>),
    ) -> Result<()> {
        if !self.begin_end()? {
            return Ok(());
        }
        match &self.target {
            ReplyTarget::Client { socket, id, .. } => socket.answer(frame::rpc_error(id, &message)),
            ReplyTarget::Agent { lines, .. } => {
                lines.last(ReplyFrame::Error { code: code.to_owned(), message, id: error_id });
                Ok(())
            }
        }
    }

    /// Returns whether the reply has not ended and the caller still reads.
    pub(crate) fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
            && match &self.target {
                ReplyTarget::Client { socket, .. } => socket.is_open(),
                ReplyTarget::Agent { lines, .. } => !lines.is_closed(),
            }
    }

    /// Waits until the reply has no reader any more.
    pub(crate) async fn until_gone(&self) {
        if self.is_open() {
            let gone = async {
                match &self.target {
                    ReplyTarget::Client { socket, .. } => socket.entry.until_gone().await,
                    ReplyTarget::Agent { lines, .. } => lines.closed().await,
                }
            };
            tokio::select! {
                () = gone => {}
                () = self.stopped.get_or_init(CancellationToken::new).cancelled() => {}
            }
        }
    }
}

/// A guard that answers a call with an error if it has not been answered.
#[derive(Debug)]
pub(crate) struct Answered(Arc<ReplySink>);

impl Drop for Answered {
    fn drop(&mut self) {
        if !self.0.ended.load(Ordering::Acquire) {
            // If the whole object is dropped, this send fails; its sockets are closed then.
            let _ = self.0.error("The call was cancelled before it ended");
        }
    }
}

/// The sending end of a streamed reply.
///
/// Take it by reference in a callable. The value that the callable returns is the result, unless
/// [`end`](Self::end) or [`error`](Self::error) was called first. Items that are sent after those are
/// dropped.
pub struct StreamingResponse<T> {
    answer: Arc<ReplySink>,
    item: PhantomData<fn(T)>,
}

impl<T: Wire> StreamingResponse<T> {
    pub(crate) fn new(answer: Arc<ReplySink>) -> Self {
        Self { answer, item: PhantomData }
    }

    /// Sends an item. The item is sent when the turn ends, and waits in memory until the caller takes it. To
    /// send more than a few items, wait for [`ready`](Self::ready) before each one.
    ///
    /// # Errors
    /// `overflow` when 32 MiB wait for the caller (half of
    /// [`Limits::outbox_bytes`](crate::Limits::outbox_bytes)), or
    /// [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) wait for the end of the
    /// turn or the disk; `not_json` when the item has no JSON form, for example NaN; or outside of the
    /// agent's handlers.
    pub fn send(&self, item: T) -> Result<()> {
        self.answer.chunk(&wire::to_json(&item).map_err(Error::not_json)?)
    }

    /// Waits until another item can be sent: the caller has taken nearly all earlier items, or has stopped
    /// the reply. This does not wait while few items are unsent.
    ///
    /// ```
    /// # use agents_core::{Result, StreamingResponse};
    /// async fn count(out: &StreamingResponse<u64>) -> Result<()> {
    ///     for n in 0..1_000_000 {
    ///         out.ready().await;
    ///         out.send(n)?;
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = count;
    /// ```
    ///
    /// A returned stream is polled for its next item only when another item can be sent.
    pub async fn ready(&self) {
        self.answer.ready().await;
    }

    /// Ends the reply with a result; `()` for none.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn end(&self, result: impl Reply) -> Result<()> {
        self.answer.end(&result.into_outcome()?)
    }

    /// Ends the reply with an error that the caller reads.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn error(&self, message: &str) -> Result<()> {
        self.answer.error(message)
    }

    /// Returns whether the reply has not ended and the caller still reads.
    pub fn is_open(&self) -> bool {
        self.answer.is_open()
    }

    /// Waits until the reply has no reader any more: the reply has ended, the caller has stopped it, or its
    /// connection has closed.
    ///
    /// A handler whose client stops the reply continues. A handler that answers another agent runs while that
    /// agent takes the items, and is dropped with the reply.
    ///
    /// ```
    /// # use agents_core::{Result, StreamingResponse};
    /// # async fn next_token() -> Option<String> { None }
    /// async fn ask(out: &StreamingResponse<String>) -> Result<()> {
    ///     loop {
    ///         tokio::select! {
    ///             () = out.closed() => return Ok(()),
    ///             token = next_token() => match token {
    ///                 Some(token) => out.send(token)?,
    ///                 None => return Ok(()),
    ///             },
    ///         }
    ///     }
    /// }
    /// # let _ = ask;
    /// ```
    pub async fn closed(&self) {
        self.answer.until_gone().await;
    }
}

impl<T> Clone for StreamingResponse<T> {
    fn clone(&self) -> Self {
        Self { answer: self.answer.clone(), item: PhantomData }
    }
}

impl<T> fmt::Debug for StreamingResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingResponse").field("answer", &self.answer).finish()
    }
}
