//! Close frames, from clients and to clients.

use std::collections::VecDeque;

use crate::gateway::{Decoder, Incoming, close, cut_reason};
use crate::wire::close_code;

/// Checks that a payload of a client's close frame gives a code and a text or is refused, and that a client
/// can read the payload that the server makes of any code and text.
pub fn close_frames(data: &[u8]) {
    let payload = &data[..data.len().min(125)];
    let mut frame = vec![0x88, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    let mut out = VecDeque::new();
    let read = Decoder::new(1024).push(&frame, &mut out);
    match (payload, out.pop_front()) {
        ([], Some(Incoming::Close(None))) => {}
        ([high, low, reason @ ..], Some(Incoming::Close(Some((code, text))))) => {
            assert_eq!(code, u16::from_be_bytes([*high, *low]));
            assert!(close_code::may_be_sent(code) && text.as_bytes() == reason);
        }
        (_, None) => assert!(read.is_err()),
        (payload, other) => panic!("{payload:?} was read as {other:?}"),
    }
    let Some((code, reason)) = data.split_at_checked(2) else { return };
    let code = u16::from_be_bytes([code[0], code[1]]);
    let reason = cut_reason(String::from_utf8_lossy(reason).into_owned());
    assert!(reason.len() <= 123);
    let sent = close(Some(code), &reason);
    assert!(sent.len() <= 127 && sent[0] == 0x88 && usize::from(sent[1]) == sent.len() - 2);
}
