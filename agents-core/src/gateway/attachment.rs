//! What the gateway keeps for a connection on behalf of its object.

use std::ops::{BitOr, Not};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// Bits about a connection that user data can neither read nor overwrite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READONLY: Self = Self(1);
    pub(crate) const NO_PROTOCOL: Self = Self(1 << 1);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn with(self, flag: Self, on: bool) -> Self {
        if on { self | flag } else { Self(self.0 & (!flag).0) }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Not for Flags {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// The attachment: a header of our own (version, flags), then the user's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment(Bytes);

const VERSION: u8 = 1;
const HEADER: usize = 2;

impl Attachment {
    pub(crate) fn new(flags: Flags, user: &[u8]) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER + user.len());
        bytes.put_u8(VERSION);
        bytes.put_u8(flags.0);
        bytes.extend_from_slice(user);
        Self(bytes.freeze())
    }

    /// Reads an attachment; bytes of another version count as empty.
    pub(crate) fn decode(bytes: Bytes) -> Self {
        if bytes.len() >= HEADER && bytes[0] == VERSION { Self(bytes) } else { Self::new(Flags::NONE, &[]) }
    }

    pub(crate) fn encoded(&self) -> Bytes {
        self.0.clone()
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags(self.0[1])
    }

    /// The user's bytes; empty when nothing was set.
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
        let both = Flags::READONLY | Flags::NO_PROTOCOL;
        for flags in [Flags::NONE, Flags::READONLY, Flags::NO_PROTOCOL, both] {
            let attachment = Attachment::new(flags, b"{}").with_user(b"\x01\x03null");
            assert_eq!(attachment.flags(), flags);
            let back = Attachment::decode(attachment.encoded());
            assert_eq!(back.user(), b"\x01\x03null");
            assert_eq!(back.with_flags(flags.with(Flags::READONLY, false)).user(), b"\x01\x03null");
            assert!(!back.with_flags(flags.with(Flags::READONLY, false)).flags().has(Flags::READONLY));
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
