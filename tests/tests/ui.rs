//! What the macros accept, and what they say about mistakes.
//!
//! A mistake is one file in `ui/fail/<topic>/<rule>.rs`, with the compiler's output beside it. After a
//! change of wording: `TRYBUILD=overwrite cargo test -p agents-tests --test ui`, then read the difference.

#[test]
fn mistakes_are_told_in_our_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*/*.rs");
}

#[test]
fn correct_programs_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
}
