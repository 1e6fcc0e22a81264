//! WebSocket frames, as far as a load generator needs them.

use std::ops::Range;

/// The opcode of text frames.
pub const TEXT: u8 = 1;
/// The opcode of binary frames.
pub const BINARY: u8 = 2;
/// The opcode of close frames.
pub const CLOSE: u8 = 8;
/// The opcode of pings.
pub const PING: u8 = 9;
/// The opcode of pongs.
pub const PONG: u8 = 10;

/// Appends one whole client frame.
///
/// Clients must mask their frames. The key here is zero, which is valid and leaves the payload unchanged.
pub fn encode(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    let size = payload.len();
    if size < 126 {
        out.push(0x80 | size as u8);
    } else if let Ok(size) = u16::try_from(size) {
        out.push(0x80 | 126);
        out.extend(size.to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend((size as u64).to_be_bytes());
    }
    out.extend([0; 4]);
    out.extend(payload);
}

/// Returns the opcode of the first frame in a buffer, the range of its payload, and the start of the next
/// frame.
///
/// Returns `None` while the frame is incomplete.
pub fn decode(input: &[u8]) -> Option<(u8, Range<usize>)> {
    let (&[first, second], rest) = input.split_first_chunk::<2>()?;
    let (size, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        size => (u64::from(size), 2),
    };
    let end = head + usize::try_from(size).ok()?;
    (input.len() >= end).then_some((first & 0x0f, head..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the frame that a server would send: the same frame without the mask.
    fn server(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, TEXT, payload);
        let head = out.len() - payload.len() - 4;
        out.drain(head..head + 4);
        out[1] &= 0x7f;
        out
    }

    #[test]
    fn frames_of_every_length_are_found() {
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; size];
            let mut input = server(&payload);
            let (opcode, range) = decode(&input).unwrap();
            assert_eq!((opcode, &input[range.clone()]), (TEXT, &payload[..]), "{size}");
            assert_eq!(range.end, input.len());
            input.pop();
            assert!(decode(&input).is_none(), "{size}: one byte is missing");
        }
    }
}
