//! The rows of `docs/from-cloudflare.md`: every member of the npm package `agents` has one, and the tests that
//! they name exist.

use std::collections::BTreeSet;

use crate::support::{NamedTest, read};

const PAGE: &str = "docs/from-cloudflare.md";
/// The members that the declarations of the package have. `tests/npm/cases/members.test.js` compares them.
const MEMBERS: &str = "tests/npm/members.txt";
const ABSENT: &str = "Not there";

/// Owners of which the page may have more members than the list: those that the package inherits from the
/// platform or from `partysocket`.
const INHERITING: [&str; 6] = [
    "Agent",
    "Connection",
    "AgentClient",
    "AgentClientOptions",
    "AgentClientFetchOptions",
    "UseAgentOptions",
];

/// One row of a table whose heading names an owner: `## State of an agent (`Agent`)`.
struct Row {
    owner: String,
    names: Vec<String>,
    here: String,
    test: Option<NamedTest>,
}

fn rows() -> Vec<Row> {
    let page = read(PAGE);
    let mut owner = None;
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            owner = heading.strip_suffix("`)").and_then(|text| text.split("(`").last()).map(str::to_owned);
        } else if let (Some(owner), true) = (&owner, line.starts_with("| `")) {
            rows.push(row(owner, line));
        }
    }
    assert!(rows.len() > 100, "{} rows", rows.len());
    rows
}

fn row(owner: &str, line: &str) -> Row {
    let cells: Vec<_> =
        line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")).expect(line).split(" | ").collect();
    let [theirs, here, differs, test] = cells[..] else { panic!("four cells: {line}") };
    assert!(!here.is_empty() && !differs.is_empty(), "both are described: {line}");
    let names = theirs.split('`').skip(1).step_by(2).map(name).collect();
    Row { owner: owner.to_owned(), names, here: here.to_owned(), test: NamedTest::in_cell(test) }
}

/// Returns `setState` of `setState(next)`, and `chat` of `agents/chat`.
fn name(code: &str) -> String {
    let code = code.strip_prefix("agents/").unwrap_or(code);
    code.split(['(', '/']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_row_names_a_test_that_exists() {
    for row in rows() {
        match &row.test {
            Some(test) => drop(test.source()),
            None => assert!(row.here.starts_with(ABSENT), "{}: {:?} has a test", row.owner, row.names),
        }
    }
}

#[test]
fn every_member_of_the_npm_package_has_a_row() {
    let listed = read(MEMBERS);
    let listed: BTreeSet<_> = listed.lines().map(str::to_owned).collect();
    assert!(listed.len() > 200, "{} members", listed.len());
    let mut found = BTreeSet::new();
    for Row { owner, names, .. } in rows() {
        for name in names {
            let member = format!("{owner}.{name}");
            let is_known = listed.contains(&member) || INHERITING.contains(&owner.as_str());
            assert!(is_known, "the package has no {member}");
            assert!(found.insert(member), "{owner}.{name} has two rows");
        }
    }
    let missing: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}
