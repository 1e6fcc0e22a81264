//! The fuzz targets: functions that take any bytes and panic when an invariant does not hold.
//!
//! The tests of this crate replay `corpus/` and a bounded number of mutations. `scripts/fuzz.sh` runs the
//! same functions under libFuzzer for any length of time.

mod mutate;
mod socket;
mod statement;

// The parser of `sql!` is in a macro crate, which can export only macros, so it is compiled here again.
#[allow(dead_code, unreachable_pub, missing_docs)]
#[path = "../../agents-macros/src/errors.rs"]
mod errors;
#[allow(dead_code, unreachable_pub, missing_docs)]
#[path = "../../agents-macros/src/sql/mod.rs"]
mod sql;

pub use agents_core::fuzzing::{arguments, attachment, close_frames, frames, json_frames, routes};
pub use mutate::Mutator;
pub use socket::socket;
pub use statement::statement;

/// A target and its name, which is also the name of its folder in the corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 8] = [
    ("arguments", arguments),
    ("attachment", attachment),
    ("close_frames", close_frames),
    ("frames", frames),
    ("json_frames", json_frames),
    ("routes", routes),
    ("socket", socket),
    ("statement", statement),
];
