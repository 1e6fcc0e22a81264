//! One socket: the part that others reach, and the task that serves it.

mod accept;
mod byte_stream;
pub(super) mod codec;
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
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::gateway::hub::{Hub, ResponsePart};
use crate::gateway::socket::in_flight::InFlight;
use crate::gateway::socket::outbox::{Outbox, Overflow};
use crate::gateway::{
    Attachment, Budget, Close, ConnectionInfo, ConnectionKey, ConnectionMeta, FRAME_BYTES, FREE_BYTES,
    Gateway, MemoryPermit, Message, Selection, ToObject,
};
use crate::limits::Limit;
use crate::sampled::sampled;
use crate::wire::close_code;

pub(crate) use accept::{accept, refuse};
pub(crate) use byte_stream::Stream;
#[cfg(test)]
pub(crate) use task::Task;

/// How long a socket with a wanted id may take to show that it lives.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Milliseconds in the unit of the time of the last message.
const SPOKE_GRAIN: u64 = 250;

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// The part of a socket that others reach.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) key: ConnectionKey,
    shared: Mutex<Shared>,
    waker: AtomicWaker,
    /// When bytes came from the peer, in the heartbeat's time.
    last_byte: AtomicU64,
    in_flight: InFlight,
    /// When a message last came, in quarters of a second of the heartbeat's time.
    last_message: AtomicU32,
    /// The object was told that the connection is over.
    ended: AtomicBool,
    /// The object was told that the connection wants to be let in, or is about to be.
    asked: AtomicBool,
    /// The peer did not answer a ping in time.
    given_up: AtomicBool,
}

#[derive(Debug, Default)]
struct Shared {
    outbox: Outbox,
    /// The memory of the queue of one who is behind.
    queue: MemoryPermit,
    /// Set by the hub that takes the socket in; the tags come when the object accepts it.
    meta: Option<Arc<ConnectionMeta>>,
    accepted: Option<Accepted>,
    /// In a box: most sockets have none.
    waiting: Option<Box<Waiting>>,
}

/// The senders for all that wait for something of a socket.
#[derive(Debug, Default)]
struct Waiting {
    /// For a sign of life.
    probes: Vec<oneshot::Sender<bool>>,
    /// For room in the outbox, see [`ToGateway::AwaitRoom`](crate::gateway::ToGateway::AwaitRoom). Dropped when there is.
    room: Vec<UnboundedSender<ResponsePart>>,
}

#[derive(Debug)]
struct Accepted {
    attachment: Attachment,
    answered_at: Option<u64>,
}

impl Shared {
    /// A frame for this socket alone. Most clients keep up, and what is on its way to them is not worth a count.
    fn counted(&self, frame: Bytes, hub: &Hub) -> Bytes {
        match self.outbox.is_behind() {
            true => MemoryPermit::frame(&hub.gateway.outgoing, frame),
            false => frame,
        }
    }

    /// Counts the queue after a change.
    fn count_queue(&mut self, outgoing: &Arc<Budget>) {
        let bytes = self.outbox.queue_bytes();
        if bytes > 0 {
            self.queue.resize(outgoing, bytes);
        } else if !self.queue.is_empty() {
            self.queue = MemoryPermit::default();
        }
    }

    /// Takes out who waits for room, if there is room or nothing will be taken any more.
    fn roomy(&mut self) -> Vec<UnboundedSender<ResponsePart>> {
        let has_room = self.outbox.is_closing() || !self.outbox.is_behind();
        self.waiting
            .as_mut()
            .filter(|_| has_room)
            .map(|waiting| mem::take(&mut waiting.room))
            .unwrap_or_default()
    }

    fn is_in(&self, selection: &Selection, key: ConnectionKey) -> bool {
        match (&self.meta, &self.accepted) {
            (Some(meta), Some(it)) => selection.has(key, &meta.tags, it.attachment.flags()),
            _ => false,
        }
    }
}

