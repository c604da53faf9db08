//! Snapshots of the head, `chunk_snapshot.000012.0000345678`: what a start would else take from the log up to segment 12,
//! byte 345678.
//!
//! A snapshot is a directory that is itself a log, described in [`crate::wal`], of the records in [`record`]: one a series,
//! then one of what is deleted, then the exemplars. It has the chunks that are being filled; the full ones must be in chunk
//! files when it is made. Out-of-order samples are in their own log as ever.
//!
//! Beside the segments there is a file `next_series` with the number of the next new series, in decimal: the log may name
//! series that are gone, whose numbers must not be given again. Prometheus leaves that file alone, and makes none.
//!
//! It gets its name when it is complete and durable, and is used as long as the log goes on from there: when something goes
//! from the log or is cut off the chunk files, snapshots go first.
//!
//! What does not hold: damage to the log before the snapshot, as a failed sync leaves when the power fails, is not seen by a
//! start from it, but by a later one that reads the log from the beginning and cuts it off there.
//!
//! Source: Prometheus `tsdb/docs/format/memory_snapshot.md`, `tsdb/head_wal.go` (`ChunkSnapshot`, `LastChunkSnapshot`,
//! `DeleteChunkSnapshots`).

pub mod record;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::wal::read::Position;
use crate::wal::write::{WalOptions, Writer as Log};

const PREFIX: &str = "chunk_snapshot.";

const TEMPORARY_SUFFIX: &str = ".tmp";

const NEXT_SERIES_FILE: &str = "next_series";

/// More digits than a number has.
const MAX_DIGITS: u64 = 24;

/// Bytes of records that are gathered before they are written.
const BATCH_BYTES: usize = 1 << 20;

/// The newest snapshot in the directory of a database: its own, and the place in the log from which on a start needs it.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn newest(fs: &dyn Fs, dir: &Path) -> Result<Option<(PathBuf, Position)>, TsdbError> {
    let complete = names(fs, dir)?.into_iter().filter_map(|name| Some((parse(&name)?, name)));
    Ok(complete.max().map(|(position, name)| (dir.join(name), position)))
}

/// The number of the next new series when a snapshot was made; `None` when Prometheus made it.
///
/// # Errors
/// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when it is no number.
pub fn next_series(fs: &dyn Fs, snapshot: &Path) -> Result<Option<u64>, TsdbError> {
    let path = snapshot.join(NEXT_SERIES_FILE);
    let mut text = String::new();
    match fs.open(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(TsdbError::io(&path, "open", e)),
        Ok(file) => file.take(MAX_DIGITS).read_to_string(&mut text).map_err(|e| TsdbError::io(&path, "read", e))?,
    };
    let corrupt = |_| TsdbError::Corrupt { path: path.clone(), offset: 0, what: "not a number".to_owned() };
    text.parse().map(Some).map_err(corrupt)
}

/// Removes all snapshots in the directory of a database, complete or not.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn remove_all(fs: &dyn Fs, dir: &Path) -> Result<(), TsdbError> {
    remove_others(fs, dir, "")
}

fn remove_others(fs: &dyn Fs, dir: &Path, kept: &str) -> Result<(), TsdbError> {
    for name in names(fs, dir)?.into_iter().filter(|name| name != kept) {
        let path = dir.join(&name);
        // What an interruption leaves must not be taken for a snapshot.
        let doomed = match name.strip_suffix(TEMPORARY_SUFFIX) {
            Some(_) => path,
            None => rename_to_temporary(fs, dir, &name)?,
        };
        failpoint::reach("snapshot.other-renamed");
        fs.remove_dir_all(&doomed).map_err(|e| TsdbError::io(&doomed, "remove snapshot", e))?;
    }
    Ok(())
}

fn rename_to_temporary(fs: &dyn Fs, dir: &Path, name: &str) -> Result<PathBuf, TsdbError> {
    let (path, temporary) = (dir.join(name), dir.join(format!("{name}{TEMPORARY_SUFFIX}")));
    match fs.remove_dir_all(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TsdbError::io(&temporary, "remove", e)),
        _ => {}
    }
    fs.rename(&path, &temporary).map_err(|e| TsdbError::io(&path, "rename", e))?;
    Ok(temporary)
}

/// Names of snapshots, and of such that were not completed.
fn names(fs: &dyn Fs, dir: &Path) -> Result<Vec<String>, TsdbError> {
    let mut names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TsdbError::io(dir, "list snapshots", e)),
    };
    names.retain(|name| parse(name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name)).is_some());
    Ok(names)
}

fn parse(name: &str) -> Option<Position> {
    let (segment, offset) = name.strip_prefix(PREFIX)?.split_once('.')?;
    Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
}

/// Writes a snapshot.
pub struct Writer {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    name: String,
    log: Log,
    batch: Vec<Vec<u8>>,
    bytes: usize,
}

impl Writer {
    /// Begins a snapshot in the directory of a database whose log ends at a place.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn create(fs: &Arc<dyn Fs>, dir: &Path, end: Position, options: WalOptions) -> Result<Self, TsdbError> {
        let name = format!("{PREFIX}{:06}.{:010}", end.segment, end.offset);
        let temporary = dir.join(format!("{name}{TEMPORARY_SUFFIX}"));
        match fs.remove_dir_all(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TsdbError::io(&temporary, "remove", e)),
            _ => {}
        }
        let log = Log::open(Arc::clone(fs), &temporary, options)?;
        failpoint::reach("snapshot.begun");
        Ok(Self { fs: Arc::clone(fs), dir: dir.to_owned(), name, log, batch: Vec::new(), bytes: 0 })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn push(&mut self, record: Vec<u8>) -> Result<(), TsdbError> {
        self.bytes += record.len();
        self.batch.push(record);
        if self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Makes the snapshot durable, gives it its name, and removes the others. `next_series` is the number of the next new
    /// series.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn finish(mut self, next_series: u64) -> Result<(), TsdbError> {
        self.flush()?;
        failpoint::reach("snapshot.written");
        self.log.close()?;
        self.write_next_series(next_series)?;
        let (temporary, path) = (self.dir.join(format!("{}{TEMPORARY_SUFFIX}", self.name)), self.dir.join(&self.name));
        self.fs.sync_dir(&temporary).map_err(|e| TsdbError::io(&temporary, "sync directory", e))?;
        failpoint::reach("snapshot.complete");
        self.fs.rename(&temporary, &path).map_err(|e| TsdbError::io(&path, "rename", e))?;
        failpoint::reach("snapshot.named");
        remove_others(&*self.fs, &self.dir, &self.name)
    }

    fn write_next_series(&self, next_series: u64) -> Result<(), TsdbError> {
        let path = self.dir.join(format!("{}{TEMPORARY_SUFFIX}", self.name)).join(NEXT_SERIES_FILE);
        let failed = |e| TsdbError::io(&path, "write", e);
        let mut file = self.fs.create(&path).map_err(failed)?;
        file.append(next_series.to_string().as_bytes()).map_err(failed)?;
        file.sync().map_err(failed)
    }

    fn flush(&mut self) -> Result<(), TsdbError> {
        let slices: Vec<&[u8]> = self.batch.iter().map(Vec::as_slice).collect();
        self.log.log(&slices)?;
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }
}
