//! The codes of `docs/reference/errors.md` against the code.

use std::collections::BTreeSet;

use crate::support::{files, read};

const PAGE: &str = "docs/reference/errors.md";
/// The constructors of errors, in front of their code.
const CONSTRUCTORS: [&str; 3] = [" Error::new(", " Error::hidden(", " crate::Error::hidden("];
/// Codes that are not written where the error is made.
const ELSEWHERE: [&str; 5] = ["internal", "readonly", "start_timeout", "not_started", "stopping"];
/// The beginnings of expressions that stand for such a code, or repeat that of another error.
const EXPRESSIONS: [&str; 7] = [
    "START_TIMEOUT",
    "SqlErrorKind::of_io",
    "code",
    "error.code(",
    "frame::READONLY_CODE",
    "if error.is_panic(",
    "self.code(",
];

/// Returns the source of the runtime: the path of each file, and its text without tests and comments. Blanks are
/// single.
fn sources() -> impl Iterator<Item = (String, String)> {
    let is_ours = |path: &String| {
        let in_crate = ["agents-core/src/", "agents-protocol/src/"].iter().any(|part| path.starts_with(part));
        in_crate && !path.contains("/tests/") && !path.ends_with("tests.rs")
    };
    files(&["rs"]).into_iter().filter(is_ours).map(|path| {
        let text = read(&path);
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let words = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
        // Every constructor then has a blank in front.
        let words = words.replace('(', "( ").replace('|', "| ");
        (path, words)
    })
}

/// Returns the code that a text begins with.
fn quoted(text: &str) -> Option<&str> {
    let code = text.trim_start().strip_prefix('"')?.split('"').next()?;
    (!code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(code)
}

#[test]
fn the_page_has_each_code_of_the_runtime_and_no_other() {
    let mut codes: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
    let mut all = String::new();
    for (path, text) in sources() {
        for constructor in CONSTRUCTORS {
            for given in text.split(constructor).skip(1) {
                let given = given.trim_start();
                match quoted(given) {
                    Some(code) => drop(codes.insert(code.to_owned())),
                    None => {
                        assert!(EXPRESSIONS.iter().any(|it| given.starts_with(it)), "{path}: {given:.60}")
                    }
                }
            }
        }
        if path.ends_with("agents-protocol/src/error.rs") {
            let made = ["Self::new(", "Self::hidden("].map(|constructor| text.split(constructor).skip(1));
            codes.extend(made.into_iter().flatten().filter_map(quoted).map(str::to_owned));
        }
        if path.ends_with("storage/error.rs") {
            codes.extend(text.split("=> ").skip(1).filter_map(quoted).map(str::to_owned));
        }
        all += &text;
    }
    for code in ELSEWHERE {
        assert!(all.contains(&format!("\"{code}\"")), "`{code}` is in no source");
    }
    let page = read(PAGE);
    let rows: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let listed: BTreeSet<String> = rows.iter().map(|&code| code.to_owned()).collect();
    assert_eq!(rows.len(), listed.len(), "a code has two rows");
    assert_eq!(codes.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "missing in {PAGE}");
    assert_eq!(listed.difference(&codes).collect::<Vec<_>>(), Vec::<&String>::new(), "only in {PAGE}");
}

#[test]
fn the_runtime_makes_no_error_without_a_code_of_its_own() {
    for (path, text) in sources().filter(|(path, _)| path != "agents-protocol/src/error.rs") {
        for constructor in ["Error::internal", "\"internal\", source"] {
            assert!(!text.contains(constructor), "{path} has {constructor}");
        }
    }
}
