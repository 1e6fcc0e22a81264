//! The frames that wait to be written to a socket.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::gateway::FRAME_BYTES;
use crate::gateway::socket::codec;

/// The number of waiting bytes above which a client counts as behind.
pub(crate) const BEHIND_BYTES: usize = 64 * 1024;

/// The memory of a queue entry, including the spare capacity of the queue.
const ENTRY_BYTES: usize = 2 * size_of::<Bytes>();

/// The number of waiting frames from which only the last of several pings is answered.
const MANY_FRAMES: usize = 64;

/// The frames on their way out, bounded by their bytes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    /// The bytes in `frames`.
    bytes: usize,
    /// The bytes that the writer took last. The writer takes more when all of them are written.
    taken: usize,
    /// The index of the frame in `frames` that a later one of its kind may replace.
    latest: Option<u32>,
    /// `true` if a ping is sent before all waiting frames.
    ping: bool,
    /// The close frame; later frames are not accepted. It is boxed because most sockets have none.
    closing: Option<Box<Bytes>>,
}

/// The error of an outbox above its limit: the reader stays behind.
#[derive(Debug)]
pub(crate) struct Overflow;

impl Outbox {
    /// Adds a frame; returns `false` after a close, where frames are dropped as on any closed socket.
    ///
    /// A `latest` frame replaces the previous `latest` frame when the reader is behind.
    pub(crate) fn push(&mut self, frame: Bytes, latest: bool, limit: usize) -> Result<bool, Overflow> {
        if self.closing.is_some() {
            return Ok(false);
        }
        let behind = self.is_behind();
        let position = self.latest.filter(|_| latest && behind).map(|at| at as usize);
        let replaced = position.map_or(0, |at| self.frames[at].len());
        let others = self.frames.len() - usize::from(position.is_some());
        let bytes = self.bytes - replaced + frame.len();
        // One frame always fits, so that a limit below the message size does not forbid messages.
        if others > 0 && bytes.saturating_add(others * FRAME_BYTES) > limit {
            return Err(Overflow);
        }
        self.bytes = bytes;
        match position {
            Some(at) => self.frames[at] = frame,
            None => {
                if latest {
                    self.latest = u32::try_from(self.frames.len()).ok();
                }
                self.frames.push_back(frame);
            }
        }
        Ok(true)
    }

    /// Adds a pong. While many frames wait, a pong replaces the pong before it: an answer to the last ping is
    /// enough, and takes no more memory.
    pub(crate) fn pong(&mut self, frame: Bytes, limit: usize) -> Result<bool, Overflow> {
        let many = self.frames.len() >= MANY_FRAMES && self.closing.is_none();
        match self.frames.back_mut() {
            Some(last) if many && codec::is_pong(last) => {
                self.bytes = self.bytes - last.len() + frame.len();
                *last = frame;
                Ok(true)
            }
            _ => self.push(frame, false, limit),
        }
    }

