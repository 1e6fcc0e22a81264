//! Parts of source text.

use sha2::{Digest, Sha256};

/// Returns a doc comment at an indentation; an empty text if `text` is empty.
pub(super) fn comment(text: &str, indentation: &str) -> String {
    let text = text.trim_end();
    if text.trim().is_empty() {
        return String::new();
    }
    let text = text.replace("*/", "*\\/");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if let [line] = lines[..] {
        return format!("{indentation}/** {} */\n", line.trim_start());
    }
    let mut comment = format!("{indentation}/**\n");
    for line in lines {
        comment.push_str(indentation);
        comment.push_str(" *");
        if !line.is_empty() {
            comment.push(' ');
            comment.push_str(line);
        }
        comment.push('\n');
    }
    comment.push_str(indentation);
    comment.push_str(" */\n");
    comment
}

/// Returns a string literal.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a hash of a module's text, which comments and white space do not change.
pub(super) fn hash(module: &str) -> String {
    let mut rest = module;
    let mut bare = String::with_capacity(module.len());
    while let Some((before, after)) = rest.split_once("/**") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let words: Vec<&str> = bare.split_whitespace().collect();
    let digest = Sha256::digest(words.join(" ").as_bytes());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_end_where_they_should() {
        assert_eq!(comment("One. ", "  "), "  /** One. */\n");
        assert_eq!(comment("One.\n\n  Two */ three.\n", ""), "/**\n * One.\n *\n *   Two *\\/ three.\n */\n");
        assert_eq!(comment(" \n", ""), "");
    }

    #[test]
    fn a_hash_hears_of_types_alone() {
        let plain = hash("type A = { b: string, };");
        assert_eq!(plain, hash("/** Words. */\ntype A = {\n  /**\n * More. */ b: string, };\n"));
        assert_ne!(plain, hash("type A = { b: number, };"));
        assert_eq!(plain.len(), 16);
    }
}
