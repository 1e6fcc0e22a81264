//! A socket: the part that other tasks use, and the task that serves it.

mod accept;
mod byte_stream;
pub(super) mod codec;
mod events;
mod in_flight;
pub(super) mod outbox;
mod rate_limit;
mod read;
mod task;
#[cfg(test)]
mod tests;
mod timeouts;
mod write;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::gateway::hub::Hub;
use crate::gateway::quota::memory_budget::message_as_value;
use crate::gateway::socket::in_flight::InFlight;
use crate::gateway::socket::outbox::{Outbox, Overflow};
use crate::gateway::{
    Attachment, Budget, Close, ConnectionInfo, ConnectionKey, ConnectionMeta, FRAME_BYTES, FREE_BYTES,
    Gateway, MemoryPermit, Message, RequestKey, Selection, ToObject,
};
use crate::limits::Limit;
use crate::wire::close_code;

pub(crate) use accept::{accept, refuse};
pub(crate) use byte_stream::Stream;
#[cfg(test)]
pub(crate) use task::Task;

/// The time in which a socket with a wanted id must show that it is alive.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The milliseconds in the unit of the time of the last message.
const MESSAGE_TIME_UNIT: u64 = 250;

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// The part of a socket that other tasks use.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) key: ConnectionKey,
    shared: Mutex<Shared>,
    waker: AtomicWaker,
    /// The time at which bytes last came from the peer, in the heartbeat's time.
    last_byte_at: AtomicU64,
    in_flight: InFlight,
    /// The time at which a message last came, in quarters of a second of the heartbeat's time.
    last_message_at: AtomicU32,
    /// `true` if the close of the connection was handed over for the object.
    ended: AtomicBool,
    /// `true` if the `Connect` of the connection was posted to the object, or is about to be.
    connect_posted: AtomicBool,
    /// `true` if the peer did not answer a ping in time.
    given_up: AtomicBool,
    /// `true` if the peer stayed too far behind: the cause of the close in the log.
    stayed_behind: AtomicBool,
}

#[derive(Debug, Default)]
struct Shared {
    outbox: Outbox,
    /// The memory of the queue of a client that is behind.
    queue: MemoryPermit,
    /// The metadata, set by the hub that registers the socket; the object sets the tags when it accepts it.
    meta: Option<Arc<ConnectionMeta>>,
    accepted: Option<Accepted>,
    /// The waiting tasks; boxed because most sockets have none.
    waiting: Option<Box<Waiting>>,
}

/// The senders to tasks that wait for an event of a socket.
#[derive(Debug, Default)]
struct Waiting {
    /// The senders for a sign of life.
    probes: Vec<oneshot::Sender<bool>>,
    /// The object's question about space in the outbox, see
    /// [`ToGateway::AwaitRoom`](crate::gateway::ToGateway::AwaitRoom).
    room: Option<RequestKey>,
}

#[derive(Debug)]
struct Accepted {
    attachment: Attachment,
    answered_at: Option<u64>,
}

impl Shared {
    /// Returns a frame for this socket alone. Most clients keep up, and their frames are not counted.
    fn counted(&self, frame: Bytes, hub: &Hub) -> Bytes {
        match self.outbox.is_behind() {
            true => MemoryPermit::frame(&hub.gateway.outgoing, frame),
            false => frame,
        }
    }

    /// Counts the memory of the queue after a change.
    fn count_queue(&mut self, outgoing: &Arc<Budget>) {
        let bytes = self.outbox.queue_bytes();
        if bytes > 0 {
            self.queue.resize(outgoing, bytes);
        } else if !self.queue.is_empty() {
            self.queue = MemoryPermit::default();
        }
    }

    /// Takes the question about space, if the outbox has space or accepts no more frames.
    fn take_answerable_question(&mut self) -> Option<RequestKey> {
        let waiting = self.waiting.as_mut()?;
        let has_room = self.outbox.is_closing() || !self.outbox.is_behind();
        waiting.room.take_if(|_| has_room)
    }

    fn is_in(&self, selection: &Selection, key: ConnectionKey) -> bool {
        match (&self.meta, &self.accepted) {
            (Some(meta), Some(it)) => selection.has(key, &meta.tags, it.attachment.flags()),
            _ => false,
        }
    }
}

/// Unlocks a socket, and answers the question about space if there is space.
fn answer_room(mut shared: MutexGuard<'_, Shared>, hub: &Hub) {
    let take_answerable_question = shared.take_answerable_question();
    drop(shared);
    take_answerable_question.into_iter().for_each(|request| hub.has_room(request));
}

