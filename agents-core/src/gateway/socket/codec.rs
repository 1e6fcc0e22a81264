//! WebSocket frames (RFC 6455), without I/O.
//!
//! The codec is not one of a library for two reasons. An idle socket must not own a read buffer. A broadcast
//! is encoded once and shared by all receivers, which needs the finished bytes.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::gateway::Message;
use crate::wire::close_code;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The maximum payload of a control frame.
const MAX_CONTROL: usize = 125;
/// The maximum length of a close reason: a control payload without the code.
pub(crate) const MAX_REASON: usize = MAX_CONTROL - 2;
/// The maximum frame header: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;
/// The maximum number of bytes that are reserved ahead for a message; the rest grows as bytes arrive.
const RESERVE: usize = 64 * 1024;

/// A complete item that a peer sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Message(Message),
    Ping(Vec<u8>),
    Pong,
    /// A close frame; `None` when it had no code.
    Close(Option<(u16, String)>),
}

/// A reason why a socket must be closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

fn protocol<T>(reason: &'static str) -> Result<T, Violation> {
    Err(Violation { code: close_code::PROTOCOL_ERROR, reason })
}

const NO_UTF8: Result<(), Violation> =
    Err(Violation { code: close_code::INVALID_DATA, reason: "text must be UTF-8" });

/// A decoder of a client's frames; the bytes may arrive in any pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_message: usize,
    header: [u8; MAX_HEADER],
    header_len: u8,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The incomplete message: its opcode and the bytes that have arrived.
    message: Option<(u8, Vec<u8>)>,
    /// The number of bytes of an incomplete text that are known to be UTF-8.
    checked: usize,
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: u8,
    remaining: u64,
    mask: [u8; 4],
    /// The position in the mask.
    offset: usize,
}

