//! The identity of an open file.

use std::io;
use std::path::Path;

/// The identity of a file, which distinguishes it from a later file at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    /// Returns the identity of the file at a path.
    #[cfg(unix)]
    pub(in crate::storage) fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;

        let file = std::fs::metadata(path)?;
        Ok(Self { device: file.dev(), inode: file.ino() })
    }

    /// Returns the identity of the file at a path. On a system where open files can be neither removed nor
    /// moved, all identities are equal.
    #[cfg(not(unix))]
    pub(in crate::storage) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|_| Self {})
    }

    /// Fails when the path no longer leads to this file, because data that is written to the file is then
    /// lost.
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
