//! Makes the file of a new object.
//!
//! The bytes of a new database are written to their final path at once, and nothing waits for the disk. The
//! first sync of the store flushes the file (`unsynced`), and no write is acknowledged before. Until then a
//! power failure may leave a part of the bytes. During this time a second file (`clean_close`) marks the
//! database as new, and `torn` checks whether it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::clean_close::{self, WalStatus};
use super::template::database;
use super::torn::set_aside;
use super::unsynced::UnsyncedFile;
use crate::storage::error::StorageError;
use crate::storage::store::flush::Flush;
use crate::storage::{Durability, Result, StoreOptions};

/// Makes the file of a new object, and an empty log beside it.
///
/// The log is made first, then the note that both are new. The order matters because a database without a log
/// counts as closed cleanly, so a database that was never flushed must not be found without a log. An empty
/// log is not the mark of a clean close.
pub(in crate::storage) fn create(
    path: &Path,
    class: &str,
    name: &str,
    options: &StoreOptions,
) -> Result<UnsyncedFile> {
    let bytes = database(class, name)?;
    let flush = Flush::new(options);
    let folder = parent_of(path);
    let mut folders = vec![folder.clone()];
    if !flush.is_named(&folder) {
        // The folder may be as new as the file, regardless of which process made it.
        folders.push(parent_of(&folder));
    }
    let log = suffixed(path, "-wal");
    if WalStatus::of(path) == (WalStatus::Left { empty: false }) {
        // A log without a database must not be read into the new database.
        set_aside(path)?;
    }
    // A new file is made. An old file that is truncated may still have its content on the disk.
    remove_if_there(&log)?;
    let make_log = || File::options().write(true).create_new(true).open(&log);
    let made = match make_log() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folders.extend(make_folders(&folder)?);
            make_log()
        }
        made => made,
    };
    made.and_then(|_| clean_close::making(path)).map_err(|error| StorageError::io("create", &log, error))?;
    folders.dedup();
    let mut new = File::options();
    new.read(true).write(true);
    let file = match new.clone().create_new(true).open(path) {
        // A power failure has left an empty file.
        Err(error)
            if error.kind() == io::ErrorKind::AlreadyExists
                && fs::metadata(path).is_ok_and(|file| file.len() == 0) =>
        {
            new.open(path)
        }
        file => file,
    };
    let mut file = file.map_err(|error| StorageError::io("create", path, error))?;
    if let Err(error) = file.write_all(&bytes) {
        // A part of a database is worse than an empty file.
        let _ = file.set_len(0);
        return Err(StorageError::io("write", path, error));
    }
    let recording = options.faults.as_ref().is_some_and(|faults| faults.is_recording());
    let keep = options.durability == Durability::Disk || recording;
    Ok(UnsyncedFile::new(path, keep.then_some(file), folders, flush))
}

/// Makes a folder and its parents. Returns the folders in which a name was added.
pub(in crate::storage) fn make_folders(path: &Path) -> Result<Vec<PathBuf>> {
    let mut changed = Vec::new();
    let mut folder = path;
    while !folder.as_os_str().is_empty() && !folder.exists() {
        changed.push(parent_of(folder));
        folder = folder.parent().unwrap_or(Path::new(""));
    }
    fs::create_dir_all(path).map_err(|error| StorageError::io("create", path, error))?;
    Ok(changed)
}

/// Returns the folder of a path.
pub(in crate::storage) fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Flushes the names in a folder. Where folders cannot be opened, as on Windows, the file system does this
/// itself.
#[cfg(unix)]
pub(in crate::storage) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|folder| folder.sync_all())
}

#[cfg(not(unix))]
pub(in crate::storage) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns a path with a suffix behind its last component.
pub(in crate::storage) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file. Returns whether it existed.
pub(in crate::storage) fn remove_if_there(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("remove", path, error)),
    }
}