impl Decoder {
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            max_message,
            header: [0; MAX_HEADER],
            header_len: 0,
            frame: None,
            message: None,
            checked: 0,
            control: Vec::new(),
        }
    }

    /// Returns whether no frame and no message is incomplete, so that a new decoder could replace this one.
    pub(crate) fn is_idle(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Returns the memory of the incomplete message.
    pub(crate) fn buffered(&self) -> usize {
        self.message.as_ref().map_or(0, |(_, bytes)| bytes.capacity())
    }

    /// Decodes bytes from the peer and appends the items that they complete.
    pub(crate) fn push(&mut self, mut data: &[u8], out: &mut VecDeque<Incoming>) -> Result<(), Violation> {
        loop {
            let Some(frame) = &mut self.frame else {
                if data.is_empty() {
                    return Ok(());
                }
                self.read_header(&mut data)?;
                continue;
            };
            let take = usize::try_from(frame.remaining).map_or(data.len(), |left| left.min(data.len()));
            let (payload, rest) = data.split_at(take);
            let into = match (&mut self.message, frame.opcode >= CLOSE) {
                (Some((_, message)), false) => message,
                _ => &mut self.control,
            };
            let start = into.len();
            into.extend_from_slice(payload);
            unmask(&mut into[start..], frame.mask, frame.offset);
            frame.offset = (frame.offset + take) % 4;
            frame.remaining -= take as u64;
            data = rest;
            let done = *frame;
            // A complete text is checked once, when it is handed over.
            if (done.remaining > 0 || !done.fin) && done.opcode < CLOSE {
                self.check_text()?;
            }
            if done.remaining > 0 {
                return Ok(());
            }
            self.frame = None;
            self.finish(done, out)?;
        }
    }

    /// Checks the new bytes of an incomplete text, so that a peer gets the error before it sends the rest.
    fn check_text(&mut self) -> Result<(), Violation> {
        let Some((TEXT, text)) = &self.message else { return Ok(()) };
        match std::str::from_utf8(&text[self.checked..]) {
            Ok(_) => self.checked = text.len(),
            // A character may arrive in two pieces.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return NO_UTF8,
        }
        Ok(())
    }

    /// Collects a header byte by byte until it is complete, then opens the frame.
    fn read_header(&mut self, data: &mut &[u8]) -> Result<(), Violation> {
        while let Some((&byte, rest)) = data.split_first() {
            *data = rest;
            self.header[usize::from(self.header_len)] = byte;
            self.header_len += 1;
            if self.header_len < 2 {
                continue;
            }
            let [first, second, ..] = self.header;
            if second & 0x80 == 0 {
                return protocol("frames from a client must be masked");
            }
            let extended = match second & 0x7f {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            if usize::from(self.header_len) < 2 + extended + 4 {
                continue;
            }
            let len = match extended {
                0 => u64::from(second & 0x7f),
                _ => self.header[2..2 + extended].iter().fold(0, |len, &byte| len << 8 | u64::from(byte)),
            };
            let mut mask = [0; 4];
            mask.copy_from_slice(&self.header[2 + extended..6 + extended]);
            self.header_len = 0;
            return self.open_frame(first, len, mask);
        }
        Ok(())
    }

    fn open_frame(&mut self, first: u8, len: u64, mask: [u8; 4]) -> Result<(), Violation> {
        if first & 0x70 != 0 {
            return protocol("reserved bits must be zero");
        }
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        match (opcode, &mut self.message) {
            (CLOSE | PING | PONG, _) => {
                if !fin {
                    return protocol("a control frame must not be fragmented");
                }
                if len > MAX_CONTROL as u64 {
                    return protocol("a control frame has at most 125 bytes");
                }
                self.control.clear();
            }
            (TEXT | BINARY, Some(_)) => return protocol("a new message before the last one was finished"),
            (CONTINUATION, None) => return protocol("a continuation without a message"),
            (TEXT | BINARY | CONTINUATION, message) => {
                let (_, so_far) = message.get_or_insert_with(|| {
                    self.checked = 0;
                    (opcode, Vec::new())
                });
                let left = (self.max_message - so_far.len()) as u64;
                if len > left {
                    return Err(Violation { code: close_code::TOO_LARGE, reason: "message too big" });
                }
                so_far.reserve(usize::try_from(len).map_or(RESERVE, |len| len.min(RESERVE)));
            }
            _ => return protocol("unknown opcode"),
        }
        self.frame = Some(Frame { fin, opcode, remaining: len, mask, offset: 0 });
        Ok(())
    }

    fn finish(&mut self, frame: Frame, out: &mut VecDeque<Incoming>) -> Result<(), Violation> {
        let incoming = match frame.opcode {
            PING => Incoming::Ping(std::mem::take(&mut self.control)),
            PONG => Incoming::Pong,
            CLOSE => Incoming::Close(close_payload(&self.control)?),
            _ if !frame.fin => return Ok(()),
            _ => match self.message.take() {
                Some((TEXT, bytes)) => match String::from_utf8(bytes) {
                    Ok(text) => Incoming::Message(Message::Text(text)),
                    Err(_) => return NO_UTF8,
                },
                Some((_, bytes)) => Incoming::Message(Message::Binary(bytes.into())),
                None => return protocol("a continuation without a message"),
            },
        };
        out.push_back(incoming);
        Ok(())
    }
}

fn close_payload(payload: &[u8]) -> Result<Option<(u16, String)>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => protocol("a close frame has no or at least two bytes"),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !close_code::may_be_sent(code) {
                return protocol("invalid close code");
            }
            match std::str::from_utf8(reason) {
                Ok(reason) => Ok(Some((code, reason.to_owned()))),
                Err(_) => {
                    Err(Violation { code: close_code::INVALID_DATA, reason: "a close reason must be UTF-8" })
                }
            }
        }
    }
}

/// Cuts a text so that it fits into a close frame.
pub(crate) fn cut_reason(mut text: String) -> String {
    if text.len() > MAX_REASON {
        let end = (0..=MAX_REASON).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
    }
    text
}

