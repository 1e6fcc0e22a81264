//! The rows of `docs/compatibility.md`, and the tests that name them.

use std::collections::BTreeSet;

use crate::support::{NamedTest, files, read};

const PAGE: &str = "docs/compatibility.md";
const ROWS: u32 = 206;
const LONGEST_CELL: usize = 120;

/// One row of the page.
struct Row {
    number: u32,
    holds: String,
    tests: Vec<NamedTest>,
}

fn rows() -> Vec<Row> {
    let page = read(PAGE);
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| <a ")).map(row).collect();
    assert!(!rows.is_empty(), "the page has rows");
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<_> =
        line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")).expect(line).split(" | ").collect();
    let [row, theirs, ours, holds, first, second] = cells[..] else { panic!("six cells: {line}") };
    for cell in &cells {
        assert!(cell.chars().count() <= LONGEST_CELL, "a cell is too long: {cell}");
    }
    assert!(!theirs.trim().is_empty() && !ours.trim().is_empty(), "both sides are described: {line}");
    let (anchor, label) = row.split_once("</a>").expect("an anchor");
    assert_eq!(anchor, format!("<a id=\"{label}\">"), "{line}");
    let number = label.strip_prefix('S').expect("a number").parse().expect("a number");
    Row {
        number,
        holds: holds.to_owned(),
        tests: [first, second].into_iter().filter_map(NamedTest::in_cell).collect(),
    }
}

/// Returns the numbers of rows in a text: `S12`, `S12-S14`, and `fn s12_s13_..`.
fn references(text: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut before = ("", 0);
    for word in words(text) {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let between = &text[before.1..start];
        if let Some(number) = word.strip_prefix('S').and_then(row_number) {
            let first = match before.0.strip_prefix('S').and_then(row_number) {
                Some(first) if between == "-" => first,
                _ => number,
            };
            found.extend(first..=number);
        } else if before.0 == "fn" {
            found.extend(word.split('_').map_while(|part| row_number(part.strip_prefix('s')?)));
        }
        before = (word, start + word.len());
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn row_number(digits: &str) -> Option<u32> {
    let is_number = matches!(digits.len(), 1..=3) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[test]
fn every_row_is_there_once_and_says_whether_it_holds() {
    let numbers: Vec<_> = rows().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>());
    for row in rows() {
        let answer = row.holds.split([':', ';', ',']).next().unwrap_or_default();
        assert!(["yes", "no", "differently"].contains(&answer), "S{}: {}", row.number, row.holds);
        assert_eq!(row.tests.is_empty(), answer == "no", "S{} has a test if it holds", row.number);
    }
}

#[test]
fn every_named_test_exists_and_its_file_names_the_row() {
    for Row { number, tests, .. } in rows() {
        for test in tests {
            assert!(references(&test.source()).contains(&number), "{} does not name S{number}", test.path);
        }
    }
}

#[test]
fn every_number_of_a_row_leads_to_one() {
    let mut seen = BTreeSet::new();
    for path in files(&["rs", "ts", "tsx", "js", "jsx", "md"]) {
        if path == PAGE || path.ends_with("documents/compatibility.rs") {
            continue;
        }
        let named = references(&read(&path));
        for number in &named {
            assert!((1..=ROWS).contains(number), "{path} names S{number}");
        }
        seen.extend(named);
    }
    assert!(seen.len() > 180, "tests name their rows: {} are named", seen.len());
}

#[test]
fn numbers_are_found_in_comments_names_and_titles() {
    let found = |text: &str| references(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("// S1, S20-S22"), [1, 20, 21, 22]);
    assert_eq!(found("async fn s7_s8_a_name_s9() {}"), [7, 8]);
    assert_eq!(found("test(\"S112 S138 a title\")"), [112, 138]);
    assert_eq!(found("fn say() { let s1_x = S; SHA256; S1234; xS1 }"), [0; 0]);
}
