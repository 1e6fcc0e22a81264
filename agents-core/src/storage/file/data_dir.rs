//! The folder with the files of all objects of a process.

use std::collections::HashSet;
use std::fs::{self, File, ReadDir, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::clean_close::{NEW, is_new, making};
use super::create::{make_folders, parent_of, remove_if_there, suffixed, sync_folder};
use super::identity::Identity;
use super::name::{Decoded, decode, encode};
use super::open::{exists, look};
use super::peek::{peek, peek_alarm};
use crate::storage::error::StorageError;
use crate::storage::store::Store;
use crate::storage::tables::alarm::Alarm;
use crate::storage::{Result, StoreOptions};

const EXTENSION: &str = ".sqlite";
const LOCK: &str = "agents.lock";
/// The endings of the files of an object behind its path.
const FILES: [&str; 5] = ["", "-wal", "-shm", "-journal", NEW];

/// The folder with the files of all objects: `<class>/<name>.sqlite`.
///
/// One process at a time uses the folder. The lock ends with the process, even after a crash.
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
    home: Arc<Home>,
}

/// The path and the lock of a data folder that this process uses.
#[derive(Debug)]
pub(crate) struct Home {
    root: PathBuf,
    /// The class folders whose names are on the disk.
    named: Mutex<HashSet<PathBuf>>,
    /// The classes whose turns get a transaction of their own, see `store/separate.rs`.
    separated: Mutex<HashSet<String>>,
    // The file is kept open for its lock.
    _lock: File,
    lock: Identity,
}

impl Home {
    /// Fails when the folder was removed or replaced, because another process may use the folder that is
    /// there now.
    pub(in crate::storage) fn check(&self) -> Result<()> {
        match self.lock.check(&self.root.join(LOCK)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StorageError::Gone { path: self.root.clone() })
            }
            Err(error) => Err(StorageError::io("find", &self.root, error)),
        }
    }

    /// Records that turns of a class get transactions of their own.
    pub(in crate::storage) fn separates(&self, class: &str) {
        self.separated.lock().unwrap_or_else(PoisonError::into_inner).insert(class.to_owned());
    }

    /// Returns whether turns of a class get transactions of their own.
    pub(in crate::storage) fn is_separated(&self, class: &str) -> bool {
        self.separated.lock().unwrap_or_else(PoisonError::into_inner).contains(class)
    }

    pub(in crate::storage) fn is_named(&self, folder: &Path) -> bool {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).contains(folder)
    }

    pub(in crate::storage) fn named(&self, folder: &Path) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if !named.contains(folder) {
            named.insert(folder.to_owned());
        }
    }
}

