//! Links and paths in the Markdown files that lead to files of the repository.

use std::path::Path;

use crate::support::{files, read, root};

/// Folders of the repository that begin a path in a text.
const FOLDERS: [&str; 9] = [
    "agents-client/",
    "agents-core/",
    "agents-macros/",
    "benches/",
    "docs/",
    "examples/",
    "fuzz/",
    "scripts/",
    "tests/",
];

/// Returns the lines of a text that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut checked = 0;
    for path in files(&["md"]) {
        let folder = root().join(&path).parent().map(Path::to_owned).expect("a folder");
        let text = read(&path);
        let links = prose(&text).flat_map(|line| line.split("](").skip(1));
        for target in links.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") || target.contains("::") {
                continue;
            }
            assert!(folder.join(file).exists(), "{path} links to {target}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked} links were found");
}

#[test]
fn every_path_in_a_text_leads_to_a_file() {
    let mut checked = 0;
    for path in files(&["md"]) {
        // The changelog names files that were removed.
        if path == "CHANGELOG.md" {
            continue;
        }
        let text = read(&path);
        for span in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_path = FOLDERS.iter().any(|folder| span.starts_with(folder));
            if is_path && !span.contains([' ', '*', '{', '<']) {
                assert!(root().join(span).exists(), "{path} names {span}");
                checked += 1;
            }
        }
    }
    assert!(checked > 400, "{checked} paths were found");
}
