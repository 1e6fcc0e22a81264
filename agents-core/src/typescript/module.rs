//! The generated module: its text, its hash and its files.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::error::{Error, Result};
use crate::typescript::class::Class;
use crate::typescript::keys::Keys;
use crate::typescript::names::Names;
use crate::typescript::optional::or_undefined;
use crate::typescript::{client, interface, metadata, text};
use crate::wire::{Declaration, Describe, TypeSet};

const HEADER: &str = "\
// Made by the command `types` from the agents of a Rust program: change those, then run it again.
/* eslint-disable */
";

/// The TypeScript of the agents of a host, made by [`Agents::typescript`](crate::Agents::typescript).
///
/// `agents.ts` is one module without imports. For every class it has an `interface` with the state and the
/// methods, which suits the type parameters of the npm package's `AgentClient<T>` and
/// `useAgent<T, State>`; beside it the names of the methods that write and the pieces of its
/// streams. Every wire type has a declaration, a constant `agents` says what a client may want to
/// know while it runs, and `schemaHash` changes when any of this does, but not with comments. All
/// is sorted by name, so the text depends on nothing but the types.
///
/// Beside it stand `client.ts` and its folder `runtime`: a client with the types of these agents, which needs the
/// npm package `partysocket` and nothing else.
///
/// ```
/// # fn main() -> agents_core::Result<()> {
/// let module = agents_core::Agents::new().typescript()?.react();
/// let files: Vec<_> = module.files().map(|(path, _)| path).collect();
/// assert!(files.contains(&"agents.ts") && files.contains(&"client.ts") && files.contains(&"react.ts"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TypeScript {
    text: String,
    javascript: JavaScript,
    schema_hash: String,
    form: Form,
    client: bool,
    react: bool,
}

/// The same module for pages that are not compiled.
#[derive(Clone, Debug)]
struct JavaScript {
    module: String,
    declarations: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    TypeScript,
    JavaScript,
}

impl TypeScript {
    /// The name of the file with the types.
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
        interfaces.push(interface::map(&classes, &mut names)?);
        for describe in more {
            describe(&mut types);
        }
        let metadata = [metadata::declare, metadata::value, metadata::types];
        let [both, value, value_types] = metadata.map(|declare| declare(&classes, &mut types));
        let keys = Keys::of(&types.declarations);
        let mut parts = declarations(types, &keys, &mut names)?;
        parts.extend(interfaces.iter().map(|interface| keys.write(interface)));
        let declared = parts.join("\n");
        let body = format!("{declared}\n{both}");
        let schema_hash = text::hash(&body);
        let hash = |keyword: &str, has: &str| {
            format!(
                "\n/** Changes when anything above does, except comments. */\n\
                 export {keyword} schemaHash{has}\"{schema_hash}\";\n"
            )
        };
        let text = format!("{HEADER}\n{body}{}", hash("const", " = "));
        let javascript = JavaScript {
            module: format!("{HEADER}\n{value}{}", hash("const", " = ")),
            declarations: format!("{HEADER}\n{declared}\n{value_types}{}", hash("declare const", ": ")),
        };
        Ok(Self { text, javascript, schema_hash, form: Form::TypeScript, client: true, react: false })
    }

    /// Leaves the client out, for those who use the npm package `agents`.
    #[must_use]
    pub fn types_only(mut self) -> Self {
        (self.client, self.react) = (false, false);
        self
    }

    /// Adds `react.ts`: the client as a hook for React.
    #[must_use]
    pub fn react(mut self) -> Self {
        (self.client, self.react) = (true, true);
        self
    }

    /// Gives JavaScript with declarations, for pages that are not compiled: `agents.js` and `agents.d.ts` in the
    /// place of `agents.ts`, and so on.
    ///
    /// They import `partysocket/ws`, which an import map of the page leads somewhere.
    #[must_use]
    pub fn javascript(mut self) -> Self {
        self.form = Form::JavaScript;
        self
    }

    /// Returns the text of `agents.ts`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the hash of the types: 16 hexadecimal digits.
    pub fn schema_hash(&self) -> &str {
        &self.schema_hash
    }

    /// Returns the files: their paths in the folder, with `/`, and their texts. The types come first.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut files: Vec<(&str, &str)> = match self.form {
            Form::TypeScript => vec![(Self::FILE, &self.text)],
            Form::JavaScript => {
                vec![("agents.js", &self.javascript.module), ("agents.d.ts", &self.javascript.declarations)]
            }
        };
        if self.client {
            let client = client::files(self.form == Form::JavaScript, self.react);
            // What stands for ever is lent for as long as the rest.
            files.extend(client.map(|(path, text): (&str, &str)| (path, text)));
        }
        files.into_iter()
    }

    /// Writes the files into a folder, which is made if need be, and returns the path of the first.
    ///
    /// A file that says the same already is left alone, so that no tool takes it for new.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<PathBuf> {
        let folder = folder.as_ref();
        let mut first = None;
        for (path, text) in self.files() {
            let file = folder.join(path);
            if read(&file)? != text {
                let parent = file.parent().unwrap_or(folder);
                fs::create_dir_all(parent).map_err(|error| about(parent, &error))?;
                fs::write(&file, text).map_err(|error| about(&file, &error))?;
            }
            first.get_or_insert(file);
        }
        Ok(first.unwrap_or_else(|| folder.to_owned()))
    }

    /// Compares with the files in a folder. A missing file counts as an empty one, and ends of
    /// lines do not count.
    ///
    /// Returns unified diffs from the files to what they should be, or `None` when they are the same.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn diff(&self, folder: impl AsRef<Path>) -> Result<Option<String>> {
        let mut diffs = String::new();
        for (path, text) in self.files() {
            let file = folder.as_ref().join(path);
            let found = read(&file)?;
            if found != text {
                let diff = TextDiff::from_lines(found.as_str(), text);
                let name = file.display().to_string();
                diffs += &diff.unified_diff().header(&name, "the types of the program").to_string();
            }
        }
        Ok(if diffs.is_empty() { None } else { Some(diffs) })
    }
}

/// The text of a file, with the ends of lines that we write; nothing for one that is missing.
fn read(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Ok(found) => Ok(found.replace("\r\n", "\n")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(about(file, &error)),
    }
}

/// The declarations of the wire types, by name.
fn declarations(types: TypeSet, keys: &Keys, names: &mut Names) -> Result<Vec<String>> {
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
        parts.push(format!("{docs}export {}\n", or_undefined(&keys.write(&text))));
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
