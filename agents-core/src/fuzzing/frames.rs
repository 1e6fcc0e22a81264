//! Bytes on a socket, read as WebSocket frames.

use std::collections::VecDeque;

use crate::gateway::{Decoder, Incoming, Violation};

/// The maximum size of a message in bytes; small, so that inputs reach it.
const LIMIT: usize = 4096;

type Read = (Vec<Incoming>, Result<(), Violation>);

/// Reads bytes in pieces of one size.
fn read(data: &[u8], piece: usize) -> Read {
    let mut decoder = Decoder::new(LIMIT);
    let mut out = VecDeque::new();
    let mut end = Ok(());
    for bytes in data.chunks(piece.max(1)) {
        end = decoder.push(bytes, &mut out);
        if end.is_err() {
            break;
        }
    }
    (out.into(), end)
}

/// Checks that the result is the same for all sizes of pieces, and that no message exceeds its limit.
pub fn frames(data: &[u8]) {
    let Some((piece, data)) = data.split_first() else { return };
    let whole = read(data, data.len());
    assert_eq!(read(data, usize::from(*piece)), whole);
    assert_eq!(read(data, 1), whole);
    for incoming in &whole.0 {
        match incoming {
            Incoming::Message(message) => assert!(message.len() <= LIMIT),
            Incoming::Ping(payload) => assert!(payload.len() <= 125),
            Incoming::Close(Some((code, reason))) => {
                assert!((1000..5000).contains(code) && reason.len() <= 123);
            }
            Incoming::Pong | Incoming::Close(None) => {}
        }
    }
    if let Err(violation) = whole.1 {
        assert!(matches!(violation.code, 1002 | 1007 | 1009));
    }
}
