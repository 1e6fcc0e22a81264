//! Links of the Markdown files to files of the repository.

use std::path::Path;

use crate::support::{files, read, root};

/// Returns the targets of the links in a text, without code.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to));
        }
    }
    found
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut checked = 0;
    for path in files(&["md"]) {
        let folder = root().join(&path).parent().map(Path::to_owned).expect("a folder");
        for target in targets(&read(&path)) {
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
