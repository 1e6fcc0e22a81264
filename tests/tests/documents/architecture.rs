//! The map and the invariants of `ARCHITECTURE.md`.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{files, read, root};

const PAGE: &str = "ARCHITECTURE.md";
const SOURCES: [&str; 2] = ["agents-protocol/src/", "agents-core/src/"];

/// Returns the rows of the table behind each heading that names a folder of the sources, as paths from the root.
fn mapped(page: &str) -> Vec<String> {
    let mut folder = None;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with('#') {
            folder = line.strip_prefix("### `").and_then(|line| line.strip_suffix('`'));
            folder = folder.filter(|folder| SOURCES.iter().any(|sources| folder.starts_with(sources)));
            found.extend(folder.filter(|folder| !SOURCES.contains(folder)).map(str::to_owned));
        } else if let Some(folder) = folder
            && let Some((name, content)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | "))
        {
            assert!(content.len() > " |".len(), "{line}");
            let ending = if name.ends_with('/') { "" } else { ".rs" };
            found.push(format!("{folder}{name}{ending}"));
        }
    }
    found
}

/// Adds the folders below a folder, and their Rust files except `mod.rs`. A folder `tests` represents all its files.
fn existing(folder: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a type").is_dir() {
            let folder = format!("{path}/");
            if !folder.ends_with("/tests/") {
                existing(&folder, found);
            }
            found.insert(folder);
        } else if path.ends_with(".rs") && !path.ends_with("/mod.rs") {
            found.insert(path);
        }
    }
}

/// Returns the names of all tests in Rust.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files(&["rs"]) {
        let mut is_test = false;
        for line in read(&path).lines().map(str::trim_start) {
            if let Some((_, function)) = line.split_once("fn ")
                && is_test
            {
                found.extend(function.split_once('(').map(|(name, _)| name.to_owned()));
            }
            let is_attribute = line.starts_with("#[");
            is_test = is_attribute && (is_test || line.contains("test"));
        }
    }
    found
}

#[test]
fn every_folder_and_file_of_the_core_and_the_protocol_is_in_the_map_once() {
    let mapped = mapped(&read(PAGE));
    let mut there = BTreeSet::new();
    SOURCES.iter().for_each(|sources| existing(sources, &mut there));
    let rows: BTreeSet<_> = mapped.iter().cloned().collect();
    let missing: Vec<_> = there.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in the map: {missing:?}, not in the repository: {gone:?}"
    );
    assert_eq!(mapped.len(), rows.len(), "a row occurs twice");
}

#[test]
fn every_other_folder_is_in_the_map() {
    // The folders below these are many of one kind, or belong to one row.
    const WHOLE: [&str; 11] = [
        "agents-protocol/src",
        "agents-core/src",
        "docs/decisions",
        "examples/kanban",
        "examples/shared-types",
        "examples/web",
        "fuzz/corpus",
        "fuzz/libfuzzer",
        "templates/app",
        "templates/app-react",
        "tests/ui",
    ];
    let page = read(PAGE);
    let mut folders = BTreeSet::new();
    for path in files(&["rs", "ts", "js", "sh", "md", "patch", "png"]) {
        let mut folder = path.as_str();
        while let Some((above, _)) = folder.rsplit_once('/') {
            folder = above;
            let is_inside =
                WHOLE.iter().any(|whole| folder.strip_prefix(whole).is_some_and(|rest| !rest.is_empty()));
            if !is_inside && folder.contains('/') {
                folders.insert(folder.to_owned());
            }
        }
    }
    folders.retain(|folder| !folder.starts_with("tests/npm/") && !folder.starts_with("tests/browser/"));
    let missing: Vec<_> = folders.iter().filter(|folder| !page.contains(&format!("`{folder}/`"))).collect();
    assert!(folders.len() > 60, "{} folders were found", folders.len());
    assert!(missing.is_empty(), "not in the map: {missing:?}");
}

#[test]
fn every_invariant_has_tests_that_exist() {
    let tests = tests();
    let page = read(PAGE);
    let mut count = 0;
    for paragraph in page.split("\n\n").filter(|paragraph| paragraph.contains("**Invariant:**")) {
        assert!(paragraph.starts_with("**Invariant:**"), "{paragraph}");
        let named = paragraph.lines().last().and_then(|line| line.strip_prefix("Test: ")).expect(paragraph);
        let mut names = named.split('`').skip(1).step_by(2).peekable();
        assert!(names.peek().is_some(), "an invariant without a test: {paragraph}");
        for name in names {
            assert!(tests.contains(name), "no test is named {name}");
        }
        assert!(paragraph.lines().count() > 2, "an invariant without a reason: {paragraph}");
        count += 1;
    }
    assert!(count > 20, "{count} invariants were found");
}

#[test]
fn every_place_of_a_task_exists() {
    let page = read(PAGE);
    let mut checked = 0;
    for heading in ["Entry points", "Where to look"] {
        let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a section");
        for path in section.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            if path.contains('/') {
                let exists = |folder: &str| root().join(folder).join(path).exists();
                assert!(exists("") || exists("agents-core/src/"), "{heading}: {path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked} places were found");
}
