//! The options of a store.

use std::sync::Arc;
use std::time::Duration;

use super::file::data_dir::Home;
use super::testing::faults::Faults;

/// The promise that an answer to a client makes about earlier writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The writes are on the disk and survive a power failure. Each batch of turns costs one flush of the
    /// disk.
    #[default]
    Disk,
    /// The operating system has the writes. They survive the death of the process, but a power failure may
    /// lose the newest of them. The remaining data is consistent.
    Process,
}

/// A function that runs blocking work on the calling thread, while another thread takes over the other tasks
/// of that thread.
pub type BlockInPlace = fn(&mut dyn FnMut());

/// The options with which a [`Store`](super::Store) is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// The promise of a commit.
    pub durability: Durability,
    /// Locks the file against other connections while the object is awake. `true` by default: the lock
    /// ensures that there is one writer, and saves a lock for each statement. Set it to `false` to read the
    /// file of an awake object with other tools.
    pub exclusive: bool,
    /// The time for which one statement of the user may run.
    pub statement_timeout: Duration,
    /// A function that runs long work, such as opening a file, so that the other tasks of the thread continue
    /// on another thread. A statement that runs for some milliseconds uses it as well. `None` runs the work
    /// directly.
    pub blocking: Option<BlockInPlace>,
    /// The time to wait for the lock of another connection.
    pub busy_timeout: Duration,
    /// The number of prepared statements that are kept.
    pub statement_cache: usize,
    /// The largest amount of memory that SQLite uses for pages, in KiB.
    pub cache_kib: u32,
    /// The largest state, in bytes of JSON.
    pub state_bytes: usize,
    /// The limits of SQL.
    pub limits: SqlLimits,
    /// Makes commits and syncs fail in tests, and records the content of the disk.
    #[doc(hidden)]
    pub faults: Option<Arc<Faults>>,
    /// The data folder that the file is in.
    pub(crate) home: Option<Arc<Home>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Disk,
            exclusive: true,
            statement_timeout: Duration::from_secs(30),
            blocking: None,
            busy_timeout: Duration::from_secs(5),
            statement_cache: 64,
            cache_kib: 1024,
            state_bytes: 4 * 1024 * 1024,
            limits: SqlLimits::default(),
            faults: None,
            home: None,
        }
    }
}

/// The limits of SQL. The defaults are those of the platform for which the npm package is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlLimits {
    /// The bytes of a row, a text or a blob.
    pub length: u32,
    /// The bytes of a statement.
    pub statement: u32,
    /// The number of parameters of a statement.
    pub parameters: u32,
    /// The number of columns of a table or a result.
    pub columns: u32,
    /// The number of arguments of a function.
    pub function_arguments: u32,
    /// The bytes of a LIKE or GLOB pattern.
    pub pattern: u32,
    /// The depth of an expression.
    pub expression_depth: u32,
    /// The number of parts of a compound SELECT.
    pub compound_select: u32,
    /// The depth of triggers that call triggers.
    pub trigger_depth: u32,
    /// The number of instructions of a compiled statement.
    pub instructions: u32,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            length: 4 * 1024 * 1024,
            statement: 100_000,
            parameters: 100,
            columns: 100,
            function_arguments: 127,
            pattern: 50,
            expression_depth: 100,
            compound_select: 5,
            trigger_depth: 10,
            instructions: 25_000,
        }
    }
}
