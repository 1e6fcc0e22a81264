//! What the macros say about mistakes.
//!
//! A mistake is one file in `fail/<topic>/<rule>.rs`, with the compiler's output beside it. After a
//! change of wording: `TRYBUILD=overwrite cargo test -p agents-ui-tests --test ui`, then read the difference.

/// One list, so that the crates below are checked once.
#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}
