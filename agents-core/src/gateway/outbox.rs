//! What waits to be written to one socket.

use std::collections::VecDeque;

use bytes::Bytes;

/// Frames on their way out, bounded by their bytes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// The frame that ends the conversation; nothing is taken after it.
    closing: Option<Bytes>,
}

/// The outbox has more than its limit: the reader stays behind.
#[derive(Debug)]
pub(crate) struct Overflow;

impl Outbox {
    /// Adds a frame. What is added after a close is dropped, as on any closed socket.
    pub(crate) fn push(&mut self, frame: Bytes, limit: usize) -> Result<(), Overflow> {
        if self.closing.is_some() {
            return Ok(());
        }
        // One frame always fits, so that a limit below the message size does not forbid messages.
        if !self.frames.is_empty() && self.bytes + frame.len() > limit {
            return Err(Overflow);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Ends the outbox with a close frame, behind everything that is in it.
    pub(crate) fn close(&mut self, frame: Bytes) {
        self.closing.get_or_insert(frame);
    }

    /// Drops what has not been written and ends with a close frame.
    pub(crate) fn close_now(&mut self, frame: Bytes) {
        self.frames.clear();
        self.bytes = 0;
        self.closing = Some(frame);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Moves the frames out, up to about `most` bytes, and tells whether all of them went.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Bytes>, most: usize) -> bool {
        let mut taken = 0;
        while taken < most {
            let Some(frame) = self.frames.pop_front() else {
                // An idle socket keeps no memory for frames.
                self.frames = VecDeque::new();
                return true;
            };
            taken += frame.len();
            self.bytes -= frame.len();
            into.push_back(frame);
        }
        self.frames.is_empty()
    }

    /// The close frame, once everything before it was taken.
    pub(crate) fn close_frame(&self) -> Option<Bytes> {
        self.frames.is_empty().then(|| self.closing.clone()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stays_behind_overflows() {
        let mut outbox = Outbox::default();
        assert!(outbox.push(Bytes::from(vec![0; 100]), 50).is_ok(), "one frame always fits");
        assert!(outbox.push(Bytes::from_static(b"x"), 50).is_err());
    }

    #[test]
    fn the_close_comes_after_everything_sent_before_it() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"a"), 50).unwrap();
        outbox.close(Bytes::from_static(b"close"));
        outbox.push(Bytes::from_static(b"late"), 50).unwrap();
        assert_eq!(outbox.close_frame(), None);
        let mut taken = VecDeque::new();
        assert!(outbox.take(&mut taken, 1000));
        assert_eq!(taken, [Bytes::from_static(b"a")]);
        assert_eq!(outbox.close_frame(), Some(Bytes::from_static(b"close")));
    }
}