fn unmask(data: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut mask = mask;
    mask.rotate_left(offset);
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (chunks, rest) = data.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

fn encode(opcode: u8, payload: &[u8]) -> Bytes {
    let len = payload.len();
    let mut out = BytesMut::with_capacity(len + 10);
    out.put_u8(0x80 | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => out.put_u8(len),
        (_, Ok(len)) => {
            out.put_u8(126);
            out.put_u16(len);
        }
        _ => {
            out.put_u8(127);
            out.put_u64(len as u64);
        }
    }
    out.extend_from_slice(payload);
    out.freeze()
}

/// Encodes a message as one frame that every receiver can share.
pub(crate) fn message(message: &Message) -> Bytes {
    let opcode = match message {
        Message::Text(_) => TEXT,
        Message::Binary(_) => BINARY,
    };
    encode(opcode, message.as_bytes())
}

/// Returns an empty ping.
pub(crate) fn ping() -> Bytes {
    Bytes::from_static(&[0x80 | PING, 0])
}

/// Encodes a pong.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    encode(PONG, payload)
}

/// Returns whether an encoded frame is a pong.
pub(crate) fn is_pong(frame: &[u8]) -> bool {
    frame.first() == Some(&(0x80 | PONG))
}

/// Encodes a close frame; without a code it is empty.
pub(crate) fn close(code: Option<u16>, reason: &str) -> Bytes {
    let mut payload = Vec::with_capacity(2 + reason.len());
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
    }
    encode(CLOSE, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 250];
        let mut out = vec![first];
        match payload.len() {
            len @ ..=125 => out.push(0x80 | len as u8),
            len @ ..=65535 => {
                out.push(0x80 | 126);
                out.extend((len as u16).to_be_bytes());
            }
            len => {
                out.push(0x80 | 127);
                out.extend((len as u64).to_be_bytes());
            }
        }
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        out
    }

    fn decode(bytes: &[u8], step: usize) -> Result<Vec<Incoming>, Violation> {
        let mut decoder = Decoder::new(1 << 20);
        let mut out = VecDeque::new();
        for chunk in bytes.chunks(step) {
            decoder.push(chunk, &mut out)?;
        }
        Ok(out.into())
    }

    #[test]
    fn messages_are_read_however_the_bytes_are_cut() {
        let long = "ü".repeat(40_000);
        let mut bytes = client(0x81, "hello".as_bytes());
        bytes.extend(client(0x89, b"are you there"));
        bytes.extend(client(0x02, &[1, 2, 3]));
        bytes.extend(client(0x8a, b""));
        bytes.extend(client(0x80, &[4, 5]));
        bytes.extend(client(0x81, long.as_bytes()));
        bytes.extend(client(0x82, b""));
        bytes.extend(client(0x88, b"\x0b\xb9bye"));
        let expected = [
            Incoming::Message(Message::from("hello")),
            Incoming::Ping(b"are you there".to_vec()),
            Incoming::Pong,
            Incoming::Message(Message::from(vec![1, 2, 3, 4, 5])),
            Incoming::Message(Message::from(long)),
            Incoming::Message(Message::from(vec![])),
            Incoming::Close(Some((3001, "bye".to_owned()))),
        ];
        for step in [1, 2, 3, 7, 4096, bytes.len()] {
            assert_eq!(decode(&bytes, step).as_deref(), Ok(&expected[..]), "step {step}");
        }
        assert_eq!(decode(&client(0x88, b""), 1).unwrap(), [Incoming::Close(None)]);
    }

    #[test]
    fn violations_have_the_code_of_the_standard() {
        let mut unmasked = client(0x81, b"x");
        unmasked[1] &= 0x7f;
        let mut nested = client(0x01, b"a");
        nested.extend(client(0x81, b"b"));
        for (bytes, code) in [
            (unmasked, 1002),
            (client(0xc1, b"x"), 1002),
            (client(0x83, b"x"), 1002),
            (client(0x80, b"x"), 1002),
            (nested, 1002),
            (client(0x09, b"x"), 1002),
            (client(0x89, &[0; 126]), 1002),
            (client(0x88, b"x"), 1002),
            (client(0x88, &999_u16.to_be_bytes()), 1002),
            (client(0x88, &1005_u16.to_be_bytes()), 1002),
            (client(0x88, &1016_u16.to_be_bytes()), 1002),
            (client(0x88, &2999_u16.to_be_bytes()), 1002),
            (client(0x88, &5000_u16.to_be_bytes()), 1002),
            (client(0x88, b"\x03\xe8\xff"), 1007),
            (client(0x81, b"\xff\xfe"), 1007),
            (client(0x82, &vec![0; (1 << 20) + 1]), 1009),
        ] {
            assert_eq!(decode(&bytes, 5).unwrap_err().code, code, "{:?}", &bytes[..8]);
        }
    }

    #[test]
    fn close_codes_have_a_meaning() {
        let good: Vec<u16> = (0..=u16::MAX).filter(|code| close_code::may_be_sent(*code)).collect();
        let known = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
        assert_eq!(good, known.into_iter().chain(3000..=4999).collect::<Vec<u16>>());
    }

    #[test]
    fn bad_utf8_is_found_as_it_arrives() {
        // The first bytes of a text that never ends: in a frame, and in a complete fragment.
        let endless = |text: &[u8]| {
            let mut frame = client(0x81, &[text, &[b'x'; 60]].concat());
            frame.truncate(2 + 4 + text.len());
            frame
        };
        for good in [&b"\xce\xba"[..], b"\xce", b"ab\xf0\x9f\xa6", b"\xf4\x8f"] {
            assert_eq!(decode(&endless(good), 1), Ok(vec![]));
            assert_eq!(decode(&client(0x01, good), 1), Ok(vec![]));
        }
        for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0", b"\xf4\x90", b"\xce\xbax\x80", b"\xe2\x82x"] {
            for step in [1, 2, 100] {
                assert_eq!(decode(&endless(bad), step).unwrap_err().code, 1007, "{bad:?}");
                assert_eq!(decode(&client(0x01, bad), step).unwrap_err().code, 1007, "{bad:?}");
            }
        }
        // A character over two fragments, with a ping in between; and a character that is never complete.
        let mut late = client(0x01, b"\xe2\x82");
        late.extend(client(0x89, b""));
        late.extend(client(0x80, b"\xac"));
        let euro = [Incoming::Ping(vec![]), Incoming::Message(Message::from("€"))];
        assert_eq!(decode(&late, 1).as_deref(), Ok(&euro[..]));
        late.extend([client(0x01, b"\xe2\x82"), client(0x80, b"")].concat());
        assert_eq!(decode(&late, 7).unwrap_err().code, 1007);
        assert_eq!(decode(&client(0x82, b"\xff"), 1), Ok(vec![Incoming::Message(Message::from(vec![0xff]))]));
        assert_eq!(decode(&client(0x02, b"\xff"), 1), Ok(vec![]), "bytes are not text");
    }

    #[test]
    fn fragments_together_stay_under_the_limit() {
        let mut bytes = client(0x02, &vec![0; 600_000]);
        bytes.extend(client(0x80, &vec![0; 600_000]));
        assert_eq!(decode(&bytes, 4096).unwrap_err().code, 1009);
    }

    #[test]
    fn frames_are_encoded_with_the_shortest_length() {
        assert_eq!(&message(&Message::from("hi"))[..], b"\x81\x02hi");
        assert_eq!(&message(&Message::from(vec![7; 126]))[..4], b"\x82\x7e\x00\x7e");
        assert_eq!(&message(&Message::from(vec![7; 65_536]))[..10], b"\x82\x7f\0\0\0\0\0\x01\0\0");
        assert_eq!(&close(Some(4001), "no")[..], b"\x88\x04\x0f\xa1no");
        assert_eq!(&close(None, "ignored")[..], b"\x88\x00");
        assert_eq!(&pong(b"x")[..], b"\x8a\x01x");
    }
}
