//! Names: reserved names, and suggestions for misspelt names.

use proc_macro2::Ident;
use syn::ext::IdentExt;

/// Returns a Rust name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Members that JavaScript itself reads on objects; the client's stub never forwards these.
const ASKED_BY_JAVASCRIPT: [&str; 9] =
    ["then", "catch", "finally", "toJSON", "valueOf", "toString", "constructor", "prototype", "nodeType"];

/// Members that a client object itself has.
const MEMBERS_OF_THE_CLIENT: [&str; 14] = [
    "addEventListener",
    "agent",
    "call",
    "close",
    "dispatchEvent",
    "identified",
    "name",
    "ready",
    "reconnect",
    "removeEventListener",
    "send",
    "setState",
    "state",
    "stub",
];

/// Returns the reason why clients could not call a method of this name, if there is one.
pub(crate) fn taken(camel: &str) -> Option<String> {
    if ASKED_BY_JAVASCRIPT.contains(&camel) {
        return Some(format!(
            "JavaScript asks every object for `{camel}`, so a call would not reach the agent"
        ));
    }
    MEMBERS_OF_THE_CLIENT
        .contains(&camel)
        .then(|| format!("a client object has a member `{camel}` of its own"))
}

/// Returns the candidate nearest to a misspelt name, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .map(|(_, candidate)| candidate)
}

/// Removes case and underscores, so that `onStart` is as near to `on_start` as possible.
fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// Returns the number of letters that must be inserted, removed or changed.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, left) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in to.iter().enumerate() {
            let substitute = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = substitute.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// Returns a list for a sentence, such as `a`, `b` and `c`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_forgives_a_slip_and_no_more() {
        let hooks = ["on_start", "on_message", "on_close", "authorize"];
        assert_eq!(nearest("onStart", hooks), Some("on_start"));
        assert_eq!(nearest("on_mesage", hooks), Some("on_message"));
        assert_eq!(nearest("authorise", hooks), Some("authorize"));
        assert_eq!(nearest("tick", hooks), None);
    }

    #[test]
    fn taken_names_tell_why() {
        assert!(taken("then").is_some_and(|why| why.contains("JavaScript")));
        assert!(taken("state").is_some_and(|why| why.contains("client object")));
        assert_eq!(taken("post"), None);
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
