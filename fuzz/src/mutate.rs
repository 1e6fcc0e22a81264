//! Makes new inputs from known ones.

use fastrand::Rng;

/// Parts of the formats under test.
const WORDS: [&str; 40] = [
    "{\"type\":\"rpc\"",
    "\"id\":\"1\"",
    "\"method\":\"echo\"",
    "\"args\":[",
    "cf_agent_state",
    "\"state\":",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-0",
    "[[[[",
    "{{",
    "}}",
    "{a}",
    "''",
    "\"\"",
    "--",
    "/*",
    "*/",
    "?1",
    ";",
    "BEGIN",
    "END",
    "/agents/",
    "..",
    "%2e",
    "%00",
    "%",
    "con",
    "\u{0}",
    "\u{fffd}",
    "\u{10ffff}",
    "\n",
    "?",
    "&_pk=",
    "\u{81}\u{80}",
    "null",
    "true",
    "9007199254740993",
    "RETURNING",
];

/// A source of mutated inputs. The same seed gives the same inputs.
#[derive(Debug)]
pub struct Mutator(Rng);

impl Mutator {
    /// Returns a mutator that starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// Returns an input of the corpus with up to eight changes.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let rng = &mut self.0;
        let mut input =
            if corpus.is_empty() { Vec::new() } else { corpus[rng.usize(..corpus.len())].clone() };
        for _ in 0..rng.usize(1..=8) {
            let at = rng.usize(..=input.len());
            match rng.u8(..6) {
                0 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
                1 if at < input.len() => {
                    input.remove(at);
                }
                2 => input.insert(at, rng.u8(..)),
                3 => {
                    let word = WORDS[rng.usize(..WORDS.len())];
                    input.splice(at..at, word.bytes());
                }
                4 if !corpus.is_empty() => {
                    let other = &corpus[rng.usize(..corpus.len())];
                    let from = rng.usize(..=other.len());
                    input.splice(at.., other[from..].iter().copied());
                }
                _ => input.truncate(at),
            }
        }
        input.truncate(64 * 1024);
        input
    }
}
