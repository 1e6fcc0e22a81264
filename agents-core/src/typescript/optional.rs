//! Keys that may be missing.

/// Adds `undefined` to the type of keys that may be missing, because JSON omits such keys.
///
/// Without `exactOptionalPropertyTypes` TypeScript allows `undefined` anyway; with that option the type must
/// have it.
pub(super) fn or_undefined(declaration: &str) -> String {
    let mut out = String::with_capacity(declaration.len());
    // The depths at which the type of such a key has begun.
    let mut begun: Vec<usize> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = declaration;
    while let Some(next) = rest.chars().next() {
        let skipped = match next {
            '"' => string(rest),
            '/' if rest.starts_with("/**") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => 0,
        };
        if skipped > 0 {
            let (part, after) = rest.split_at(skipped);
            out.push_str(part);
            rest = after;
            continue;
        }
        if matches!(next, ',' | '}') && begun.last() == Some(&depth) {
            begun.pop();
            out.insert_str(out.trim_end().len(), " | undefined");
        }
        match next {
            '{' | '[' | '(' | '<' => depth += 1,
            '}' | ']' | ')' | '>' => depth = depth.saturating_sub(1),
            // After a bracket the `?` belongs to the keys of a map, not to a single key.
            '?' if rest.starts_with("?: ") && !out.ends_with(']') => begun.push(depth),
            _ => {}
        }
        out.push(next);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    out
}

/// Returns the length of the string literal that a text begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return index + 1,
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_may_be_missing_may_be_undefined() {
        for (text, expected) in [
            (
                "type A = { a?: number | null, b: string, };",
                "type A = { a?: number | null | undefined, b: string, };",
            ),
            (
                "type A = { a?: Array<{ b?: X<Y, Z> }> };",
                "type A = { a?: Array<{ b?: X<Y, Z> | undefined }> | undefined };",
            ),
            (
                "type A = { \"a?: x\": { [key in \"b\" | \"c\"]?: number }, };",
                "type A = { \"a?: x\": { [key in \"b\" | \"c\"]?: number }, };",
            ),
            (
                "type A = {\n/** a?: b, \" */\na?: [A, B], };",
                "type A = {\n/** a?: b, \" */\na?: [A, B] | undefined, };",
            ),
            (
                "type A = \"\\\"\" | { a?: \"}\" | null, };",
                "type A = \"\\\"\" | { a?: \"}\" | null | undefined, };",
            ),
            ("type A = number;", "type A = number;"),
        ] {
            assert_eq!(or_undefined(text), expected);
        }
    }
}
