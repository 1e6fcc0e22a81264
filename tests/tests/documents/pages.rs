//! The form of the pages that people read: `docs/style.md`, as far as a program can see it.

use std::fs;

use crate::support::{files, read, root};

const LONGEST_CELL: usize = 120;
const LONGEST_FIRST_PAGE: usize = 150;
const LARGEST_PICTURE: u64 = 150_000;
const PERSONS: [&str; 5] = ["nobody", "whoever", "somebody", "everybody", "anybody"];

/// Returns the pages: the READMEs, the architecture and all of `docs`.
fn pages() -> Vec<String> {
    let mut pages = files(&["md"]);
    pages
        .retain(|path| path.starts_with("docs/") || path == "ARCHITECTURE.md" || path.ends_with("README.md"));
    assert!(pages.len() > 20, "{} pages", pages.len());
    pages
}

/// Returns the lines of a page that are not code, with their numbers.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    page.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

/// Returns whether a sentence ends within the line and another one begins.
fn has_two_sentences(line: &str) -> bool {
    // The number of a list item is not a sentence.
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(". ");
    line.match_indices(". ").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + 2..].chars().next();
        before.is_some_and(|c| c.is_lowercase() || c == '`' || c == ')')
            && after.is_some_and(|c| c.is_uppercase() || c == '`')
    })
}

/// Returns the cells of a row; `\\|` does not end one.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace("\\|", "\u{0}");
    row.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

#[test]
fn a_sentence_stands_on_one_line_and_a_cell_is_short() {
    for path in pages() {
        let page = read(&path);
        // The row of a layer names all layers that it uses, so it may be long.
        let layers = page.find("| layer | uses |").map(|at| page[..at].lines().count());
        for (number, line) in prose(&page) {
            if line.starts_with('|') {
                let is_layer = layers.is_some_and(|first| (first..first + 14).contains(&number));
                for cell in cells(line) {
                    let is_short = cell.chars().count() <= LONGEST_CELL;
                    assert!(is_layer || is_short, "{path}:{number} has a long cell: {cell}");
                }
            } else {
                assert!(!has_two_sentences(line), "{path}:{number} has two sentences: {line}");
            }
        }
    }
}

#[test]
fn machines_are_no_persons() {
    for path in pages() {
        // This page contains the rule and its examples.
        if path == "docs/style.md" {
            continue;
        }
        let page = read(&path);
        for (number, line) in prose(&page) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase);
            assert!(!words.any(|word| PERSONS.contains(&word.as_str())), "{path}:{number}: {line}");
        }
    }
}

#[test]
fn the_first_page_is_short_and_its_picture_small() {
    let page = read("README.md");
    assert!(page.lines().count() <= LONGEST_FIRST_PAGE, "{} lines", page.lines().count());
    let (_, picture) = page.split_once("](docs/images/").expect("a picture");
    let (name, _) = picture.split_once(')').expect("the end of a link");
    let size = fs::metadata(root().join("docs/images").join(name)).expect("a file").len();
    assert!(size <= LARGEST_PICTURE, "{size} bytes");
}

#[test]
fn two_sentences_are_found() {
    for line in ["One ends. Another begins.", "- `a`. `b` follows.", "2. Ends (here). The next."] {
        assert!(has_two_sentences(line), "{line}");
    }
    for line in ["1. The only one.", "Calls `a.b` of 0.5 s or version 1.2 and e.g. so.", "One, and the end."]
    {
        assert!(!has_two_sentences(line), "{line}");
    }
}
