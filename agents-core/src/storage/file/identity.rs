//! The file that a path led to when it was opened.

use std::io;
use std::path::Path;

/// A file, told from others that may come to stand at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    /// Returns the file at a path.
    #[cfg(unix)]
    pub(in crate::storage) fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;

        let file = std::fs::metadata(path)?;
        Ok(Self { device: file.dev(), inode: file.ino() })
    }

    /// Returns the file at a path. Where open files can be neither removed nor moved, every file is itself.
    #[cfg(not(unix))]
    pub(in crate::storage) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|_| Self {})
    }

    /// Fails when the path no longer leads to this file: what is written to it is lost.
    pub(in crate::storage) fn check(self, path: &Path) -> io::Result<()> {
        match Self::of(path) {
            Ok(found) if found == self => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} was removed or replaced while it was open", path.display()),
            )),
        }
    }
}