    /// Returns the number of waiting bytes, including frame overhead and the bytes that the writer has taken.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes + self.taken + self.frames.len() * FRAME_BYTES
    }

    /// Returns the memory of the queue of a client that is behind, without the frames, which several queues
    /// may share.
    pub(crate) fn queue_bytes(&self) -> usize {
        if self.is_behind() { self.frames.len() * ENTRY_BYTES } else { 0 }
    }

    /// Returns whether so much waits that the client counts as behind.
    pub(crate) fn is_behind(&self) -> bool {
        self.waiting() > BEHIND_BYTES
    }

    /// Adds a ping before all waiting frames; returns `false` when the socket is closing.
    pub(crate) fn ping(&mut self) -> bool {
        self.ping = self.closing.is_none();
        self.ping
    }

    /// Adds a close frame after all waiting frames.
    pub(crate) fn close(&mut self, frame: Bytes) {
        self.closing.get_or_insert_with(|| Box::new(frame));
    }

    /// Drops the frames that were not written, and ends with a close frame.
    pub(crate) fn close_now(&mut self, frame: Bytes) {
        *self = Self { closing: Some(Box::new(frame)), taken: self.taken, ..Self::default() };
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Moves frames out, up to about `most` bytes; returns whether the outbox is now empty.
    ///
    /// `into` must be empty: the frames that were taken before have been written.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Bytes>, most: usize) -> bool {
        debug_assert!(into.is_empty(), "taken before the last frames were written");
        if std::mem::take(&mut self.ping) {
            let ping = codec::ping();
            self.bytes += ping.len();
            self.latest = self.latest.map(|at| at + 1);
            self.frames.push_front(ping);
        }
        if self.bytes <= most {
            // The queue itself is moved: an idle socket keeps no memory for frames.
            *into = std::mem::take(&mut self.frames);
            self.taken = std::mem::take(&mut self.bytes);
            self.latest = None;
            return true;
        }
        self.taken = 0;
        while self.taken < most
            && let Some(frame) = self.frames.pop_front()
        {
            self.taken += frame.len();
            into.push_back(frame);
        }
        self.bytes -= self.taken;
        self.latest = self.latest.and_then(|at| at.checked_sub(into.len() as u32));
        self.frames.is_empty()
    }

    /// Returns the close frame, after all frames before it were taken.
    pub(crate) fn close_frame(&self) -> Option<Bytes> {
        self.closing.as_deref().filter(|_| self.frames.is_empty()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_LIMIT: usize = usize::MAX;

    fn frame(len: usize) -> Bytes {
        Bytes::from(vec![0; len])
    }

    fn take_all(outbox: &mut Outbox) -> VecDeque<Bytes> {
        let mut taken = VecDeque::new();
        assert!(outbox.take(&mut taken, NO_LIMIT));
        taken
    }

    #[test]
    fn a_reader_that_stays_behind_overflows() {
        let mut outbox = Outbox::default();
        assert!(outbox.push(frame(100), false, 50).is_ok(), "one frame always fits");
        assert!(outbox.push(Bytes::from_static(b"x"), false, 50).is_err());
        assert!(outbox.push(Bytes::from_static(b"x"), true, 50).is_err());
    }

    #[test]
    fn the_close_comes_after_everything_sent_before_it() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"a"), false, 50).unwrap();
        outbox.close(Bytes::from_static(b"close"));
        assert!(!outbox.push(Bytes::from_static(b"late"), false, 50).unwrap());
        assert!(!outbox.ping());
        assert_eq!(outbox.close_frame(), None);
        assert_eq!(take_all(&mut outbox), [Bytes::from_static(b"a")]);
        assert_eq!(outbox.close_frame(), Some(Bytes::from_static(b"close")));
    }

    #[test]
    fn a_ping_overtakes_what_waits() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"a"), false, 50).unwrap();
        assert!(outbox.ping() && outbox.ping());
        assert_eq!(take_all(&mut outbox), [codec::ping(), Bytes::from_static(b"a")]);
        assert!(take_all(&mut outbox).is_empty());
    }

    #[test]
    fn the_latest_state_takes_the_place_of_the_last_one_when_behind() {
        let mut outbox = Outbox::default();
        let push = |outbox: &mut Outbox, frame: &Bytes, latest| {
            outbox.push(frame.clone(), latest, NO_LIMIT).unwrap();
        };
        let (old, new, newer, answer) = (frame(10), frame(20), frame(30), frame(40));
        push(&mut outbox, &old, true);
        push(&mut outbox, &new, true);
        push(&mut outbox, &answer, false);
        push(&mut outbox, &frame(BEHIND_BYTES), false);
        push(&mut outbox, &newer, true);
        let lengths: Vec<_> = take_all(&mut outbox).iter().map(Bytes::len).collect();
        assert_eq!(lengths, [10, 30, 40, BEHIND_BYTES], "in place, and none lost while not behind");
        // The bytes of the writer count until it takes more, but its frames cannot be replaced.
        push(&mut outbox, &old, true);
        push(&mut outbox, &new, true);
        let lengths: Vec<_> = take_all(&mut outbox).iter().map(Bytes::len).collect();
        assert_eq!(lengths, [20]);
        push(&mut outbox, &old, true);
        push(&mut outbox, &new, true);
        assert_eq!(take_all(&mut outbox).len(), 2, "no longer behind");
    }

    proptest! {
        #[test]
        fn only_states_that_a_newer_one_replaced_are_missing(
            steps in prop::collection::vec((0..8_u8, 4..30_000_usize), 1..200),
        ) {
            let (mut outbox, mut arrived, mut sent) = (Outbox::default(), Vec::new(), Vec::new());
            for (step, len) in steps {
                match step {
                    0 => {
                        let mut taken = VecDeque::new();
                        let all = outbox.take(&mut taken, len * 4);
                        prop_assert_eq!(all, outbox.frames.is_empty());
                        prop_assert_eq!(outbox.taken, taken.iter().map(Bytes::len).sum::<usize>());
                        arrived.extend(taken);
                    }
                    1 => prop_assert!(outbox.ping()),
                    _ => {
                        // The number at the start identifies the frame.
                        let mut bytes = vec![0; len];
                        bytes[..4].copy_from_slice(&(sent.len() as u32).to_be_bytes());
                        let (frame, latest) = (Bytes::from(bytes), step < 5);
                        let behind = outbox.is_behind();
                        let (count, replaces) = (outbox.frames.len(), latest && behind && outbox.latest.is_some());
                        prop_assert!(outbox.push(frame.clone(), latest, NO_LIMIT).unwrap());
                        prop_assert_eq!(outbox.frames.len(), count + usize::from(!replaces));
                        sent.push((frame, latest));
                    }
                }
                prop_assert_eq!(outbox.bytes, outbox.frames.iter().map(Bytes::len).sum::<usize>());
            }
            let mut taken = VecDeque::new();
            outbox.take(&mut taken, NO_LIMIT);
            arrived.extend(taken);
            arrived.retain(|frame| *frame != codec::ping());
            let number = |frame: &Bytes| u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
            let of_kind = |frames: &[Bytes], latest| -> Vec<_> {
                frames.iter().map(number).filter(|&n| sent[n].1 == latest).collect()
            };
            let all: Vec<_> = (0..sent.len()).collect();
            let others: Vec<_> = all.iter().copied().filter(|&n| !sent[n].1).collect();
            prop_assert_eq!(of_kind(&arrived, false), others);
            let states = of_kind(&arrived, true);
            prop_assert!(states.is_sorted());
            prop_assert_eq!(states.last(), all.iter().rfind(|&&n| sent[n].1));
            for frame in &arrived {
                prop_assert_eq!(frame, &sent[number(frame)].0);
            }
        }
    }
}
