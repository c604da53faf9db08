//! What can go wrong in a tenant's database.

use std::io;
use std::path::{Path, PathBuf};

use neocortex_model::series::StorageError;

/// A database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum TsdbError {
    /// The operating system refused something.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done, such as `open segment`.
        doing: &'static str,
        /// The refusal.
        source: io::Error,
    },
    /// A file does not hold what its format says.
    #[error("{} is corrupt at byte {offset}: {what}", if path.as_os_str().is_empty() { Path::new("chunk") } else { path }.display())]
    Corrupt {
        /// The file; empty for bytes in memory.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What was wrong.
        what: String,
    },
    /// A directory that was opened for reading holds no database.
    #[error("{} is no database: it has neither blocks nor a write-ahead log", path.display())]
    NoDatabase {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that was opened for reading changed each time it was read.
    #[error("{} changed while it was read, {attempts} times", path.display())]
    Unsettled {
        /// The directory.
        path: PathBuf,
        /// How often it was read.
        attempts: u32,
    },
    /// The database was closed.
    #[error("database is closed")]
    Closed,
    /// The process has as many series as it may, over all tenants. The text is Cortex's.
    #[error("cannot add series: ingesters's max series limit reached")]
    TooManySeries,
}

impl TsdbError {
    pub(crate) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing, source }
    }

    /// Bytes in memory, such as a chunk, are not what their format says.
    pub(crate) fn corrupt_bytes(offset: usize, what: impl ToString) -> Self {
        Self::Corrupt { path: PathBuf::new(), offset: offset as u64, what: what.to_string() }
    }
}

impl From<TsdbError> for StorageError {
    fn from(error: TsdbError) -> Self {
        Self::Corrupt(error.to_string())
    }
}
