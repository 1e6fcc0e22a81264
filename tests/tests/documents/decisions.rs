//! The pages of `docs/decisions` and their index.

use crate::support::{files, read};

const FOLDER: &str = "docs/decisions/";
const INDEX: &str = "docs/decisions/README.md";
const SECTIONS: [&str; 4] = ["## Decision", "## Why", "## Alternatives", "## Cost"];
/// The title of an optional last section.
const PROOF: &str = "## Proof";

#[test]
fn the_index_has_every_page_once_in_the_order_of_dates() {
    let mut listed = Vec::new();
    for section in read(INDEX).split("\n## ").skip(1) {
        let mut last = String::new();
        for line in section.lines().filter(|line| line.starts_with("| 2")) {
            let (date, link) = line[2..].split_once(" | [").expect(line);
            let (title, path) = link.strip_suffix(") |").expect(line).split_once("](").expect(line);
            assert!(last.as_str() <= date, "in the order of dates: {line}");
            last = date.to_owned();
            let page = read(&format!("{FOLDER}{path}"));
            assert!(page.starts_with(&format!("# {title}\n\n{date}\n")), "the title and date of {path}");
            listed.push(format!("{FOLDER}{path}"));
        }
    }
    listed.sort();
    let mut pages = files(&["md"]);
    pages.retain(|path| path.starts_with(FOLDER) && path != INDEX);
    assert_eq!(listed, pages);
}

#[test]
fn every_decision_has_its_reasons_alternatives_and_cost() {
    for path in files(&["md"]) {
        if path.starts_with(FOLDER) && path != INDEX {
            let page = read(&path);
            let mut sections: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
            sections.pop_if(|last| *last == PROOF);
            assert_eq!(sections, SECTIONS, "{path}");
            for section in page.split("\n## ").skip(1) {
                assert!(section.lines().skip(1).any(|line| !line.is_empty()), "{path}: {section} is empty");
            }
        }
    }
}
