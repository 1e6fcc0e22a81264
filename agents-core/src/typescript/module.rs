//! The generated module: its text, its hash and its file.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::error::{Error, Result};
use crate::typescript::class::Class;
use crate::typescript::names::Names;
use crate::typescript::{interface, metadata, text};
use crate::wire::{Declaration, Describe, TypeSet};

const HEADER: &str = "\
// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */
";

/// The TypeScript of the agents of a host, made by [`Agents::typescript`](crate::Agents::typescript).
///
/// It is one module without imports. For every class it has an `interface` with the state and the
/// methods, which suits the type parameters of the npm package's `AgentClient<T>` and
/// `useAgent<T, State>`; beside it the names of the methods that write and the pieces of its
/// streams. Every wire type has a declaration, a constant `agents` says what a client may want to
/// know while it runs, and `schemaHash` changes when any of this does, but not with comments. All
/// is sorted by name, so the text depends on nothing but the types.
#[derive(Clone, Debug)]
pub struct TypeScript {
    text: String,
    schema_hash: String,
}

impl TypeScript {
    /// The name of the file.
    pub const FILE: &'static str = "agents.ts";

    /// Makes the module of some classes and of further types.
    ///
    /// # Errors
    /// When two types have one name, or one has no form in TypeScript.
    pub(crate) fn of(mut classes: Vec<Class>, more: &[Describe]) -> Result<Self> {
        classes.sort_by_key(|class| class.name);
        let mut types = TypeSet::new();
        let mut names = Names::new();
        let mut interfaces = Vec::new();
        for class in &classes {
            interfaces.push(interface::declare(class, &mut types, &mut names)?);
        }
        for describe in more {
            describe(&mut types);
        }
        let metadata = metadata::declare(&classes, &mut types);
        let mut parts = declarations(types, &mut names)?;
        parts.append(&mut interfaces);
        parts.push(metadata);
        let body = parts.join("\n");
        let schema_hash = text::hash(&body);
        let text = format!(
            "{HEADER}\n{body}\n/** Changes when anything above does, except comments. */\n\
             export const schemaHash = \"{schema_hash}\";\n"
        );
        Ok(Self { text, schema_hash })
    }

    /// Returns the text of the module.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the hash of the types: 16 hexadecimal digits.
    pub fn schema_hash(&self) -> &str {
        &self.schema_hash
    }

    /// Writes [`agents.ts`](Self::FILE) into a folder, which is made if need be, and returns its path.
    ///
    /// A file that says the same already is left alone, so that no tool takes it for new.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<PathBuf> {
        let folder = folder.as_ref();
        let file = folder.join(Self::FILE);
        if self.diff(folder)?.is_some() {
            fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
            fs::write(&file, &self.text).map_err(|error| about(&file, &error))?;
        }
        Ok(file)
    }

    /// Compares with the [`agents.ts`](Self::FILE) in a folder. A missing file counts as an empty one, and ends of
    /// lines do not count.
    ///
    /// Returns a unified diff from the file to this module, or `None` when they are the same.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn diff(&self, folder: impl AsRef<Path>) -> Result<Option<String>> {
        let file = folder.as_ref().join(Self::FILE);
        let found = match fs::read_to_string(&file) {
            Ok(found) => found.replace("\r\n", "\n"),
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(about(&file, &error)),
        };
        if found == self.text {
            return Ok(None);
        }
        let diff = TextDiff::from_lines(found.as_str(), self.text.as_str());
        let name = file.display().to_string();
        Ok(Some(diff.unified_diff().header(&name, "the types of the program").to_string()))
    }
}

/// The declarations of the wire types, by name.
fn declarations(types: TypeSet, names: &mut Names) -> Result<Vec<String>> {
    let mut sorted = types.declarations;
    sorted.sort_by(|a, b| (&a.name, &a.rust_name).cmp(&(&b.name, &b.rust_name)));
    // `Grid<3>` and `Grid<4>` are two types, and one where the number does not show.
    sorted.dedup_by(|a, b| (&a.name, path(&a.rust_name), &a.text) == (&b.name, path(&b.rust_name), &b.text));
    let mut parts = Vec::new();
    for Declaration { rust_name, name, docs, text } in sorted {
        let text = text.map_err(|why| {
            let message = format!("`{rust_name}` cannot be written in TypeScript: {why}");
            Error::new("types_form", message)
        })?;
        names.take(&name, &rust_name)?;
        parts.push(format!("{docs}export {text}\n"));
    }
    Ok(parts)
}

/// The path of a type without what it is generic over.
fn path(rust_name: &str) -> &str {
    rust_name.split('<').next().unwrap_or(rust_name)
}

fn about(path: &Path, error: &std::io::Error) -> Error {
    Error::new("types_file", format!("{}: {error}", path.display()))
}

impl fmt::Display for TypeScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
