//! Replaces halves of surrogate pairs: JavaScript writes them in strings, and Rust strings cannot hold them.

/// Returns the JSON text with U+FFFD in place of each lone surrogate, or `None` if the text has none.
///
/// Browsers do the same when they convert such a string to UTF-8.
#[doc(hidden)]
pub fn replaced(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = bytes.get(at..)?.iter().position(|byte| *byte == b'\\') {
        let start = at + found;
        at = match unit(bytes, start) {
            None => start + 2,
            Some(0xD800..=0xDBFF) if matches!(unit(bytes, start + 6), Some(0xDC00..=0xDFFF)) => start + 12,
            Some(0xD800..=0xDFFF) => {
                let out = out.get_or_insert_with(|| bytes.to_vec());
                out.get_mut(start..start + 6)?.copy_from_slice(b"\\ufffd");
                start + 6
            }
            Some(_) => start + 6,
        };
        if at >= bytes.len() {
            break;
        }
    }
    out.and_then(|out| String::from_utf8(out).ok())
}

/// Returns the number of the escape `\uXXXX` at a position, or `None` if there is no such escape.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | digit as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_halves_are_replaced() {
        for (json, expected) in [
            (r#""\ud800""#, Some(r#""\ufffd""#)),
            (r#""\uDFFFx""#, Some(r#""\ufffdx""#)),
            (r#"["\ud83d\ude00\ud83d"]"#, Some(r#"["\ud83d\ude00\ufffd"]"#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#"{"\udead":"\\\udead"}"#, Some(r#"{"\ufffd":"\\\ufffd"}"#)),
            (r#""\\ud800""#, None),
            (r#""\ud83d\ude00""#, None),
            (r#""\u00e9\n""#, None),
            (r#""\ud8""#, None),
            ("\\", None),
            ("", None),
        ] {
            assert_eq!(replaced(json).as_deref(), expected, "{json}");
        }
    }
}
