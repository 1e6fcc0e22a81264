//! What the macros accept, and what they say about mistakes.
//!
//! A mistake is one file in `ui/fail/<topic>/<rule>.rs`, with the compiler's output beside it. After a
//! change of wording: `TRYBUILD=overwrite cargo test -p agents-tests --test ui`, then read the difference.

/// One list, so that the crates below are built once for both halves.
#[test]
fn programs_and_mistakes() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*/*.rs");
}
