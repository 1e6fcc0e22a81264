//! The flushes of a store. Each flush is also reported to the recorder of simulated power failures.
//!
//! The recorder is called around the real flushes, so a flush that is missing in the code is missing in the
//! simulation.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::storage::StoreOptions;
use crate::storage::file::clean_close::{self, NEW};
use crate::storage::file::create::{suffixed, sync_folder};
use crate::storage::file::data_dir::Home;
use crate::storage::file::unsynced::content;
use crate::storage::testing::faults::Faults;

/// Flushes files and folders.
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct Flush {
    recorder: Option<Arc<Faults>>,
    home: Option<Arc<Home>>,
}

impl Flush {
    pub(in crate::storage) fn new(options: &StoreOptions) -> Self {
        let recorder = options.faults.as_ref().filter(|faults| faults.is_recording()).cloned();
        Self { recorder, home: options.home.clone() }
    }

    /// Flushes the content and the length of a database that is not open elsewhere.
    pub(in crate::storage) fn database(&self, file: &File, path: &Path) -> io::Result<()> {
        let before =
            self.recorder.as_ref().map(|faults| Ok::<_, io::Error>((faults, content(file)?))).transpose()?;
        file.sync_all()?;
        if let Some((faults, before)) = before {
            faults.flushed_database(path, before);
        }
        Ok(())
    }

    /// Flushes the content and the length of the log of a database.
    pub(in crate::storage) fn log(&self, log: &File, database: &Path) -> io::Result<()> {
        let before = self.recorder.as_ref().map(|faults| (faults, faults.before_flush(database)));
        log.sync_data()?;
        if let Some((faults, before)) = before {
            faults.flushed_log(database, before);
        }
        Ok(())
    }

    /// Flushes the names in a folder.
    pub(in crate::storage) fn folder(&self, path: &Path) -> io::Result<()> {
        let before = self.recorder.as_ref().map(|faults| (faults, faults.names_in(path)));
        sync_folder(path)?;
        if let Some((faults, before)) = before {
            faults.flushed_folder(path, before);
        }
        Ok(())
    }

    /// Returns whether the name of a folder is known to be on the disk.
    pub(in crate::storage) fn is_named(&self, folder: &Path) -> bool {
        self.home.as_ref().is_some_and(|home| home.is_named(folder))
    }

    /// Records that the name of a folder is on the disk.
    pub(in crate::storage) fn named(&self, folder: &Path) {
        if let Some(home) = &self.home {
            home.named(folder);
        }
    }

    /// Records that a database was made and is on the disk.
    pub(in crate::storage) fn made(&self, database: &Path) -> io::Result<()> {
        clean_close::made(database)?;
        if let Some(faults) = &self.recorder {
            faults.note_removed(suffixed(database, NEW));
        }
        Ok(())
    }
}
