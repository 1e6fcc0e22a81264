//! The messages of a socket that its object has not handled yet.

use std::sync::atomic::{AtomicU64, Ordering};

/// The lower bits count bytes, the upper bits count messages: both change together in one number.
const BYTE_BITS: u32 = 40;
const MOST_BYTES: u64 = (1 << BYTE_BITS) - 1;

/// The messages of a socket that its object has not handled yet.
#[derive(Debug, Default)]
pub(super) struct InFlight(AtomicU64);

/// A number of messages and their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) messages: u32,
    pub(super) bytes: u64,
}

impl Amount {
    fn packed(self) -> u64 {
        u64::from(self.messages) << BYTE_BITS | self.bytes.min(MOST_BYTES)
    }

    fn unpacked(packed: u64) -> Self {
        // The number has 24 upper bits, which always fit.
        Self { messages: (packed >> BYTE_BITS) as u32, bytes: packed & MOST_BYTES }
    }
}

impl InFlight {
    pub(super) fn get(&self) -> Amount {
        Amount::unpacked(self.0.load(Ordering::Acquire))
    }

    /// Adds a message and returns the new total.
    pub(super) fn add(&self, bytes: usize) -> Amount {
        let added = Amount { messages: 1, bytes: bytes as u64 }.packed();
        Amount::unpacked(self.0.fetch_add(added, Ordering::AcqRel) + added)
    }

    /// Removes handled messages.
    pub(super) fn remove(&self, messages: u32, bytes: u64) {
        let removed = Amount { messages, bytes }.packed();
        let before = self.0.fetch_sub(removed, Ordering::AcqRel);
        debug_assert!(before >= removed, "more credit than was used");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_bytes_are_counted_together() {
        let in_flight = InFlight::default();
        in_flight.add(0);
        assert_eq!(in_flight.add(70_000), Amount { messages: 2, bytes: 70_000 });
        assert_eq!(in_flight.add(1 << 32), Amount { messages: 3, bytes: (1 << 32) + 70_000 });
        in_flight.remove(2, (1 << 32) + 70_000);
        assert_eq!(in_flight.get(), Amount { messages: 1, bytes: 0 });
    }
}
