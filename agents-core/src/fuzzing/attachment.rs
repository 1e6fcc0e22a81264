//! The stored attachment of a connection.

use bytes::Bytes;

use crate::gateway::{Attachment, Flags};

/// Checks that any bytes can be read as an attachment, and that flags and user bytes never mix.
pub fn attachment(data: &[u8]) {
    let read = Attachment::decode(Bytes::copy_from_slice(data));
    let again = Attachment::decode(read.encoded());
    assert_eq!((again.flags(), again.user()), (read.flags(), read.user()));
    for bit in 0..8 {
        let flag = Flags::bit(bit);
        for on in [true, false] {
            let flags = read.flags().with(flag, on);
            let changed = read.with_flags(flags);
            assert_eq!((changed.flags(), changed.user()), (flags, read.user()));
            // A value of the user that looks like a header stays a value.
            let stored = Attachment::decode(changed.with_user(data).encoded());
            assert_eq!((stored.flags(), stored.user()), (flags, data));
        }
    }
}
