//! The queue of an object, and whether somebody reads it.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::gateway::{PostError, ToObject};

/// How many messages wait for an object at most; senders wait beyond that.
const CAPACITY: usize = 4096;

/// A bounded queue that survives the instance it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<ToObject>,
    waiting: Vec<Waker>,
    reader: Reader,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    /// Nobody reads: whoever posts starts a reader.
    #[default]
    Asleep,
    Awake,
    /// The mailbox is out of use for good.
    Retired,
}

impl Mailbox {
    /// Adds a message; `Ok(true)` tells the caller to start the reader.
    pub(crate) fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<bool, PostError> {
        self.add(CAPACITY, message, cx, true)
    }

    /// As [`post`](Self::post), with a limit of its own.
    #[cfg(test)]
    pub(super) fn post_within(
        &self,
        capacity: usize,
        message: ToObject,
        cx: &Context<'_>,
    ) -> Result<bool, PostError> {
        self.add(capacity, message, cx, true)
    }

    /// Adds a message if somebody reads; otherwise nobody needs it.
    pub(crate) fn post_to_reader(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        self.add(CAPACITY, message, cx, false).map(|_| ())
    }

    fn add(
        &self,
        capacity: usize,
        message: ToObject,
        cx: &Context<'_>,
        starts: bool,
    ) -> Result<bool, PostError> {
        let mut inner = self.inner.lock();
        let start = inner.reader == Reader::Asleep;
        if inner.reader == Reader::Retired {
            return Err(PostError::Retired(message));
        }
        if start && !starts {
            return Ok(false);
        }
        if inner.queue.len() >= capacity {
            inner.waiting.push(cx.waker().clone());
            return Err(PostError::Full(message));
        }
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

    /// Wakes the reader for another reason than a message.
    pub(crate) fn wake(&self) {
        self.reader.wake();
    }

    /// Moves all waiting messages out.
    pub(crate) fn take(&self, into: &mut VecDeque<ToObject>) {
        let waiting = {
            let mut inner = self.inner.lock();
            if into.is_empty() {
                std::mem::swap(&mut inner.queue, into);
            } else {
                into.append(&mut inner.queue);
            }
            std::mem::take(&mut inner.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Lets the reader go if nothing came in meanwhile; what is about responses of the life that is
    /// over is no reason to stay.
    pub(crate) fn try_sleep(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.queue.retain(|message| !message.is_about_response());
        let empty = inner.queue.is_empty();
        if empty && inner.reader == Reader::Awake {
            inner.reader = Reader::Asleep;
            inner.queue = VecDeque::new();
            // A waker keeps the whole task of the life that ends in memory.
            drop(self.reader.take());
        }
        let waiting =
            if inner.queue.len() < CAPACITY { std::mem::take(&mut inner.waiting) } else { Vec::new() };
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
        empty
    }

    /// Puts messages back in front, in their order, whatever the limit.
    pub(crate) fn put_back(&self, messages: impl DoubleEndedIterator<Item = ToObject>) {
        let mut inner = self.inner.lock();
        for message in messages.rev() {
            inner.queue.push_front(message);
        }
    }

    /// Tells whether nobody reads and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.reader != Reader::Awake && inner.queue.is_empty()
    }

    /// How many messages wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.inner.lock().queue.len()
    }

    /// Takes the mailbox out of use if nobody reads it and nothing is in it.
    pub(crate) fn try_retire(&self) -> bool {
        let mut inner = self.inner.lock();
        let unused = inner.reader == Reader::Asleep && inner.queue.is_empty();
        if unused {
            inner.reader = Reader::Retired;
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{ConnectionKey, RequestKey};

    fn message(n: u64) -> ToObject {
        ToObject::Error { connection: ConnectionKey(n), error: String::new() }
    }

    #[test]
    fn responses_of_a_life_that_is_over_keep_no_reader() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        mailbox.post(message(1), &cx).unwrap();
        mailbox.take(&mut VecDeque::new());
        mailbox.post(ToObject::Gone { request: RequestKey(1) }, &cx).unwrap();
        assert!(mailbox.try_sleep());
    }

    #[test]
    fn exactly_one_post_starts_the_reader() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        assert!(mailbox.post(message(1), &cx).unwrap());
        assert!(!mailbox.post(message(2), &cx).unwrap());
        assert!(!mailbox.try_sleep(), "messages wait");
        let mut taken = VecDeque::new();
        mailbox.take(&mut taken);
        assert_eq!(taken, [message(1), message(2)]);
        assert!(!mailbox.try_retire(), "somebody reads");
        assert!(mailbox.try_sleep());
        assert!(mailbox.post(message(3), &cx).unwrap());
    }

    #[test]
    fn a_full_mailbox_keeps_the_message_for_the_sender() {
        let mailbox = Mailbox::default();
        let cx = Context::from_waker(Waker::noop());
        for n in 0..CAPACITY as u64 {
            mailbox.post(message(n), &cx).unwrap();
        }
        assert!(matches!(mailbox.post(message(9), &cx), Err(PostError::Full(back)) if back == message(9)));
        mailbox.take(&mut VecDeque::new());
        assert!(mailbox.post(message(9), &cx).is_ok());
    }

    #[test]
    fn a_retired_mailbox_takes_nothing() {
        let mailbox = Mailbox::default();
        assert!(mailbox.try_retire());
        let cx = Context::from_waker(Waker::noop());
        assert!(matches!(mailbox.post(message(1), &cx), Err(PostError::Retired(_))));
    }
}
