//! States from clients: of the agent's type, without unknown keys.

use serde_ignored::Path;

use crate::agent::state::dropped_keys::{self, Step};
use crate::wire::{De, KeyFacts, Wire, without_lone_surrogates};

/// The maximum number of characters of a key's path in an error.
const SHOWN: usize = 100;

/// Reads a state that a client pushed; returns it and the path of the first key that its type does not know.
///
/// Serde itself ignores such keys. The client would then keep a key that the agent does not have.
///
/// Lone surrogates are read as by [`from_json`](crate::wire::from_json).
pub(in crate::agent) fn read<T: Wire>(
    json: &str,
    facts: &KeyFacts,
) -> Result<(T, Option<String>), serde_json::Error> {
    parse(json, facts)
        .or_else(|error| without_lone_surrogates(json).map_or(Err(error), |json| parse(&json, facts)))
}

fn parse<T: Wire>(json: &str, facts: &KeyFacts) -> Result<(T, Option<String>), serde_json::Error> {
    let mut unknown = None;
    let mut reader = serde_json::Deserializer::from_str(json);
    let state = serde_ignored::deserialize::<_, _, De<T>>(&mut reader, |path| {
        if unknown.is_none() {
            unknown = Some(path_text(&steps(&path)));
        }
    })?;
    reader.end()?;
    if unknown.is_none() && facts.may_drop() {
        unknown = dropped_keys::find(json, &state.0, facts).map(|steps| path_text(&steps));
    }
    Ok((state.0, unknown))
}

fn steps(path: &Path<'_>) -> Vec<Step> {
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => {
            let mut steps = steps(parent);
            steps.push(Step::Index(*index));
            steps
        }
        Path::Map { parent, key } => {
            let mut steps = steps(parent);
            steps.push(Step::Key(key.clone()));
            steps
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            steps(parent)
        }
    }
}

/// Returns a path as text of at most [`SHOWN`] characters.
fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text.chars().take(SHOWN).collect()
}
