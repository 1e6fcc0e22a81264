//! The crate `ts_rs` as its derive sees it.

#[doc(no_inline)]
pub use ts_rs::*;

/// Makes a comment of the lines of a doc comment, with nothing in it that ends the comment.
///
/// In the place of the function of the same name, which code made by the derive calls. Only here are the lines
/// known: `#[doc = include_str!(..)]` is more than a macro can read. Markdown shows `*\/` as `*/`.
pub fn format_docs(docs: &[&str]) -> String {
    let quiet = docs.iter().map(|line| {
        let line = line.replace("*/", "*\\/");
        // Directly behind the star in front of a line a slash would end the comment, too.
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
