//! The mailbox of an object, with the state of its reader.

use std::collections::{HashSet, VecDeque};
use std::task::{Context, Waker};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::gateway::{ConnectionKey, PostError, ToObject};
use crate::limits::{Limit, Limits};

/// Returns the limit that keeps another message out of a mailbox.
fn reached(limits: &Limits, inner: &Inner, payload: usize) -> Option<Limit> {
    if inner.queue.is_empty() {
        return None;
    }
    if inner.queue.len() >= limits.mailbox_messages {
        return Some(Limit::MailboxMessages);
    }
    // A message without content is not held up by large ones.
    let full = payload > 0 && inner.bytes.saturating_add(payload) > limits.mailbox_bytes;
    full.then_some(Limit::MailboxBytes)
}

/// A bounded queue that outlives the activations that read it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<ToObject>,
    /// The payload bytes of the messages in `queue`.
    bytes: usize,
    waiting: Vec<Waker>,
    reader: Reader,
    /// The number of messages that were taken out and will be posted once more.
    held_back: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    /// No activation reads; the next post starts one.
    #[default]
    Asleep,
    Awake,
    /// The mailbox is out of use forever.
    Retired,
}

impl Mailbox {
    /// Adds a message; returns `Ok(true)` if the caller has to start the reader.
    pub(crate) fn post(
        &self,
        limits: &Limits,
        message: ToObject,
        cx: &Context<'_>,
    ) -> Result<bool, PostError> {
        self.add(limits, message, cx, true)
    }

    /// Adds a message if there is a reader; otherwise drops the message.
    pub(crate) fn post_to_reader(
        &self,
        limits: &Limits,
        message: ToObject,
        cx: &Context<'_>,
    ) -> Result<(), PostError> {
        self.add(limits, message, cx, false).map(|_| ())
    }

    fn add(
        &self,
        limits: &Limits,
        message: ToObject,
        cx: &Context<'_>,
        starts: bool,
    ) -> Result<bool, PostError> {
        let payload = message.payload();
        let mut inner = self.inner.lock();
        let start = inner.reader == Reader::Asleep;
        if inner.reader == Reader::Retired {
            return Err(PostError::Retired(message));
        }
        if start && !starts {
            return Ok(false);
        }
        if let Some(limit) = reached(limits, &inner, payload) {
            // A task that posts again is usually one of the last wakers.
            if !inner.waiting.iter().rev().take(16).any(|waker| waker.will_wake(cx.waker())) {
                inner.waiting.push(cx.waker().clone());
            }
            return Err(PostError::Full(message, limit));
        }
        inner.bytes += payload;
        inner.queue.push_back(message);
        inner.reader = Reader::Awake;
        drop(inner);
        if !start {
            self.reader.wake();
        }
        Ok(start)
    }

