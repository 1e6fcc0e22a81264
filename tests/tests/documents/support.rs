//! Access to the files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above")
}

/// Returns the text of a file. The path starts at the root of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the paths of all files with one of these extensions, sorted and relative to the root.
///
/// Folders that are built, installed or hidden are skipped.
pub(crate) fn files(extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    collect(root(), extensions, &mut found);
    let mut found: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(root()).expect("a path below the root").to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

fn collect(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("a type").is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "dist"].contains(&name.as_str()) {
                collect(&path, extensions, found);
            }
        } else if path.extension().is_some_and(|end| extensions.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
}

/// A test that a table names.
pub(crate) struct NamedTest {
    pub(crate) path: String,
    /// The name of a function, or words of a title.
    name: String,
}

impl NamedTest {
    /// Returns the test of a cell, or `None` for an empty cell.
    pub(crate) fn in_cell(cell: &str) -> Option<Self> {
        let parts: Vec<_> = cell.trim().split('`').collect();
        match parts[..] {
            [""] => None,
            ["", path, " ", name, ""] => Some(Self { path: path.to_owned(), name: name.to_owned() }),
            _ => panic!("a path and a name: {cell}"),
        }
    }

    /// Returns the text of the file, which has the test.
    pub(crate) fn source(&self) -> String {
        let Self { path, name } = self;
        let text = read(path);
        let wanted = if path.ends_with(".rs") { &format!("fn {name}(") } else { name };
        assert!(text.contains(wanted), "{path} has no {wanted}");
        text
    }
}
