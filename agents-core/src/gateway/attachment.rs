//! The data that the gateway stores for a connection of an object.

use std::ops::BitOr;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// Eight bits of a connection that user data can neither read nor overwrite.
///
/// They belong to the layer above the object: agents store "read-only" and "no protocol frames" in the first
/// two.
///
/// ```
/// use agents_core::object::Flags;
///
/// const MUTED: Flags = Flags::bit(0);
/// let flags = Flags::NONE.with(MUTED, true);
/// assert!(flags.has(MUTED) && !flags.with(MUTED, false).has(MUTED));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags(u8);

impl Flags {
    /// The empty set of flags.
    pub const NONE: Self = Self(0);

    /// Returns the flag with a number from 0 to 7.
    ///
    /// # Panics
    /// Panics with any other number; at compile time when the flag is a constant.
    pub const fn bit(number: u8) -> Self {
        assert!(number < 8, "there are eight flags");
        Self(1 << number)
    }

    /// Returns whether one of these flags is set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// Returns the flags with these flags set or cleared.
    #[must_use]
    pub const fn with(self, flags: Self, on: bool) -> Self {
        Self(if on { self.0 | flags.0 } else { self.0 & !flags.0 })
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The attachment: a header of the gateway (version, flags), then the user's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment(Bytes);

const VERSION: u8 = 1;
const HEADER: usize = 2;
/// The attachments without user bytes, by their flags; most connections have one of these.
const BARE: [[u8; HEADER]; 4] = [[VERSION, 0], [VERSION, 1], [VERSION, 2], [VERSION, 3]];

impl Attachment {
    pub(crate) fn new(flags: Flags, user: &[u8]) -> Self {
        if user.is_empty()
            && let Some(bare) = BARE.get(usize::from(flags.0))
        {
            return Self(Bytes::from_static(bare));
        }
        let mut bytes = BytesMut::with_capacity(HEADER + user.len());
        bytes.put_u8(VERSION);
        bytes.put_u8(flags.0);
        bytes.extend_from_slice(user);
        Self(bytes.freeze())
    }

    /// Decodes an attachment; bytes of another version decode as empty.
    pub(crate) fn decode(bytes: Bytes) -> Self {
        if bytes.len() >= HEADER && bytes[0] == VERSION { Self(bytes) } else { Self::new(Flags::NONE, &[]) }
    }

    pub(crate) fn encoded(&self) -> Bytes {
        self.0.clone()
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags(self.0[1])
    }

    /// Returns the user's bytes; empty when none were set.
    pub(crate) fn user(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    pub(crate) fn with_flags(&self, flags: Flags) -> Self {
        Self::new(flags, self.user())
    }

    pub(crate) fn with_user(&self, user: &[u8]) -> Self {
        Self::new(self.flags(), user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_user_bytes_do_not_touch() {
        // S159, S161-S163
        let both = Flags::bit(0) | Flags::bit(1);
        for flags in [Flags::NONE, Flags::bit(0), Flags::bit(1), both] {
            let attachment = Attachment::new(flags, b"{}").with_user(b"\x01\x03null");
            assert_eq!(attachment.flags(), flags);
            let back = Attachment::decode(attachment.encoded());
            assert_eq!(back.user(), b"\x01\x03null");
            assert_eq!(back.with_flags(flags.with(Flags::bit(0), false)).user(), b"\x01\x03null");
            assert!(!back.with_flags(flags.with(Flags::bit(0), false)).flags().has(Flags::bit(0)));
        }
    }

    #[test]
    fn unknown_bytes_are_an_empty_attachment() {
        for bytes in [&b""[..], b"\x09", b"\x09\xff{}"] {
            let attachment = Attachment::decode(Bytes::copy_from_slice(bytes));
            assert_eq!((attachment.flags(), attachment.user()), (Flags::NONE, &b""[..]));
        }
    }
}
