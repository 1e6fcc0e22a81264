//! The record of the forms that stored states have, and the comparison of the present types with it.
//!
//! For each class the record has examples of the states of one version. The types of a program read the
//! examples with the same code that reads stored states, so all attributes of serde count.

mod example;
mod fill;
mod syntax;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use self::example::Example;
use self::fill::{Read, Unreadable};
use self::syntax::{Declared, Form};
use crate::agent::read_stored;
use crate::error::{Error, Result};
use crate::typescript::class::Class;
use crate::typescript::module::{about, difference, read};
use crate::wire::{De, TypeSet, Wire};

const NOTE: &str = "Examples of stored states, written by the command `types`. Keep this file under version \
                    control: `types --check` reads them with the present types.";

/// The largest number of reasons that are named for a class.
const REASONS: usize = 5;

/// The type of the state of a class, without its Rust type.
#[derive(Debug)]
pub(in crate::typescript) struct StateType {
    pub(super) version: u32,
    /// `true` if the class has the hook `migrate`.
    pub(super) converts: bool,
    pub(super) read: Read,
}

/// The record of the states as a program has them, beside the file that was found.
#[derive(Debug)]
pub(crate) struct StateRecord {
    file: PathBuf,
    found: String,
    text: String,
    /// The classes whose states are not recorded, each with the reason.
    pub(crate) missing: Vec<(&'static str, String)>,
}

#[derive(Debug, Default, Deserialize)]
struct Recorded {
    agents: BTreeMap<String, States>,
}

/// The recorded states of a class.
#[derive(Debug, Deserialize)]
struct States {
    version: u32,
    states: Vec<Value>,
}

impl StateRecord {
    /// The name of the file in the folder of the TypeScript.
    pub(crate) const FILE: &'static str = "agents.states.json";

    /// Compares the types with the record in a file and makes the new record. A missing file is an empty
    /// record; with `accept` the types are right in any case.
    ///
    /// # Errors
    /// `state_changed` when a type does not read a recorded state that it has to read, `state_record` when the
    /// file is not a record, and `types_file` when it cannot be read.
    pub(crate) fn of(classes: &[Class], file: PathBuf, accept: bool) -> Result<Self> {
        let found = read(&file)?;
        let mut recorded = match found.is_empty() || accept {
            true => Recorded::default(),
            false => serde_json::from_str(&found).map_err(|error| {
                let file = file.display();
                Error::new("state_record", format!("{file} is not a record of the command `types`: {error}"))
            })?,
        };
        let mut missing = Vec::new();
        let mut changed = Vec::new();
        let mut present = BTreeMap::new();
        for class in classes {
            let Some(ty) = &class.state_type else { continue };
            let mut states = match recorded.agents.remove(&class.route) {
                None => Vec::new(),
                Some(old) => {
                    changed.extend(compare(class.name, ty, &old));
                    // A hook converts the states of older versions.
                    if old.version < ty.version && ty.converts { Vec::new() } else { old.states }
                }
            };
            match examples(class, ty) {
                Ok(examples) => {
                    for example in examples {
                        if !states.contains(&example) {
                            states.push(example);
                        }
                    }
                }
                Err(reason) => missing.push((class.name, reason)),
            }
            if !states.is_empty() {
                present.insert(class.route.as_str(), (ty.version, states));
            }
        }
        if !changed.is_empty() {
            return Err(Error::new("state_changed", changed.join("\n")));
        }
        let text = if present.is_empty() { String::new() } else { text(&present) };
        Ok(Self { file, found, text, missing })
    }

    /// Returns the difference from the file to the record, or `None` if they are the same.
    pub(crate) fn diff(&self) -> Option<String> {
        (self.found != self.text).then(|| difference(&self.file, &self.found, &self.text))
    }