impl Socket {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            key: ConnectionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed)),
            shared: Mutex::default(),
            waker: AtomicWaker::new(),
            last_byte_at: AtomicU64::new(0),
            in_flight: InFlight::default(),
            last_message_at: AtomicU32::new(0),
            ended: AtomicBool::new(false),
            connect_posted: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            stayed_behind: AtomicBool::new(false),
        })
    }

    /// Queues an encoded frame and returns whether it was accepted.
    ///
    /// A reader that stays too far behind is closed with 1013.
    pub(crate) fn send(&self, frame: Bytes, latest: bool, hub: &Hub) -> bool {
        let shared = self.shared.lock();
        let frame = shared.counted(frame, hub);
        self.push(shared, hub, |outbox, limit| outbox.push(frame, latest, limit))
    }

    /// Queues an encoded pong.
    fn pong(&self, frame: Bytes, hub: &Hub) {
        let shared = self.shared.lock();
        let frame = shared.counted(frame, hub);
        self.push(shared, hub, |outbox, limit| outbox.pong(frame, limit));
    }

    /// Queues an encoded frame if the object has accepted the socket and the selection includes it.
    pub(crate) fn send_if(&self, selection: &Selection, frame: &Bytes, latest: bool, hub: &Hub) -> bool {
        let shared = self.shared.lock();
        shared.is_in(selection, self.key)
            && self.push(shared, hub, |outbox, limit| outbox.push(frame.clone(), latest, limit))
    }

    fn push(
        &self,
        mut shared: MutexGuard<'_, Shared>,
        hub: &Hub,
        push: impl FnOnce(&mut Outbox, usize) -> Result<bool, Overflow>,
    ) -> bool {
        let Gateway { outgoing, totals, .. } = &*hub.gateway;
        let reached = if shared.outbox.is_behind() && outgoing.is_used_up() && !shared.outbox.is_closing() {
            Err(Limit::OutgoingBytes)
        } else {
            push(&mut shared.outbox, hub.limits().outbox_bytes).map_err(|_| Limit::OutboxBytes)
        };
        if let Err(limit) = reached {
            shared.outbox.close_now(codec::close(Some(close_code::TRY_AGAIN_LATER), "too slow"));
            totals.limits.record(limit);
        }
        shared.count_queue(outgoing);
        answer_room(shared, hub);
        if reached.is_err() {
            self.stayed_behind.store(true, Ordering::Relaxed);
        }
        self.waker.wake();
        reached.unwrap_or(false)
    }

    /// Queues an encoded close frame after all frames that were sent before.
    pub(crate) fn close(&self, frame: Bytes, hub: &Hub) {
        self.change_outbox(hub, |outbox| outbox.close(frame));
    }

    fn change_outbox(&self, hub: &Hub, change: impl FnOnce(&mut Outbox)) {
        let mut shared = self.shared.lock();
        change(&mut shared.outbox);
        answer_room(shared, hub);
        self.waker.wake();
    }

    /// Returns the number of bytes that wait for the client.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().outbox.waiting()
    }

    /// Answers when the client has received nearly everything that was sent to it, or when no more is sent.
    pub(crate) fn await_room(&self, request: RequestKey, hub: &Hub) {
        let mut shared = self.shared.lock();
        let before = shared.waiting.get_or_insert_default().room.replace(request);
        answer_room(shared, hub);
        // The handler that asked before may wait no more.
        before.into_iter().for_each(|request| hub.has_room(request));
    }

    /// Drops frames that were not written yet, and closes.
    fn close_now(&self, frame: Bytes, hub: &Hub) {
        self.change_outbox(hub, |outbox| outbox.close_now(frame));
    }

    /// Removes the socket from its hub, and returns the close for the object at the first call. After the
    /// delivery the caller calls [`Hub::close_delivered`].
    pub(crate) fn end(&self, hub: &Hub, close: Close) -> Option<ToObject> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return None;
        }
        let info = hub.begin_close(self.key).map(Box::new);
        // The waiting tasks are released, because their event cannot happen any more.
        let waiting = self.shared.lock().waiting.take();
        let room = waiting.and_then(|waiting| waiting.room);
        room.into_iter().for_each(|request| hub.has_room(request));
        Some(ToObject::Close { connection: self.key, close, info })
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.shared.lock().outbox.is_closing()
    }

    pub(crate) fn set_meta(&self, meta: Arc<ConnectionMeta>) {
        self.shared.lock().meta = Some(meta);
    }

    pub(crate) fn meta(&self) -> Option<Arc<ConnectionMeta>> {
        self.shared.lock().meta.clone()
    }

    /// Stores the tags and the attachment of the accepted connection, and returns its metadata.
    pub(crate) fn accept(&self, tags: Vec<String>, attachment: Bytes) -> Option<Arc<ConnectionMeta>> {
        let mut shared = self.shared.lock();
        let meta = shared.meta.as_mut()?;
        Arc::make_mut(meta).tags = tags;
        let meta = meta.clone();
        shared.accepted = Some(Accepted { attachment: Attachment::decode(attachment), answered_at: None });
        Some(meta)
    }

    /// Returns whether the `Connect` was posted to the object, and the object has not accepted the
    /// connection.
    pub(crate) fn awaits_accept(&self) -> bool {
        self.connect_posted.load(Ordering::Acquire) && !self.is_accepted()
    }

    /// Records that the `Connect` is about to be posted to the object.
    pub(crate) fn record_connect(&self) {
        self.connect_posted.store(true, Ordering::Release);
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.shared.lock().accepted.is_some()
    }

    pub(crate) fn attach(&self, attachment: Bytes) {
        if let Some(accepted) = &mut self.shared.lock().accepted {
            accepted.attachment = Attachment::decode(attachment);
        }
    }

    /// Records the time of an auto-response; returns `false` before the object has accepted the connection.
    pub(crate) fn set_answered(&self, now: u64) -> bool {
        let mut shared = self.shared.lock();
        let accepted = shared.accepted.as_mut();
        accepted.map(|accepted| accepted.answered_at = Some(now)).is_some()
    }

    /// Returns the data that the gateway stores of the connection; `None` before the object has accepted it.
    pub(crate) fn info(&self) -> Option<ConnectionInfo> {
        let shared = self.shared.lock();
        let accepted = shared.accepted.as_ref()?;
        Some(ConnectionInfo {
            connection: self.key,
            meta: shared.meta.clone()?,
            attachment: accepted.attachment.encoded(),
            answered_at: accepted.answered_at,
        })
    }

    /// Removes handled messages from the messages in flight.
    pub(crate) fn credit(&self, messages: u32, bytes: u64) {
        self.in_flight.remove(messages, bytes + u64::from(messages) * FRAME_BYTES as u64);
        self.waker.wake();
    }

    /// Prepares a message for the object; it counts as in flight until it is handled.
    fn hand_over(&self, message: Message, mut permit: MemoryPermit, hub: &Hub) -> ToObject {
        let bytes = message.len() + FRAME_BYTES;
        let in_flight = self.in_flight.add(bytes).bytes;
        if permit.is_empty() && in_flight > FREE_BYTES as u64 {
            permit = hub.gateway.incoming.hold(message_as_value(&message) + FRAME_BYTES);
        }
        ToObject::Message { connection: self.key, message, permit }
    }

    /// Checks whether the object may get another message.
    ///
    /// # Errors
    /// Fails with the limit that is reached. The socket then has messages in flight, and the credit for them
    /// wakes it.
    fn has_room(&self, next: usize, hub: &Hub) -> Result<(), Limit> {
        let in_flight = self.in_flight.get();
        if in_flight.messages >= hub.limits().in_flight_per_connection {
            return Err(Limit::InFlightPerConnection);
        }
        if in_flight.messages == 0 {
            return Ok(());
        }
        if in_flight.bytes.saturating_add((next + FRAME_BYTES) as u64)
            > hub.limits().in_flight_bytes_per_connection as u64
        {
            return Err(Limit::InFlightBytesPerConnection);
        }
        if in_flight.bytes > FREE_BYTES as u64 && hub.gateway.incoming.is_used_up() {
            return Err(Limit::IncomingBytes);
        }
        Ok(())
    }

    /// Records that bytes came from the peer.
    pub(crate) fn record_byte(&self, now: u64) {
        self.last_byte_at.store(now, Ordering::Relaxed);
        self.given_up.store(false, Ordering::Relaxed);
    }

    /// Returns when bytes last came from the peer.
    pub(crate) fn last_byte_at(&self) -> u64 {
        self.last_byte_at.load(Ordering::Relaxed)
    }

    /// Records that a message came.
    pub(crate) fn record_message(&self, now: u64) {
        self.last_message_at
            .store(u32::try_from(now / MESSAGE_TIME_UNIT).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Returns when a message last came.
    pub(crate) fn last_message_at(&self) -> u64 {
        u64::from(self.last_message_at.load(Ordering::Relaxed)) * MESSAGE_TIME_UNIT
    }

    /// Closes the socket because it was idle for too long; returns `false` when it is already closing.
    pub(crate) fn expire(&self) -> bool {
        if self.has_ended() || self.is_closing() {
            return false;
        }
        // The code is final, because a client that reconnected at once would be as idle as before.
        self.shared.lock().outbox.close(codec::close(Some(close_code::IDLE), "idle"));
        self.waker.wake();
        true
    }

    /// Sends a ping; returns `false` when the socket is closing and has a deadline anyway.
    pub(crate) fn ping(&self) -> bool {
        let queued = !self.has_ended() && self.shared.lock().outbox.ping();
        if queued {
            self.waker.wake();
        }
        queued
    }

    /// Ends the socket, unless its task finds that bytes have come meanwhile.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Sends the result to the tasks that wait for a sign of life.
    pub(crate) fn answer_probes(&self, alive: bool) {
        let probes = self.shared.lock().waiting.as_mut().map(|waiting| mem::take(&mut waiting.probes));
        for probe in probes.into_iter().flatten() {
            // The task may have been dropped.
            let _ = probe.send(alive);
        }
    }

    /// Asks the peer for a sign of life; returns `false` when none came in time.
    async fn is_alive(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        {
            let mut shared = self.shared.lock();
            shared.waiting.get_or_insert_default().probes.push(sender);
            // The ping overtakes waiting frames: a claim of another client must not end a connection that is
            // only slow.
            shared.outbox.ping();
        }
        self.waker.wake();
        matches!(tokio::time::timeout(PROBE_TIMEOUT, receiver).await, Ok(Ok(true)))
    }
}
