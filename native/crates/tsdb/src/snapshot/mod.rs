//! Snapshots of the head, `chunk_snapshot.000012.0000345678`: what a start would else take from the log up to segment 12,
//! byte 345678.
//!
//! A snapshot is a directory that is itself a log, described in [`crate::wal`], of the records in [`record`]: one a series,
//! then one of what is deleted, then the exemplars. It has the chunks that are being filled; the full ones must be in chunk
//! files when it is made. Out-of-order samples are in their own log as ever.
//!
//! Beside the segments there is a file of [`counts`], which Prometheus leaves alone, and makes none.
//!
//! It gets its name when it is complete and durable, and is used as long as the log goes on from there: when something goes
//! from the log or is cut off the chunk files, snapshots go first. They also go at a start that takes the log from its
//! beginning, which is going to append to series that only the beginning names. Prometheus leaves them there then; a start
//! from such a one comes upon samples of series that nothing names, and is done again without it.
//!
//! # Damage that a snapshot hides
//!
//! A start from a snapshot takes nothing from the log before it, and cannot tell by the chunk files themselves that one of
//! them lost its end. A sync that failed, once the power fails, leaves such damage, and a snapshot must not put off that it
//! is found: what is acknowledged after that start would be lost with what a later one, without a snapshot, cuts off. So
//! every start from a snapshot goes over the log before it as well, by [`crate::wal::sound`]: it reads the bytes, which a
//! restart finds in the page cache, and unpacks no record. If something is damaged or missing there, a checkpoint of all
//! that the head has takes the place of the log before the first new sample is taken, and the snapshot goes: so that the
//! directory is whole with a snapshot and without one, for Prometheus too. Chunks that are missing in files are told by
//! [`counts`]; the start then is one without a snapshot, which takes them from the log.
//!
//! Source: Prometheus `tsdb/docs/format/memory_snapshot.md`, `tsdb/head_wal.go` (`ChunkSnapshot`, `LastChunkSnapshot`,
//! `DeleteChunkSnapshots`).

pub mod counts;
pub mod record;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counts::Counts;

use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::wal::named::{NamedLog, TEMPORARY_SUFFIX, remove_if_there, temporary_path};
use crate::wal::read::Position;
use crate::wal::write::WalOptions;

const PREFIX: &str = "chunk_snapshot.";

/// The newest snapshot in the directory of a database: its own, and the place in the log from which on a start needs it.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn newest(fs: &dyn Fs, dir: &Path) -> Result<Option<(PathBuf, Position)>, TsdbError> {
    let complete = names(fs, dir)?.into_iter().filter_map(|name| Some((parse(&name)?, name)));
    Ok(complete.max().map(|(position, name)| (dir.join(name), position)))
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
        let doomed = if name.ends_with(TEMPORARY_SUFFIX) { path } else { rename_to_temporary(fs, &path)? };
        failpoint::reach("snapshot.other-renamed");
        fs.remove_dir_all(&doomed).map_err(|e| TsdbError::io(&doomed, "remove snapshot", e))?;
    }
    Ok(())
}

fn rename_to_temporary(fs: &dyn Fs, path: &Path) -> Result<PathBuf, TsdbError> {
    let temporary = temporary_path(path);
    remove_if_there(fs, &temporary)?;
    fs.rename(path, &temporary).map_err(|e| TsdbError::io(path, "rename", e))?;
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
    log: NamedLog,
}

impl Writer {
    /// Begins a snapshot in the directory of a database whose log ends at a place.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn create(fs: &Arc<dyn Fs>, dir: &Path, end: Position, options: WalOptions) -> Result<Self, TsdbError> {
        let name = format!("{PREFIX}{:06}.{:010}", end.segment, end.offset);
        let log = NamedLog::create(fs, &dir.join(&name), options)?;
        failpoint::reach("snapshot.begun");
        Ok(Self { fs: Arc::clone(fs), dir: dir.to_owned(), name, log })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn push(&mut self, record: Vec<u8>) -> Result<(), TsdbError> {
        self.log.push(record)
    }

    /// Makes the snapshot durable, gives it its name, and removes the others.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn finish(self, counts: &Counts) -> Result<(), TsdbError> {
        failpoint::reach("snapshot.written");
        counts.write(&self.log)?;
        let complete = self.log.complete()?;
        failpoint::reach("snapshot.complete");
        complete.name()?;
        failpoint::reach("snapshot.named");
        remove_others(&*self.fs, &self.dir, &self.name)
    }
}