    /// Writes the file if it differs.
    pub(crate) fn write(&self) -> Result<()> {
        if self.found == self.text {
            return Ok(());
        }
        if let Some(parent) = self.file.parent() {
            fs::create_dir_all(parent).map_err(|error| about(parent, &error))?;
        }
        fs::write(&self.file, &self.text).map_err(|error| about(&self.file, &error))
    }
}

/// Reads a state as it is read from a file.
pub(in crate::typescript) fn read_state<T: Wire>(json: &str) -> Result<(), Unreadable> {
    read_stored::<T>(json.as_bytes()).map(drop).map_err(|error| {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let part = match serde_path_to_error::deserialize::<_, De<T>>(reader) {
            Err(placed) if placed.path().iter().next().is_some() => placed.path().to_string(),
            _ => String::new(),
        };
        let left = json.len().saturating_sub(error.column());
        let mut reason = error.to_string();
        if let Some(at) = reason.rfind(" at line ") {
            reason.truncate(at);
        }
        Unreadable { part, reason, left }
    })
}

/// Returns the message about a class whose type does not suit the recorded states.
fn compare(name: &str, ty: &StateType, old: &States) -> Option<String> {
    let StateType { version, converts, read } = *ty;
    let known = old.version;
    let way_out = "If no server has such states, run `types --accept-states`.";
    if version < known {
        return Some(format!(
            "`{name}` has version {version}, and states of version {known} are recorded: a version is never \
             lowered. {way_out}"
        ));
    }
    if version > known && converts {
        return None;
    }
    let mut reasons: Vec<String> = Vec::new();
    for state in &old.states {
        let Err(Unreadable { part, reason, .. }) = read(&state.to_string()) else { continue };
        let reason = if part.is_empty() { reason } else { format!("`{part}`: {reason}") };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        return None;
    }
    let mut message =
        format!("the state of `{name}` has changed, and stored states of version {known} cannot be read:\n");
    for reason in reasons.iter().take(REASONS) {
        let _ = writeln!(message, "  {reason}");
    }
    let default = match reasons.iter().any(|reason| reason.contains("missing field")) {
        true => "`#[serde(default)]` on a new field, `#[serde(alias = \"..\")]` on a renamed one, or ",
        false => "",
    };
    let next = known + 1;
    let _ = match version > known {
        true => write!(message, "Write {default}the hook `migrate`. {way_out}"),
        false => write!(message, "Write {default}`version = {next}` and the hook `migrate`. {way_out}"),
    };
    Some(message)
}

/// Makes examples of the present states of a class.
fn examples(class: &Class, ty: &StateType) -> Result<Vec<Value>, String> {
    let mut types = TypeSet::default();
    let Some(describe) = class.state else { return Ok(Vec::new()) };
    let name = describe(&mut types).text;
    let declared = Declared::of(&types.declarations)?;
    let form = Form::parse(&name).ok_or_else(|| format!("`{name}` cannot be read"))?;
    let all = Example::all(&form, &declared)?;
    let mut states: Vec<Value> = Vec::new();
    for example in &all {
        // The type in TypeScript may have values that the Rust type refuses.
        let Some(state) = fill::fill(example, ty.read) else { continue };
        if !states.contains(&state) {
            states.push(state);
        }
    }
    match states.is_empty() {
        true => Err("no example of the type is found that the type reads".to_owned()),
        false => Ok(states),
    }
}

/// Returns the text of a record, with each state on a line.
fn text(classes: &BTreeMap<&str, (u32, Vec<Value>)>) -> String {
    let classes: Vec<_> = classes
        .iter()
        .map(|(route, (version, states))| {
            let states: Vec<_> = states.iter().map(|state| format!("\n        {state}")).collect();
            format!(
                "\n    \"{route}\": {{\n      \"version\": {version},\n      \"states\": [{}\n      ]\n    }}",
                states.join(",")
            )
        })
        .collect();
    format!("{{\n  \"note\": {},\n  \"agents\": {{{}\n  }}\n}}\n", Value::from(NOTE), classes.join(","))
}
