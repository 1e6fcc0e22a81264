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
        let mut inner = self.inner.lock();
        if inner.reader == Reader::Retired {
            return Err(PostError::Retired(message));
        }
        if inner.queue.len() >= CAPACITY {
            inner.waiting.push(cx.waker().clone());
            return Err(PostError::Full(message));
        }
        inner.queue.push_back(message);
        let start = inner.reader == Reader::Asleep;
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

    /// Lets the reader go if nothing came in meanwhile.
    pub(crate) fn try_sleep(&self) -> bool {
        let mut inner = self.inner.lock();
        let empty = inner.queue.is_empty();
        if empty && inner.reader == Reader::Awake {
            inner.reader = Reader::Asleep;
            inner.queue = VecDeque::new();
        }
        empty
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
    use crate::gateway::RequestKey;

    fn message(n: u64) -> ToObject {
        ToObject::Gone { request: RequestKey(n) }
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
