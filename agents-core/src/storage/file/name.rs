//! Encodes the name of an object as a file name and decodes it.
//!
//! Clients choose the names in addresses, so one name must never lead to the file of another name. The
//! encoding protects against `..` and `/`, against file systems that ignore case (capitals are escaped), and
//! against names that Windows reserves for devices. Lower-case letters, digits, `-`, `_` and inner dots stay
//! readable. Every other byte becomes `%` and two lower-case hex digits. A name that would be too long is cut
//! and gets the SHA-256 of the whole name behind a `~`, a character that no shorter form contains.

use sha2::{Digest, Sha256};

/// The length of the longest encoded form. It leaves space for suffixes below the usual limit of 255 bytes.
const LIMIT: usize = 180;
/// The length of the readable part of a long name in front of its hash.
const PREFIX: usize = 96;
const HASH: char = '~';
const ESCAPE: u8 = b'%';

/// Encodes a name as one component of a path.
pub(crate) fn encode(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let bytes = name.as_bytes();
    let reserved = is_device(name);
    let mut out = String::with_capacity(name.len() + 8);
    for (at, byte) in bytes.iter().enumerate() {
        let plain = match byte {
            b'a'..=b'z' => !(reserved && at == 0),
            b'0'..=b'9' | b'-' | b'_' => true,
            // A dot is allowed only inside a name: `.` and `..` are folders, and Windows drops dots at the
            // end.
            b'.' => at != 0 && at + 1 != bytes.len(),
            _ => false,
        };
        if plain {
            out.push(char::from(*byte));
        } else {
            push_escaped(&mut out, *byte);
        }
    }
    if out.len() <= LIMIT {
        return out;
    }
    let mut end = PREFIX;
    // The name is not cut in the middle of an escape.
    while out.as_bytes()[end - 2..end].contains(&ESCAPE) {
        end -= 1;
    }
    out.truncate(end);
    out.push(HASH);
    for byte in Sha256::digest(bytes) {
        push_hex(&mut out, byte);
    }
    out
}

/// The result of decoding a file name.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::storage) enum Decoded {
    /// The name.
    Name(String),
    /// The name is too long for a file name. The file contains it.
    Hashed,
    /// The file is not one of ours, because no name is encoded to this form.
    Foreign,
}

/// Decodes a component that [`encode`] made.
pub(in crate::storage) fn decode(encoded: &str) -> Decoded {
    if encoded.contains(HASH) {
        return Decoded::Hashed;
    }
    let name = if encoded == "%" {
        String::new()
    } else {
        match unescape(encoded.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(name) => name,
            None => return Decoded::Foreign,
        }
    };
    // Only a name that is encoded to the same form is ours. Files such as `A.sqlite` or `%61.sqlite` were
    // made by hand.
    if encode(&name) == encoded { Decoded::Name(name) } else { Decoded::Foreign }
}

/// Returns the name of a component that contains all of it.
#[cfg(feature = "fuzzing")]
pub(crate) fn decode_name(encoded: &str) -> Option<String> {
    match decode(encoded) {
        Decoded::Name(name) => Some(name),
        Decoded::Hashed | Decoded::Foreign => None,
    }
}

fn unescape(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        if *byte == ESCAPE {
            let high = char::from(*rest.next()?).to_digit(16)?;
            let low = char::from(*rest.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(*byte);
        }
    }
    Some(out)
}

fn push_escaped(out: &mut String, byte: u8) {
    out.push('%');
    push_hex(out, byte);
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Returns whether Windows treats the name as a device. Windows reads only the part before the first dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    match stem.as_bytes() {
        b"con" | b"prn" | b"aux" | b"nul" => true,
        [b'c', b'o', b'm', digit] | [b'l', b'p', b't', digit] => digit.is_ascii_digit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn simple_names_stay_readable() {
        for name in ["lobby", "chat-room", "room_7", "v1.2", "3e5"] {
            assert_eq!(encode(name), name);
        }
        assert_eq!(encode("Room 1"), "%52oom%201");
        assert_eq!(encode("größe"), "gr%c3%b6%c3%9fe");
    }

    #[test]
    fn dangerous_names_are_disarmed() {
        for (name, encoded) in [
            ("", "%"),
            (".", "%2e"),
            ("..", "%2e%2e"),
            ("../x", "%2e.%2fx"),
            ("a/b", "a%2fb"),
            ("a\\b", "a%5cb"),
            ("a\0b", "a%00b"),
            ("a.", "a%2e"),
            ("con", "%63on"),
            ("nul.txt", "%6eul.txt"),
            ("com1", "%63om1"),
            ("console", "console"),
            ("~", "%7e"),
            ("%", "%25"),
            ("a:b", "a%3ab"),
        ] {
            assert_eq!(encode(name), encoded);
            assert_eq!(decode(encoded), Decoded::Name(name.to_owned()));
        }
    }

    #[test]
    fn long_names_carry_their_hash() {
        let long = "x".repeat(LIMIT);
        assert_eq!(encode(&long), long);
        let longer = "x".repeat(LIMIT + 1);
        let other = format!("{}y", "x".repeat(LIMIT));
        assert_eq!(encode(&longer).len(), PREFIX + 1 + 64);
        assert_ne!(encode(&longer), encode(&other));
        assert_eq!(decode(&encode(&longer)), Decoded::Hashed);
        // All cut positions occur, including those inside an escape.
        for shift in 0..3 {
            let name = format!("{}{}", "a".repeat(shift), "É".repeat(200));
            let encoded = encode(&name);
            let prefix = encoded.split('~').next().unwrap();
            assert!(unescape(prefix.as_bytes()).is_some(), "{encoded}");
            assert!(encoded.len() <= LIMIT);
        }
    }

    #[test]
    fn foreign_files_are_told_apart() {
        for encoded in ["A", "%61", "%C3%96", "a%", "a%2", "con", ".x", "%ff"] {
            assert_eq!(decode(encoded), Decoded::Foreign, "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC{0,40}|[a-cA-C./%~\\\\ 0-9]{0,40}") {
            let encoded = encode(&name);
            if encoded.len() <= LIMIT && !encoded.contains('~') {
                prop_assert_eq!(decode(&encoded), Decoded::Name(name.clone()));
            }
            prop_assert!(encoded.len() <= LIMIT);
            prop_assert!(!encoded.is_empty() && encoded != "." && encoded != "..");
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\:*?\"<>|".contains(&byte)));
            prop_assert!(!encoded.bytes().any(|byte| byte.is_ascii_uppercase()));
        }

        #[test]
        fn no_two_names_share_a_file_even_if_case_is_ignored(
            names in proptest::collection::vec(
                "[aAbB.%~/\\\\\\x00cConN1é ]{0,6}|[aA]{175,190}|[eE]\u{301}?|[éÉ\u{212a}kKſsS]{1,2}|(con|CON|nul|lpt1)[. ]{0,2}",
                2..60,
            )
        ) {
            let mut seen: HashMap<String, &String> = HashMap::new();
            for name in &names {
                if let Some(other) = seen.insert(encode(name).to_lowercase(), name) {
                    prop_assert_eq!(other, name);
                }
            }
        }
    }
}
