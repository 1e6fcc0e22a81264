//! The folder with the files of all objects of a process.

use std::fs::{self, File, ReadDir, TryLockError};
use std::path::{Path, PathBuf};

use super::create::{make_folders, remove_if_there, suffixed, sync_folder};
use super::error::StorageError;
use super::open::exists;
use super::path::{Decoded, decode, encode};
use super::peek::peek_name;
use super::store::Store;
use super::{Result, StoreOptions};

const EXTENSION: &str = ".sqlite";
const LOCK: &str = "agents.lock";

/// The folder with the files of all objects: `<class>/<name>.sqlite`.
///
/// One process at a time has it; the lock goes with the process, however it ends.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let root = std::env::temp_dir().join(format!("agents-folder-{}", std::process::id()));
/// use agents_core::storage::{DataFolder, StoreOptions};
///
/// let folder = DataFolder::open(&root)?;
/// let store = folder.open_store("chat-room", "lobby", &StoreOptions::default())?;
/// assert!(store.path().ends_with("chat-room/lobby.sqlite"));
/// # drop(store);
/// # std::fs::remove_dir_all(&root)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    // Held for its lock.
    _lock: File,
}

impl DataFolder {
    /// Opens the folder and makes it if it is missing.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if another process has it.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref().to_owned();
        // Names in the root too: an earlier process may have left some that were never flushed.
        for folder in make_folders(&root)?.iter().chain([&root]) {
            sync_folder(folder).map_err(|error| StorageError::io("sync", folder, error))?;
        }
        let path = root.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| StorageError::io("open", &path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked { path: root }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path, error)),
        }
    }

    /// Returns the folder's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where the file of an object is, or would be.
    pub fn store_path(&self, class: &str, name: &str) -> PathBuf {
        let mut file = encode(name);
        file.push_str(EXTENSION);
        self.root.join(encode(class)).join(file)
    }

    /// Says whether an object has a file.
    pub fn contains(&self, class: &str, name: &str) -> bool {
        exists(&self.store_path(class, name))
    }

    /// Returns the store of an object without opening its file: see [`Store::lazy`].
    pub fn store(&self, class: &str, name: &str, options: &StoreOptions) -> Store {
        Store::lazy(&self.store_path(class, name), class, name, options)
    }

    /// Opens the file of an object and makes it if it is missing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_store(&self, class: &str, name: &str, options: &StoreOptions) -> Result<Store> {
        Store::open(&self.store_path(class, name), class, name, options)
    }

    /// Removes the file of an object; says whether there was one. No store may have it open.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, class: &str, name: &str) -> Result<bool> {
        let path = self.store_path(class, name);
        // The main file first: a journal alone means nothing, a file without its journal is older
        // than it was.
        let found = remove_if_there(&path)?;
        for suffix in ["-wal", "-shm", "-journal"] {
            remove_if_there(&suffixed(&path, suffix))?;
        }
        if found && let Some(parent) = path.parent() {
            sync_folder(parent).map_err(|error| StorageError::io("sync", parent, error))?;
        }
        Ok(found)
    }

    /// Lists all objects in no particular order, as (class, name).
    ///
    /// Files that no object could have made are passed over.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Objects> {
        Self::objects(&self.root)
    }

    /// Lists the objects in a folder that another process may have open.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn objects(root: impl AsRef<Path>) -> Result<Objects> {
        let root = root.as_ref().to_owned();
        let classes = fs::read_dir(&root).map_err(|error| StorageError::io("read", &root, error))?;
        Ok(Objects { root, classes, open: None })
    }
}

/// The objects in a [`DataFolder`]: an iterator over (class, name).
#[derive(Debug)]
pub struct Objects {
    root: PathBuf,
    classes: ReadDir,
    open: Option<(String, ReadDir)>,
}

impl Objects {
    fn step(&mut self) -> Result<Option<(String, String)>> {
        loop {
            let Some((class, files)) = &mut self.open else {
                let Some(entry) = self.classes.next() else {
                    return Ok(None);
                };
                let entry = entry.map_err(|error| StorageError::io("read", &self.root, error))?;
                let path = entry.path();
                let decoded = entry.file_name().to_str().map(decode);
                if let (Some(Decoded::Name(class)), true) = (decoded, path.is_dir()) {
                    let files =
                        fs::read_dir(&path).map_err(|error| StorageError::io("read", &path, error))?;
                    self.open = Some((class, files));
                }
                continue;
            };
            let Some(entry) = files.next() else {
                self.open = None;
                continue;
            };
            let entry = entry.map_err(|error| StorageError::io("read", &self.root, error))?;
            let file = entry.file_name();
            let Some(encoded) = file.to_str().and_then(|file| file.strip_suffix(EXTENSION)) else {
                continue;
            };
            if entry.metadata().is_ok_and(|file| file.len() == 0) {
                // A power failure or a broken-off copy; it counts as none.
                continue;
            }
            let name = match decode(encoded) {
                Decoded::Name(name) => name,
                Decoded::Hashed => match peek_name(&entry.path()) {
                    Ok(name) => name,
                    // It may have been removed since the folder was read.
                    Err(_) if !entry.path().exists() => continue,
                    Err(error) => return Err(error),
                },
                Decoded::Foreign => continue,
            };
            return Ok(Some((class.clone(), name)));
        }
    }
}

impl Iterator for Objects {
    type Item = Result<(String, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
