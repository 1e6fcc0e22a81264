//! States from clients: of the agent's type, without unknown keys.

use serde_ignored::Path;

use crate::wire::{De, Wire, without_lone_surrogates};

/// The maximum number of characters of a key's path in an error.
const TOLD: usize = 100;

/// Reads a state that a client pushed; returns it and the path of the first key that its type does not know.
///
/// Serde itself ignores such keys. The client would then keep a key that the agent does not have.
///
/// Lone surrogates are read as by [`from_json`](crate::wire::from_json).
pub(in crate::agent) fn read<T: Wire>(json: &str) -> Result<(T, Option<String>), serde_json::Error> {
    parse(json).or_else(|error| without_lone_surrogates(json).map_or(Err(error), |json| parse(&json)))
}

fn parse<T: Wire>(json: &str) -> Result<(T, Option<String>), serde_json::Error> {
    let mut unknown = None;
    let mut reader = serde_json::Deserializer::from_str(json);
    let state = serde_ignored::deserialize::<_, _, De<T>>(&mut reader, |path| {
        if unknown.is_none() {
            let mut place = String::new();
            write_place(&path, &mut place);
            unknown = Some(place.chars().take(TOLD).collect());
        }
    })?;
    reader.end()?;
    Ok((state.0, unknown))
}

fn write_place(path: &Path<'_>, out: &mut String) {
    match path {
        Path::Root => {}
        Path::Seq { parent, index } => {
            write_place(parent, out);
            out.push_str(&format!("[{index}]"));
        }
        Path::Map { parent, key } => {
            write_place(parent, out);
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(key);
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            write_place(parent, out);
        }
    }
}
