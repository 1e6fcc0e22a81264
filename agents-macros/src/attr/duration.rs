//! Durations such as `"10s"`.

use syn::{Error, LitStr, Result};

/// Reads a number with a unit; returns milliseconds.
pub(crate) fn milliseconds(literal: &LitStr) -> Result<u64> {
    let text = literal.value();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    if digits == 0 || factor == 0 {
        return Err(Error::new(
            literal.span(),
            format!(
                "`{text}` is not a duration: write a whole number and `ms`, `s`, `m` or `h`, as in \"10s\""
            ),
        ));
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| Error::new(literal.span(), format!("`{text}` is too long")))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn read(text: &str) -> Option<u64> {
        milliseconds(&LitStr::new(text, Span::call_site())).ok()
    }

    #[test]
    fn units() {
        assert_eq!(read("250ms"), Some(250));
        assert_eq!(read("10s"), Some(10_000));
        assert_eq!(read("2m"), Some(120_000));
        assert_eq!(read("1h"), Some(3_600_000));
    }

    #[test]
    fn what_is_not_a_duration() {
        for text in
            ["", "10", "s", "1.5s", "-1s", "10 s", "10d", "99999999999999999999s", "18446744073709551615h"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