impl Socket {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            key: ConnectionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed)),
            shared: Mutex::default(),
            waker: AtomicWaker::new(),
            last_byte: AtomicU64::new(0),
            in_flight: InFlight::default(),
            last_message: AtomicU32::new(0),
            ended: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        })
    }

    /// Queues an encoded frame and tells whether it was taken.
    ///
    /// A reader that stays too far behind is closed with 1013.
    pub(crate) fn send(&self, frame: Bytes, latest: bool, hub: &Hub) -> bool {
        let shared = self.shared.lock();
        let frame = shared.counted(frame, hub);
        self.push(shared, hub, |outbox, limit| outbox.push(frame, latest, limit))
    }

    /// Queues the encoded answer to a ping.
    fn pong(&self, frame: Bytes, hub: &Hub) {
        let shared = self.shared.lock();
        let frame = shared.counted(frame, hub);
        self.push(shared, hub, |outbox, limit| outbox.pong(frame, limit));
    }

    /// Queues an encoded frame if the object has accepted the socket and means it.
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
            sampled!(DEBUG, "readers that stayed behind", connection = ?self.key, %limit, "a reader stayed behind, its socket is closed");
            shared.outbox.close_now(codec::close(Some(close_code::TRY_AGAIN_LATER), "too slow"));
            totals.limits.record(limit);
        }
        shared.count_queue(outgoing);
        let roomy = shared.roomy();
        drop(shared);
        drop(roomy);
        self.waker.wake();
        reached.unwrap_or(false)
    }

    /// Queues an encoded close frame behind everything sent before.
    pub(crate) fn close(&self, frame: Bytes) {
        self.change_outbox(|outbox| outbox.close(frame));
    }

    fn change_outbox(&self, change: impl FnOnce(&mut Outbox)) {
        let mut shared = self.shared.lock();
        change(&mut shared.outbox);
        let roomy = shared.roomy();
        drop(shared);
        drop(roomy);
        self.waker.wake();
    }

    /// Returns the number of bytes that wait for the client.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().outbox.waiting()
    }

    /// Drops a sender when the client has taken nearly all that was sent to it, or nothing more is.
    pub(crate) fn await_room(&self, sender: UnboundedSender<ResponsePart>) {
        let mut shared = self.shared.lock();
        let room = &mut shared.waiting.get_or_insert_default().room;
        room.retain(|sender| !sender.is_closed());
        room.push(sender);
        let roomy = shared.roomy();
        drop(shared);
        drop(roomy);
    }

    /// Drops what was sent and not written yet, and closes.
    fn close_now(&self, frame: Bytes) {
        self.change_outbox(|outbox| outbox.close_now(frame));
    }

    /// Takes the socket out of its hub; what the object has to be told, once. After that the hub
    /// wants to hear that it was [told](Hub::told).
    pub(crate) fn end(&self, hub: &Hub, close: Close) -> Option<ToObject> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return None;
        }
        let info = hub.begin_close(self.key).map(Box::new);
        // The waiters are released: they would wait for nothing.
        let waiting = self.shared.lock().waiting.take();
        drop(waiting);
        Some(ToObject::Close { connection: self.key, close, info })
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.shared.lock().outbox.is_closing()
    }

    pub(crate) fn set_card(&self, meta: Arc<ConnectionMeta>) {
        self.shared.lock().meta = Some(meta);
    }

    pub(crate) fn meta(&self) -> Option<Arc<ConnectionMeta>> {
        self.shared.lock().meta.clone()
    }

    /// Takes over what the object says about the connection, and returns the card with the tags.
    pub(crate) fn accept(&self, tags: Vec<String>, attachment: Bytes) -> Option<Arc<ConnectionMeta>> {
        let mut shared = self.shared.lock();
        let meta = shared.meta.as_mut()?;
        Arc::make_mut(meta).tags = tags;
        let meta = meta.clone();
        shared.accepted = Some(Accepted { attachment: Attachment::decode(attachment), answered_at: None });
        Some(meta)
    }

    /// Tells whether the object was asked to let the connection in, and has not done so.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.load(Ordering::Acquire) && !self.is_accepted()
    }

    /// The object is about to be asked to let the connection in.
    pub(crate) fn asks(&self) {
        self.asked.store(true, Ordering::Release);
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.shared.lock().accepted.is_some()
    }

    pub(crate) fn attach(&self, attachment: Bytes) {
        if let Some(accepted) = &mut self.shared.lock().accepted {
            accepted.attachment = Attachment::decode(attachment);
        }
    }

    /// Notes when the gateway answered in the object's place; `false` before the object has accepted.
    pub(crate) fn set_answered(&self, now: u64) -> bool {
        let mut shared = self.shared.lock();
        let accepted = shared.accepted.as_mut();
        accepted.map(|accepted| accepted.answered_at = Some(now)).is_some()
    }

    pub(crate) fn is_in(&self, selection: &Selection) -> bool {
        self.shared.lock().is_in(selection, self.key)
    }

    /// What the gateway keeps of the connection once the object has accepted it.
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

    /// Takes back what handled messages used up.
    pub(crate) fn credit(&self, messages: u32, bytes: u64) {
        self.in_flight.remove(messages, bytes + u64::from(messages) * FRAME_BYTES as u64);
        self.waker.wake();
    }

    /// Makes a message ready for the object; it counts until it is handled.
    fn hand_over(&self, message: Message, mut held: MemoryPermit, hub: &Hub) -> ToObject {
        let bytes = message.len() + FRAME_BYTES;
        let in_flight = self.in_flight.add(bytes).bytes;
        if held.is_empty() && in_flight > FREE_BYTES as u64 {
            held = hub.gateway.incoming.hold(message.bytes_as_value() + FRAME_BYTES);
        }
        ToObject::Message { connection: self.key, message, held }
    }

    /// Tells whether the object may get another message, or which limit is against it.
    ///
    /// Whoever is told to wait has something in flight, whose end wakes the socket.
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

    /// Notes that bytes came from the peer.
    pub(crate) fn last_byte(&self, now: u64) {
        self.last_byte.store(now, Ordering::Relaxed);
        self.given_up.store(false, Ordering::Relaxed);
    }

    /// When bytes last came from the peer.
    pub(crate) fn last_heard(&self) -> u64 {
        self.last_byte.load(Ordering::Relaxed)
    }

    /// Notes that a message came.
    pub(crate) fn last_message(&self, now: u64) {
        self.last_message.store(u32::try_from(now / SPOKE_GRAIN).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// When a message last came.
    pub(crate) fn last_spoke(&self) -> u64 {
        u64::from(self.last_message.load(Ordering::Relaxed)) * SPOKE_GRAIN
    }

    /// Closes the socket because no message has come for too long; `false` when it closes anyway.
    pub(crate) fn expire(&self) -> bool {
        if self.has_ended() || self.is_closing() {
            return false;
        }
        // Final: a client that came back at once would be as idle as before.
        self.close(codec::close(Some(close_code::IDLE), "idle"));
        true
    }

    /// Asks for a sign of life; `false` when the socket is closing and has a deadline anyway.
    pub(crate) fn ping(&self) -> bool {
        let asked = !self.has_ended() && self.shared.lock().outbox.ping();
        if asked {
            self.waker.wake();
        }
        asked
    }

    /// Ends the socket unless its task finds that something has come after all.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Tells those who asked for a sign of life whether there was one.
    pub(crate) fn answer_probes(&self, alive: bool) {
        let probes = self.shared.lock().waiting.as_mut().map(|waiting| mem::take(&mut waiting.probes));
        for probe in probes.into_iter().flatten() {
            // Whoever asked may be gone.
            let _ = probe.send(alive);
        }
    }

    /// Asks the peer for a sign of life; `false` when none came in time.
    async fn is_alive(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        {
            let mut shared = self.shared.lock();
            shared.waiting.get_or_insert_default().probes.push(sender);
            // Before all that waits: somebody else's claim must not end a connection that is merely slow.
            shared.outbox.ping();
        }
        self.waker.wake();
        matches!(tokio::time::timeout(PROBE_TIMEOUT, receiver).await, Ok(Ok(true)))
    }
}
