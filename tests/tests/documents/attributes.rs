//! The options of the macros in `docs/reference/attributes.md`.

use std::collections::BTreeSet;

use crate::support::read;

const PAGE: &str = "docs/reference/attributes.md";
const FOLDER: &str = "agents-macros/src/attr";

/// Returns the texts in double quotes.
fn quoted(code: &str) -> BTreeSet<String> {
    code.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the text in double quotes behind each place where `begin` stands.
fn quoted_after(code: &str, begin: &str) -> BTreeSet<String> {
    code.split(&format!("{begin}\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// Returns the text between the first `begin` and the next `end` after it.
fn between<'a>(code: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = code.split_once(begin).unwrap_or_else(|| panic!("`{begin}` in {FOLDER}"));
    rest.split_once(end).unwrap_or_else(|| panic!("`{end}` after `{begin}`")).0
}

/// Returns the options that a file allows in the brackets of an attribute.
fn allowed(file: &str, attribute: &str) -> BTreeSet<String> {
    let code = read(&format!("{FOLDER}/{file}"));
    let keys = between(&code, &format!(r##"Keys::new("#[{attribute}]", "##), ");");
    let options = if keys.starts_with('&') {
        quoted(keys)
    } else {
        quoted(between(&code, &format!("const {keys}: &[&str] = &["), "];"))
    };
    assert!(!options.is_empty(), "options in {file}");
    options
}

/// Returns the section of the page under a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// Returns the options of a table: the first word of each first cell, without a value.
fn rows(section: &str) -> BTreeSet<String> {
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    cells.filter_map(|cell| cell.split([' ', '`']).next()).map(str::to_owned).collect()
}

#[test]
fn each_option_of_the_macros_has_a_row_and_each_row_is_an_option() {
    let page = read(PAGE);
    for (heading, file, attribute) in [
        ("`#[agent]` on a struct", "agent.rs", "agent"),
        ("`#[callable]`", "callable.rs", "callable"),
        ("`#[wire]`", "wire.rs", "wire"),
    ] {
        assert_eq!(rows(section(&page, heading)), allowed(file, attribute), "{PAGE}: {heading}");
    }
    let code = read(&format!("{FOLDER}/agent.rs"));
    let on_impl = between(&code, "fn parse_on_impl", "\n}\n");
    let accepted = quoted_after(on_impl, "key == ");
    assert_eq!(rows(section(&page, "`#[agent]` on an `impl`")), accepted, "{PAGE}: on an `impl`");
}

#[test]
fn the_styles_of_names_and_the_references_are_those_of_the_macros() {
    let page = read(PAGE);
    let styles = quoted(between(&read(&format!("{FOLDER}/wire.rs")), "const CASES", "];"));
    let line = between(&page, "The styles are ", ", which keeps");
    let listed: BTreeSet<_> = line.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(listed, styles);

    let code = read("agents-macros/src/model/parameter.rs");
    let references = quoted(between(&code, "const REFERENCES", "];"));
    let arguments = section(&page, "Arguments");
    let listed = rows(arguments).into_iter().filter_map(|row| {
        let name = row.strip_prefix('&')?.split('<').next()?;
        Some(name.to_owned())
    });
    assert_eq!(listed.collect::<BTreeSet<_>>(), references);
    assert!(arguments.contains("| `#[default = EXPR]` |"));
}

#[test]
fn each_hook_has_a_row_and_each_row_is_a_hook() {
    let code = read("agents-macros/src/model/hook_rule.rs");
    let rules = between(&code, "const RULES", "\n];");
    let hooks = quoted_after(rules, "name: ");
    assert!(hooks.len() > 10, "{hooks:?}");
    let page = read("docs/hooks.md");
    let table = between(&page, "| hook | called | returns |\n", "\n\n");
    assert_eq!(rows(table), hooks);
}
