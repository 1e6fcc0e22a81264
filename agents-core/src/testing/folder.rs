//! A folder that is removed after its test.

use std::path::{Path, PathBuf};

/// A temporary folder, or a given one that is kept.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Returns a folder with a unique name; the host creates it.
    pub(super) fn temporary() -> Self {
        let path = std::env::temp_dir().join(format!("agents-test-{}", nanoid::nanoid!()));
        Self { path, temporary: true }
    }

    pub(super) fn given(path: PathBuf) -> Self {
        Self { path, temporary: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // A folder that cannot be removed does no harm.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
