//! The targets, messages and fields of `docs/logging.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{files, read};

/// The fields of events, by target and message. An event with a longer text than one word is in the map under an
/// empty message.
type Events = BTreeMap<(String, String), BTreeSet<String>>;

/// Returns the sources of the crates that write the log.
fn sources() -> String {
    let ours =
        |file: &String| ["agents-core/src/", "agents-protocol/src/"].iter().any(|it| file.starts_with(it));
    files(&["rs"]).iter().filter(|file| ours(file)).map(|file| read(file)).collect()
}

/// Splits the arguments of a macro, whose text begins behind the opening parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut arguments = vec![String::new()];
    for letter in text.chars() {
        match letter {
            _ if quoted => quoted = letter != '"' || escaped,
            '"' => quoted = true,
            '(' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && letter == '\\' && !escaped;
        arguments.last_mut().expect("one").push(letter);
    }
    arguments.iter().map(|argument| argument.trim().to_owned()).collect()
}

/// Returns the arguments of a macro of `tracing` that writes a line; `None` for other items of the crate.
fn line(text: &str) -> Option<&str> {
    let (level, text) = text.split_once("!(")?;
    ["error", "warn", "info", "debug", "trace"].contains(&level).then_some(text)
}

/// Returns the events with a target of this project.
fn events(sources: &str) -> Events {
    let mut events = Events::new();
    for (at, macro_name) in sources.match_indices("tracing::") {
        let text = &sources[at + macro_name.len()..];
        let Some(text) = line(text) else { continue };
        let arguments = arguments(text);
        let Some(target) = arguments[0].strip_prefix("target: \"agents::") else { continue };
        let target = format!("agents::{}", target.trim_end_matches('"'));
        let text = arguments.iter().find_map(|argument| argument.strip_prefix('"')).unwrap_or_default();
        let text = text.trim_end_matches('"');
        let message = if text.contains([' ', '{']) { "" } else { text };
        let field = |argument: &String| {
            let name = argument.split('=').next().expect("a part").trim();
            name.trim_start_matches(['?', '%']).to_owned()
        };
        let names = arguments[1..].iter().filter(|argument| !argument.is_empty()).map(field);
        let names = names.filter(|name| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_'));
        events.entry((target, message.to_owned())).or_default().extend(names);
    }
    events
}

fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_of_the_log_has_each_event_with_its_fields() {
    let (page, sources) = (read("docs/logging.md"), sources());
    let events = events(&sources);
    let words = quoted(&page);
    let mut missing: BTreeMap<_, _> = events.iter().filter(|((_, message), _)| !message.is_empty()).collect();
    assert!(missing.len() >= 9, "{missing:#?}");
    for row in page.lines().filter(|line| line.starts_with("| `agents::")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let key = (cells[0].replace('`', ""), cells[1].replace('`', ""));
        let fields = missing.remove(&key).unwrap_or_else(|| panic!("no event of the code: {row}"));
        let documented = quoted(cells[2]);
        for field in fields {
            let common = key.0 != "agents::host" && ["class", "name"].contains(&field.as_str());
            assert!(common || documented.contains(field), "the field `{field}` is missing: {row}");
        }
        for word in documented {
            let is_value = || {
                events.keys().any(|(_, message)| *message == word) || sources.contains(&format!("\"{word}\""))
            };
            assert!(fields.contains(&word) || is_value(), "`{word}` is no field and no value: {row}");
        }
    }
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
    for ((target, _), fields) in &events {
        assert!(words.contains(target) || page.contains(&format!("`{target}")), "{target}");
        assert!(fields.is_subset(&words), "{target}: {fields:?}");
    }
    let targets = words.iter().flat_map(|word| word.split([',', '=']));
    for target in targets.filter(|word| word.starts_with("agents::") && !word.contains('(')) {
        assert!(events.keys().any(|(known, _)| known == target), "no event has the target `{target}`");
    }
    let errors =
        page.split("## Errors").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let fields: BTreeSet<_> = events
        .iter()
        .filter(|((target, _), _)| target == "agents::error")
        .flat_map(|(_, fields)| fields)
        .collect();
    for word in errors
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|row| quoted(row.split('|').nth(1).expect("a cell")))
    {
        assert!(word == "message" || fields.contains(&word), "no error has the field `{word}`");
    }
}

#[test]
fn an_agent_and_a_connection_have_the_same_fields_in_all_lines() {
    let sources = sources();
    for (at, found) in sources.match_indices("tracing::").chain(sources.match_indices("sampled!(")) {
        let text = &sources[at + found.len()..];
        let text = if found == "tracing::" { line(text) } else { Some(text) };
        let Some(text) = text else { continue };
        for argument in arguments(text) {
            let is_other =
                |other: &str| argument == other || other.ends_with(['=', '?']) && argument.starts_with(other);
            for other in ["agent =", "object =", "?agent", "key =", "connection = ?", "class = ?", "name = ?"]
            {
                assert!(!is_other(other), "`{argument}`: the fields are `class`, `name`, `connection`");
            }
        }
    }
}
