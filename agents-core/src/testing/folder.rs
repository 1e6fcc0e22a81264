//! A folder that goes away with its test.

use std::path::{Path, PathBuf};

/// A temporary folder, or one that was given and stays.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// A name that no other test has; the folder is made by the host.
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
            // Left behind it does no harm.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
