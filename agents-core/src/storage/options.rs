//! How a store is opened.

use std::sync::Arc;
use std::time::Duration;

use super::file::data_dir::Home;
use super::testing::faults::Faults;

/// What an answer to a client promises about the writes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The writes are on the disk: they survive a power failure. Each batch of turns costs one
    /// flush of the disk.
    #[default]
    Disk,
    /// The writes are with the operating system: they survive the death of the process, but a
    /// power failure may take the newest of them. What is left is still consistent.
    Process,
}

/// The way to run work on the calling thread that leaves what else waits for the thread to another one.
pub type Blocking = fn(&mut dyn FnMut());

/// How a [`Store`](super::Store) is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// What a commit promises.
    pub durability: Durability,
    /// Whether the file is locked against other connections while the object is awake. On by
    /// default: it guards the one writer and saves a lock for each statement. Switch it off to
    /// look into the file of an awake object with other tools.
    pub exclusive: bool,
    /// How long one statement of the user may run.
    pub statement_timeout: Duration,
    /// The way to run work that may take long, such as opening a file, so that other work of the thread can go on elsewhere.
    /// A statement that runs for some milliseconds makes use of it as well. `None` just runs it.
    pub blocking: Option<Blocking>,
    /// How long to wait for another connection's lock.
    pub busy_timeout: Duration,
    /// How many prepared statements are kept.
    pub statement_cache: usize,
    /// The most memory SQLite keeps for pages, in KiB.
    pub cache_kib: u32,
    /// The largest state, in bytes of JSON.
    pub state_bytes: usize,
    /// The limits of SQL.
    pub limits: SqlLimits,
    /// Makes commits and syncs fail in tests, and remembers what is on the disk.
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

/// The limits of SQL. The defaults are those of the platform the npm package is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlLimits {
    /// Bytes of a row, a text or a blob.
    pub length: u32,
    /// Bytes of a statement.
    pub statement: u32,
    /// Parameters of a statement.
    pub parameters: u32,
    /// Columns of a table or a result.
    pub columns: u32,
    /// Arguments of a function.
    pub function_arguments: u32,
    /// Bytes of a LIKE or GLOB pattern.
    pub pattern: u32,
    /// Depth of an expression.
    pub expression_depth: u32,
    /// Parts of a compound SELECT.
    pub compound_select: u32,
    /// Depth of triggers that call triggers.
    pub trigger_depth: u32,
    /// Instructions a statement compiles to.
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
