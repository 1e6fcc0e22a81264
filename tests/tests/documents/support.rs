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
