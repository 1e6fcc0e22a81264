//! The fuzz targets: functions that take any bytes and panic when something that must hold does not.
//!
//! The tests of this crate replay `corpus/` and bounded mutations of it; `scripts/fuzz.sh` runs the same
//! functions under libFuzzer for as long as one likes.

mod mutate;
mod socket;
mod statement;

// The parser of `sql!` lives in a crate for macros, which exports nothing else: it is compiled in here once more.
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