impl DataFolder {
    /// Opens the folder, or makes it if it is missing.
    ///
    /// # Errors
    /// Fails with [`StorageError::Locked`] if another process uses the folder.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref().to_owned();
        // The names in the root are flushed too: an earlier process may have left names that were never
        // flushed.
        let names = fs::read_dir(&root).map(|names| names.flatten().map(|name| name.path()).collect());
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
            Ok(()) => {
                let found = Identity::of(&path).map_err(|error| StorageError::io("find", &path, error))?;
                let named = Mutex::new(names.unwrap_or_default());
                Ok(Self {
                    home: Arc::new(Home {
                        root,
                        named,
                        separated: Mutex::default(),
                        _lock: lock,
                        lock: found,
                    }),
                })
            }
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked { path: root }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path, error)),
        }
    }

    /// Returns the folder's path.
    pub fn root(&self) -> &Path {
        &self.home.root
    }

    /// Fails when the folder was removed or replaced since it was opened.
    pub(in crate::storage) fn check(&self) -> Result<()> {
        self.home.check()
    }

    /// Returns the path that the file of an object has or would have.
    pub fn store_path(&self, class: &str, name: &str) -> PathBuf {
        path_in(self.root(), class, name)
    }

    /// Returns whether an object has a file.
    pub fn contains(&self, class: &str, name: &str) -> bool {
        exists(&self.store_path(class, name))
    }

    /// Returns the store of an object without opening its file: see [`Store::lazy`].
    pub fn store(&self, class: &str, name: &str, options: &StoreOptions) -> Store {
        let options = StoreOptions { home: Some(self.home.clone()), ..options.clone() };
        Store::lazy(&self.store_path(class, name), class, name, &options)
    }

    /// Returns the alarm of an object that no store has open. The file is not changed.
    ///
    /// # Errors
    /// Fails like [`Store::open`]; [`SqlErrorKind::Busy`](crate::storage::SqlErrorKind::Busy) if a store has
    /// it open.
    pub fn alarm(&self, class: &str, name: &str) -> Result<Option<Alarm>> {
        peek_alarm(&self.store_path(class, name), name)
    }

    /// Checks the file of an object for damage. A store of this or another process may have the file open.
    ///
    /// The check reads the header and the first pages of the tables of the runtime, so it takes the same time
    /// for a large file and for a small one. Damage in later pages is found when they are used.
    ///
    /// # Errors
    /// Fails with [`StorageError::Damaged`], or when the file cannot be read.
    pub fn look(root: impl AsRef<Path>, class: &str, name: &str) -> Result<()> {
        look(&path_in(root.as_ref(), class, name))
    }

    /// Opens the file of an object, or makes it if it is missing.
    ///
    /// # Errors
    /// Fails like [`Store::open`].
    pub fn open_store(&self, class: &str, name: &str, options: &StoreOptions) -> Result<Store> {
        let mut store = self.store(class, name, options);
        store.opened()?;
        Ok(store)
    }

    /// Removes the file of an object. Returns whether the file existed. No store may have it open.
    ///
    /// # Errors
    /// Fails when the file system refuses.
    pub fn remove(&self, class: &str, name: &str) -> Result<bool> {
        let path = self.store_path(class, name);
        if !path.exists() {
            return Ok(false);
        }
        // From here on nothing in the file is promised, even if this function fails.
        making(&path).map_err(|error| StorageError::io("remove", &path, error))?;
        // The main file is removed first. A journal alone has no meaning, but a database without its journal
        // would be an older state.
        let found = remove_if_there(&path)?;
        for suffix in &FILES[1..] {
            remove_if_there(&suffixed(&path, suffix))?;
        }
        if found && let Some(parent) = path.parent() {
            sync_folder(parent).map_err(|error| StorageError::io("sync", parent, error))?;
        }
        Ok(found)
    }

    /// Copies the files of an object into another data folder, which no process may use. No store may have the
    /// object open.
    ///
    /// # Errors
    /// Fails when the file system refuses.
    pub(crate) fn copy_object(&self, class: &str, name: &str, into: &Path) -> Result<()> {
        let (from, to) = (self.store_path(class, name), path_in(into, class, name));
        fs::create_dir_all(parent_of(&to)).map_err(|error| StorageError::io("create", &to, error))?;
        // The log is copied first: a database without its log would count as closed cleanly.
        for suffix in ["-wal", NEW, ""] {
            let file = suffixed(&from, suffix);
            match fs::copy(&file, suffixed(&to, suffix)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StorageError::io("copy", &file, error)),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Removes the files of a copy that [`copy_object`](Self::copy_object) made.
    ///
    /// # Errors
    /// Fails when the file system refuses.
    pub(crate) fn remove_copy(root: &Path, class: &str, name: &str) -> Result<()> {
        let path = path_in(root, class, name);
        for suffix in FILES {
            remove_if_there(&suffixed(&path, suffix))?;
        }
        Ok(())
    }

    /// Lists all objects as (class, name). The order is not defined.
    ///
    /// Files that are not made by an object are skipped, and so are files that were never whole. A damaged
    /// file is listed. If its name cannot be read, the item is [`StorageError::Damaged`].
    ///
    /// # Errors
    /// Fails when the folder cannot be read.
    pub fn list(&self) -> Result<Objects> {
        Self::objects(self.root())
    }

    /// Lists the objects in a folder that another process may have open.
    ///
    /// # Errors
    /// Fails when the folder cannot be read.
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
            if entry.metadata().is_ok_and(|file| file.len() == 0) && is_new(&entry.path()) {
                continue;
            }
            let name = match decode(encoded) {
                Decoded::Name(name) => name,
                Decoded::Hashed => match look(&entry.path()).and_then(|()| peek(&entry.path())) {
                    Ok(name) => name,
                    // The file may have been removed since the folder was read, or may just be being made.
                    Err(_) if !entry.path().exists() || is_new(&entry.path()) => continue,
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

fn path_in(root: &Path, class: &str, name: &str) -> PathBuf {
    let mut file = encode(name);
    file.push_str(EXTENSION);
    root.join(encode(class)).join(file)
}
