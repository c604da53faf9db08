//! A database opened for reading alone. Nothing in its directory is changed, and the process that owns it may go on
//! writing to it: what is read is what was there at the time of the opening.
//!
//! The owner moves samples from the log to blocks, and blocks to other blocks; then it removes what they came from. So a
//! directory is read between two looks, and read again when they differ.

use std::io;
use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::series::{Queryable, SelectHints, Series, StorageError};

use crate::block::{Block, META_FILE, Ulid, dir};
use crate::clock::SystemClock;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::head::Head;
use crate::local::Local;
use crate::selections::{SelectionCache, Selections};
use crate::tsdb::Options;
use crate::wal::checkpoint;

/// How often a directory is read that changes meanwhile. An owner changes it every few hours.
const ATTEMPTS: u32 = 5;

/// A database opened for reading alone.
pub struct ReadOnlyTsdb {
    local: Arc<Local>,
}

impl ReadOnlyTsdb {
    /// Opens the directory of a database, of Prometheus or of a tenant, or that of a single block. The log is replayed into
    /// memory from the end of the newest block on; damage in its last segment, such as a torn write, ends it there.
    ///
    /// # Errors
    /// [`TsdbError::Io`] when something cannot be read; [`TsdbError::Corrupt`] when a block, a checkpoint or a segment of
    /// the log before the last is damaged; [`TsdbError::NoDatabase`]; [`TsdbError::Unsettled`].
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Self, TsdbError> {
        let names = fs.list(dir).map_err(|e| TsdbError::io(dir, "open database", e))?;
        if names.iter().any(|name| name == META_FILE) {
            return Ok(Self::new(empty_head(), vec![Arc::new(Block::open(fs, dir)?)]));
        }
        let mut look = Look::at(&**fs, dir)?;
        if look == Look::default() {
            return Err(TsdbError::NoDatabase { path: dir.to_owned() });
        }
        for _ in 0..ATTEMPTS {
            let read = Self::read(fs, dir);
            let next = Look::at(&**fs, dir)?;
            if next == look {
                return read;
            }
            look = next;
        }
        Err(TsdbError::Unsettled { path: dir.to_owned(), attempts: ATTEMPTS })
    }

    fn read(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Self, TsdbError> {
        let blocks = dir::read_all(fs, dir)?;
        let head = empty_head();
        head.read_log(fs, dir, dir::end_of_log(&blocks))?;
        Ok(Self::new(head, blocks))
    }

    fn new(head: Head, blocks: Vec<Arc<Block>>) -> Self {
        // It is often asked once only, and nobody else shares it.
        let nothing_kept = Selections::new(&Arc::new(SelectionCache::new(0)));
        Self { local: Arc::new(Local::new(Arc::new(head), blocks, nothing_kept)) }
    }

    /// First and last millisecond that there may be samples of; `None` without any. A block names the range that it covers,
    /// which may reach beyond its samples.
    #[must_use]
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let blocks = self.local.blocks();
        let ranges = blocks.iter().map(|block| (block.meta().min_time, block.meta().max_time - 1));
        ranges.chain(self.local.head().whole_time_range()).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Label names of the series that match all matchers (all series without matchers), sorted, whatever the time.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the index of a block is damaged.
    pub fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(self.local.label_names(matchers)?)
    }

    /// Values of a label among the series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(self.local.label_values(name, matchers)?)
    }

    /// The series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn series(&self, matchers: &[Matcher]) -> Result<Vec<Labels>, StorageError> {
        Ok(self.local.series(matchers)?)
    }
}

impl Queryable for ReadOnlyTsdb {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        self.local.select(matchers, hints)
    }
}

fn empty_head() -> Head {
    Head::new(Arc::new(SystemClock), &Options::default())
}

/// What of a directory changes when samples move; not what changes when samples come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    blocks: Vec<Ulid>,
    /// Number of the last segment that the newest checkpoint replaces.
    checkpoint: Option<u64>,
    first_segment: Option<u64>,
}

impl Look {
    fn at(fs: &dyn Fs, dir: &Path) -> Result<Self, TsdbError> {
        let wal = dir.join("wal");
        let segments = match fs.list(&wal) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|e| TsdbError::io(&wal, "list segments", e))?,
        };
        Ok(Self {
            blocks: dir::list(fs, dir)?,
            checkpoint: checkpoint::newest(fs, &wal)?.map(|(_, last)| last),
            first_segment: segments.iter().filter_map(|name| name.parse().ok()).min(),
        })
    }
}

#[cfg(test)]
mod tests;
