//! The crate `ts_rs` in the form that its derive uses.

#[doc(no_inline)]
pub use ts_rs::*;

/// Returns a TypeScript comment made of the lines of a doc comment. No line can end the comment.
///
/// Replaces the function of the same name that the code of the derive calls. The lines are known only at run
/// time, because a macro cannot evaluate `#[doc = include_str!(..)]`. Markdown shows `*\/` as `*/`.
pub fn format_docs(docs: &[&str]) -> String {
    let quiet = docs.iter().map(|line| {
        let line = line.replace("*/", "*\\/");
        // A slash directly behind the star at the start of a line would also end the comment.
        if line.starts_with('/') { format!(" {line}") } else { line }
    });
    let quiet: Vec<String> = quiet.collect();
    ts_rs::format_docs(&quiet.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_ends_the_comment() {
        assert_eq!(format_docs(&[" One.", "/ two */", ""]), "/**\n * One.\n * / two *\\/\n *\n */\n");
        assert_eq!(format_docs(&["/ one\n */ two"]), "/** / one\n *\\/ two*/\n");
        assert_eq!(format_docs(&[]), "");
    }
}
