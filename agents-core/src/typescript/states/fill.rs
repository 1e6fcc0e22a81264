//! The texts and numbers of an example, chosen so that the type of the state reads it.

use serde_json::{Value, json};

use super::example::{Example, Leaf};

/// The reason why a stored state cannot be read.
#[derive(Debug)]
pub(in crate::typescript) struct Unreadable {
    /// The part of the state, as in `posts[0]`; empty for the whole state.
    pub(super) part: String,
    pub(super) reason: String,
    /// The number of bytes from the mistake to the end.
    pub(super) left: usize,
}

/// A function that reads a state.
pub(in crate::typescript) type Read = fn(&str) -> Result<(), Unreadable>;

/// Numbers, those first that fewer types read.
fn numbers() -> Vec<Value> {
    let mut numbers = vec![json!(0.5)];
    numbers.extend(
        [
            -9_007_199_254_740_991_i64,
            i32::MIN.into(),
            i16::MIN.into(),
            i8::MIN.into(),
            9_007_199_254_740_991,
            u32::MAX.into(),
            u16::MAX.into(),
            u8::MAX.into(),
            1,
            0,
        ]
        .map(Value::from),
    );
    numbers
}

/// Texts: any, then of the types whose JSON is a text of a certain form.
const TEXTS: [&str; 23] = [
    "text",
    "a",
    "-9223372036854775808",
    "18446744073709551615",
    "-1",
    "1",
    "0",
    "1.5",
    "2000-01-02T03:04:05Z",
    "2000-01-02T03:04:05+00:00[UTC]",
    "2000-01-02T03:04:05",
    "2000-01-02",
    "03:04:05",
    "PT1S",
    "00000000-0000-4000-8000-000000000000",
    "https://example.com/",
    "user@example.com",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "en",
    "#000000",
    "",
];

/// Chooses the open parts of an example; `None` if no choice is found that the type reads.
///
/// A part is changed when the mistake then comes later. So forms that `serde` reads as a whole, such as a
/// variant behind a tag, may have one part at most that only few texts fit.
pub(super) fn fill(example: &Example, read: Read) -> Option<Value> {
    let leaves = example.leaves();
    let texts: Vec<_> = TEXTS.into_iter().map(Value::from).collect();
    let numbers = numbers();
    let candidates = |leaf: Leaf| match leaf {
        Leaf::Text => &texts,
        Leaf::Number => &numbers,
    };
    // The number of bytes that are not read; 0 for a state that is read.
    let left = |choices: &[Value]| {
        let json = value(example, choices).to_string();
        read(&json).map_or_else(|unreadable| unreadable.left + 1, |()| 0)
    };
    let all = |text: &Value| -> Vec<Value> {
        leaves.iter().map(|leaf| if *leaf == Leaf::Text { text.clone() } else { json!(1) }).collect()
    };
    let mut choices = texts.iter().map(all).min_by_key(|choices| left(choices))?;
    let mut best = left(&choices);
    while best > 0 {
        let before = best;
        for (at, leaf) in leaves.iter().enumerate() {
            for candidate in candidates(*leaf) {
                let old = std::mem::replace(&mut choices[at], candidate.clone());
                let now = left(&choices);
                if now < best {
                    best = now;
                } else {
                    choices[at] = old;
                }
            }
        }
        if best == before {
            return None;
        }
    }
    for (at, leaf) in leaves.iter().enumerate() {
        for candidate in candidates(*leaf) {
            let old = std::mem::replace(&mut choices[at], candidate.clone());
            if left(&choices) == 0 {
                break;
            }
            choices[at] = old;
        }
    }
    Some(value(example, &choices))
}

fn value(example: &Example, choices: &[Value]) -> Value {
    let mut choices = choices.iter();
    example.value(&mut |_| choices.next().cloned().unwrap_or_default())
}