    /// Sets the task that is woken when a message comes.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.reader.register(cx.waker());
    }

    /// Wakes the reader without a message.
    pub(crate) fn wake(&self) {
        self.reader.wake();
    }

    /// Returns the kind of the message that has waited longest.
    pub(in crate::object) fn first_kind(&self) -> Option<&'static str> {
        self.inner.lock().queue.front().map(ToObject::kind)
    }

    /// Moves all waiting messages into `into`.
    pub(crate) fn take(&self, into: &mut VecDeque<ToObject>) {
        let waiting = {
            let mut inner = self.inner.lock();
            if into.is_empty() {
                std::mem::swap(&mut inner.queue, into);
            } else {
                into.append(&mut inner.queue);
            }
            inner.bytes = 0;
            std::mem::take(&mut inner.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ends the reader if no message came meanwhile. Messages about responses of the ended activation do not
    /// keep it.
    pub(crate) fn try_sleep(&self) -> bool {
        let mut inner = self.inner.lock();
        // Behind a waiting request they may be its body.
        let empty = inner.queue.iter().all(|message| message.about_request().is_some());
        let gone = if empty { std::mem::take(&mut inner.queue) } else { VecDeque::new() };
        if empty {
            inner.bytes = 0;
        }
        if empty && inner.reader == Reader::Awake {
            inner.reader = Reader::Asleep;
            // A waker keeps the whole task of the ending activation in memory.
            drop(self.reader.take());
        }
        // The senders try again; a sender that finds the mailbox full waits once more.
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        drop(gone);
        waiting.into_iter().for_each(Waker::wake);
        empty
    }

    /// Puts messages back in front, in their order, regardless of the limits.
    pub(crate) fn put_back(&self, messages: impl DoubleEndedIterator<Item = ToObject>) {
        let mut inner = self.inner.lock();
        for message in messages.rev() {
            inner.bytes += message.payload();
            inner.queue.push_front(message);
        }
    }

    /// Records that messages which were taken out will be posted once more. The mailbox stays in use until then.
    pub(crate) fn hold_back(&self, messages: usize) {
        self.inner.lock().held_back += messages;
    }

    /// Records that a message which was held back was posted.
    pub(crate) fn handed_in(&self) {
        self.inner.lock().held_back -= 1;
    }

    /// Returns whether messages are held back.
    pub(crate) fn has_held_back(&self) -> bool {
        self.inner.lock().held_back > 0
    }

    /// Returns the connections that wait here for their `fetch`.
    pub(crate) fn connects(&self) -> HashSet<ConnectionKey> {
        self.inner.lock().queue.iter().filter_map(ToObject::connects).collect()
    }

    /// Returns whether there is no reader and no message.
    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.reader != Reader::Awake && inner.queue.is_empty()
    }

    /// Returns the number of waiting messages.
    #[cfg(test)]
    pub(in crate::object) fn len(&self) -> usize {
        self.inner.lock().queue.len()
    }

    /// Takes the mailbox out of use if it has no reader and no message.
    pub(crate) fn try_retire(&self) -> bool {
        let mut inner = self.inner.lock();
        let unused = inner.reader == Reader::Asleep && inner.queue.is_empty() && inner.held_back == 0;
        if unused {
            inner.reader = Reader::Retired;
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{MemoryPermit, Message, RequestKey};

    fn limits() -> Limits {
        Limits { mailbox_messages: 100, mailbox_bytes: 1000, ..Limits::default() }
    }

    fn large(bytes: usize) -> ToObject {
        let message = Message::from(vec![0; bytes]);
        ToObject::Message { connection: ConnectionKey(1), message, permit: MemoryPermit::default() }
    }

    fn message(n: u64) -> ToObject {
        ToObject::Error { connection: ConnectionKey(n), error: String::new() }
    }

    #[test]
    fn responses_of_a_life_that_is_over_keep_no_reader() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        mailbox.post(&limits(), message(1), &cx).unwrap();
        mailbox.take(&mut VecDeque::new());
        mailbox.post(&limits(), ToObject::Gone { request: RequestKey(1) }, &cx).unwrap();
        assert!(mailbox.try_sleep());
    }

    #[test]
    fn exactly_one_post_starts_the_reader() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        assert!(mailbox.post(&limits(), message(1), &cx).unwrap());
        assert!(!mailbox.post(&limits(), message(2), &cx).unwrap());
        assert!(!mailbox.try_sleep(), "messages wait");
        let mut taken = VecDeque::new();
        mailbox.take(&mut taken);
        assert_eq!(taken, [message(1), message(2)]);
        assert!(!mailbox.try_retire(), "a reader is active");
        assert!(mailbox.try_sleep());
        assert!(mailbox.post(&limits(), message(3), &cx).unwrap());
    }

    #[test]
    fn a_full_mailbox_keeps_the_message_for_the_sender() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        for n in 0..limits().mailbox_messages as u64 {
            mailbox.post(&limits(), message(n), &cx).unwrap();
        }
        assert!(
            matches!(mailbox.post(&limits(), message(9), &cx), Err(PostError::Full(back, Limit::MailboxMessages)) if back == message(9))
        );
        mailbox.take(&mut VecDeque::new());
        assert!(mailbox.post(&limits(), message(9), &cx).is_ok());
    }

    #[test]
    fn bytes_are_bounded_and_one_message_always_fits() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        assert!(mailbox.post(&limits(), large(5000), &cx).is_ok(), "into an empty one");
        assert!(matches!(
            mailbox.post(&limits(), large(1), &cx),
            Err(PostError::Full(_, Limit::MailboxBytes))
        ));
        assert!(mailbox.post(&limits(), message(1), &cx).is_ok(), "no payload");
        let mut taken = VecDeque::new();
        mailbox.take(&mut taken);
        mailbox.post(&limits(), large(600), &cx).unwrap();
        mailbox.post(&limits(), large(400), &cx).unwrap();
        assert!(mailbox.post(&limits(), large(1), &cx).is_err());
        mailbox.put_back(taken.into_iter());
        mailbox.take(&mut VecDeque::new());
        assert!(mailbox.post(&limits(), large(1000), &cx).is_ok());
    }

    #[test]
    fn a_retired_mailbox_takes_nothing() {
        let mailbox = Mailbox::default();
        mailbox.hold_back(1);
        assert!(!mailbox.try_retire(), "a message comes back");
        mailbox.handed_in();
        assert!(mailbox.try_retire());
        let cx = Context::from_waker(Waker::noop());
        assert!(matches!(mailbox.post(&limits(), message(1), &cx), Err(PostError::Retired(_))));
    }
}
