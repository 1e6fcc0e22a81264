//! The error messages of the macros.
//!
//! A mistake is one file in `fail/<topic>/<rule>.rs`, with the compiler's output beside it. After a change of
//! wording, run `TRYBUILD=overwrite cargo test -p agents-ui-tests --test ui` and read the difference.

/// Checks all files in one list, so that the crates below are compiled once.
#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}
