//! The memory budgets that all clients of a host share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::message::Message;

/// The bytes that one socket or request may hold without being counted. Most never hold more, and a small
/// message can always be sent.
pub(crate) const FREE_BYTES: usize = 64 * 1024;

/// The approximate overhead of a waiting frame. Without it very many tiny frames would not be counted.
pub(crate) const FRAME_BYTES: usize = 128;

/// Returns about how many bytes a text takes when it is read as a JSON value: see [`ValueBytes`].
fn bytes_as_value(text: &str) -> usize {
    let mut bytes = ValueBytes::default();
    bytes.add(text.as_bytes());
    bytes.sum()
}

/// Returns the maximum number of bytes that a message takes after an object has read it as JSON, including
/// its overhead.
pub(crate) fn message_as_value(message: &Message) -> usize {
    let bytes = match message {
        Message::Text(text) => bytes_as_value(text),
        Message::Binary(bytes) => bytes.len(),
    };
    bytes + FRAME_BYTES
}

/// The approximate number of bytes of a text after it is read as a JSON value, its largest form: `[0,0,…]` takes many
/// times its length. The text is counted piece by piece; one that begins neither a list nor a map counts its length.
///
/// Measured with values of 32 bytes, and of 72 bytes (where maps keep the order of their keys): lists of
/// zeros take 16 and 36 times their length, lists of lists of one value 43 and 93 times, lists of maps of one
/// key 95 and 64 times.
#[derive(Debug, Default)]
pub(crate) struct ValueBytes {
    sum: usize,
    /// `None` while nothing but white space has come.
    nested: Option<bool>,
    quoted: bool,
    escaped: bool,
}

impl ValueBytes {
    const VALUE: usize = size_of::<serde_json::Value>();
    /// Four values, the capacity of a list after its first value.
    const LIST: usize = 4 * Self::VALUE + 32;
    /// The first node of a map. `KEY` is for the text and the entry of each key.
    const MAP: usize = 640;
    const KEY: usize = 128;

    /// Adds the next piece of the text.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.sum += piece.len();
        if self.nested.is_none() {
            let first = piece.iter().find(|byte| !byte.is_ascii_whitespace());
            self.nested = first.map(|byte| matches!(byte, b'[' | b'{'));
        }
        if self.nested != Some(true) {
            return;
        }
        let Self { mut sum, mut quoted, mut escaped, .. } = *self;
        for byte in piece {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b',' => sum += Self::VALUE,
                b'[' => sum += Self::LIST,
                b'{' => sum += Self::MAP,
                b':' => sum += Self::KEY,
                _ => {}
            }
        }
        (self.sum, self.quoted, self.escaped) = (sum, quoted, escaped);
    }

    pub(crate) fn sum(&self) -> usize {
        self.sum
    }
}

/// A number of bytes that may be held at the same time.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// Returns whether the whole budget is held.
    pub(crate) fn is_used_up(&self) -> bool {
        self.used() >= self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Holds this many bytes even beyond the limit, because bytes that already exist cannot be refused.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> MemoryPermit {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        MemoryPermit(Some(Box::new(Share { budget: self.clone(), bytes })))
    }
}

/// A part of a budget, returned when it is dropped. It counts only in this process: a copy, and a permit that
/// is sent to another process, hold nothing.
#[derive(Default)]
pub(crate) struct MemoryPermit(Option<Box<Share>>);

struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl MemoryPermit {
    /// Grows to this many bytes in total; returns `false` when the budget is used up.
    pub(crate) fn grow(&mut self, budget: &Arc<Budget>, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.0.as_ref().map_or(0, |share| share.bytes));
        if more == 0 {
            return true;
        }
        let used = budget.used.fetch_add(more, Ordering::Relaxed);
        if used.saturating_add(more) > budget.limit {
            budget.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.0.get_or_insert_with(|| Box::new(Share { budget: budget.clone(), bytes: 0 })).bytes = bytes;
        true
    }

    /// Changes the held bytes to this number, even beyond the limit, like [`Budget::hold`].
    pub(crate) fn resize(&mut self, budget: &Arc<Budget>, bytes: usize) {
        match &mut self.0 {
            None => *self = budget.hold(bytes),
            Some(share) => {
                let before = std::mem::replace(&mut share.bytes, bytes);
                if bytes > before {
                    share.budget.used.fetch_add(bytes - before, Ordering::Relaxed);
                } else {
                    share.budget.used.fetch_sub(before - bytes, Ordering::Relaxed);
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns a frame that holds its bytes until its last copy is dropped.
    pub(crate) fn frame(budget: &Arc<Budget>, frame: Bytes) -> Bytes {
        let permit = budget.hold(frame.len() + FRAME_BYTES);
        Bytes::from_owner(Frame { frame, _permit: permit })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Clone for MemoryPermit {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for MemoryPermit {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for MemoryPermit {}

impl fmt::Debug for MemoryPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryPermit").field(&self.0.as_ref().map_or(0, |share| share.bytes)).finish()
    }
}

struct Frame {
    frame: Bytes,
    _permit: MemoryPermit,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back_once() {
        let budget = Budget::new(100);
        let mut permit = MemoryPermit::default();
        assert!(permit.grow(&budget, 60) && permit.grow(&budget, 50) && permit.grow(&budget, 100));
        assert!(budget.is_used_up());
        let mut none = MemoryPermit::default();
        assert!(!none.grow(&budget, 1) && none.is_empty(), "nothing is left");
        assert!(!permit.grow(&budget, 101));
        let copy = permit.clone();
        drop(permit);
        assert_eq!(budget.used(), 0);
        drop(copy);
        let mut beyond = budget.hold(150);
        assert_eq!(budget.used(), 150);
        beyond.resize(&budget, 200);
        assert_eq!(budget.used(), 200);
        beyond.resize(&budget, 20);
        assert_eq!(budget.used(), 20);
        drop(beyond);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_a_text_becomes_is_estimated_by_its_values() {
        let value = size_of::<serde_json::Value>();
        assert_eq!(bytes_as_value(""), 0);
        assert_eq!(bytes_as_value("plain"), 5);
        assert_eq!(bytes_as_value(r#""[,{:\"],\\""#), 12, "a text");
        assert_eq!(bytes_as_value("1, [{:"), 6, "no list");
        let quoted = r#" ["[,{:\"],\\"]"#;
        assert_eq!(bytes_as_value(quoted), bytes_as_value("[]") + 13, "quoted characters count as text");
        let mut pieces = ValueBytes::default();
        quoted.as_bytes().chunks(1).for_each(|piece| pieces.add(piece));
        assert_eq!(pieces.sum(), bytes_as_value(quoted));
        let zeros = format!("[{}0]", "0,".repeat(1000));
        assert!(bytes_as_value(&zeros) >= zeros.len() + 1001 * value);
        let empty = "[],".repeat(1000);
        assert!(bytes_as_value(&empty) >= 1000 * value);
    }

    #[test]
    fn a_shared_frame_counts_once_and_to_its_end() {
        let budget = Budget::new(100);
        let mut frame = MemoryPermit::frame(&budget, Bytes::from_static(b"0123456789"));
        let copies = vec![frame.clone(); 100];
        assert_eq!(budget.used(), 10 + FRAME_BYTES);
        let rest = frame.split_off(4);
        drop((frame, copies));
        assert_eq!((budget.used(), &rest[..]), (10 + FRAME_BYTES, &b"456789"[..]));
        drop(rest);
        assert_eq!(budget.used(), 0);
    }
}
