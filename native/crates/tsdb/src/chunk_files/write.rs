//! Appends chunks to the files, and removes files.

use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::ChunkFile;
use super::{ChunkRef, FileChunk, HEADER, file_name};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::{File, Fs};

/// Bytes after which a file is ended.
const MAX_FILE_BYTES: u64 = 128 << 20;

/// Chunks to be written at once.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Batch {
    /// Adds a chunk.
    pub fn add(&mut self, chunk: &FileChunk<'_>) {
        self.offsets.push(self.bytes.len() as u32);
        chunk.encode(&mut self.bytes);
    }

    /// Bytes that are going to be written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// True without chunks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }
}

/// A batch that is in a file.
pub struct Written {
    /// The file, as far as it is written by now.
    pub file: Arc<ChunkFile>,
    /// Places of the chunks, in the order in which they were added.
    pub places: Vec<ChunkRef>,
}

/// Writes the files of one head.
pub struct Writer {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    max_file_bytes: u64,
    /// The oldest file that is there, or the next one when there is none.
    oldest: NonZeroU32,
    /// The first file of its own; those before it are of others, who may not have made them durable.
    first: NonZeroU32,
    /// Number of the file that is begun next.
    next: NonZeroU32,
    current: Option<Current>,
    /// A sync failed; what it should have written a later one does not try again.
    gave_up: bool,
}

/// The file that is being written.
struct Current {
    number: NonZeroU32,
    path: PathBuf,
    file: Box<dyn File>,
    /// Bytes of the file that hold whole chunks.
    len: u64,
    /// A failed append may have left bytes behind `len`: they must go before anything else is written.
    torn: bool,
}

impl Writer {
    /// Goes on after the files with the numbers in `range`, in a file of its own.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, dir: &Path, range: Option<(NonZeroU32, NonZeroU32)>) -> Self {
        let next = range.map_or(NonZeroU32::MIN, |(_, newest)| newest.saturating_add(1));
        let oldest = range.map_or(next, |(oldest, _)| oldest);
        Self {
            fs,
            dir: dir.to_owned(),
            max_file_bytes: MAX_FILE_BYTES,
            oldest,
            first: next,
            next,
            current: None,
            gave_up: false,
        }
    }

    /// Appends the chunks of a batch. They are durable when their file is ended.
    ///
    /// # Errors
    /// [`TsdbError::Io`]: none of the chunks can be found, and the next call may work again.
    pub fn write(&mut self, batch: &Batch) -> Result<Written, TsdbError> {
        if self.current.as_ref().is_some_and(|file| file.len + batch.bytes() as u64 > self.max_file_bytes) {
            self.end_file()?;
        }
        let file = match self.current.take() {
            Some(file) => file,
            None => self.begin_file()?,
        };
        let file = self.current.insert(file);
        let start = file.append(&batch.bytes)?;
        failpoint::reach("chunk-file.written");
        let mapped = Arc::new(ChunkFile::open(&*self.fs, &self.dir, file.number)?);
        file.len = start + batch.bytes() as u64;
        file.torn = false;
        let place = |offset: &u32| ChunkRef { file: file.number, offset: start as u32 + offset };
        Ok(Written { file: mapped, places: batch.offsets.iter().map(place).collect() })
    }

    /// Makes the file that is being written durable; the next batch begins another one.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn end_file(&mut self) -> Result<(), TsdbError> {
        // A file without chunks can as well get some: others would take it for damaged.
        let Some(file) = self.current.as_mut().filter(|file| file.len > 0) else { return Ok(()) };
        file.mend()?;
        let synced = file.file.sync().map_err(|e| TsdbError::io(&file.path, "sync", e));
        self.gave_up |= synced.is_err();
        synced?;
        self.fs.sync_dir(&self.dir).map_err(|e| TsdbError::io(&self.dir, "sync directory", e))?;
        self.current = None;
        failpoint::reach("chunk-file.ended");
        Ok(())
    }

    /// Makes all files durable, also those that were there before. False when that cannot be relied on, since a sync failed
    /// earlier.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn close(mut self) -> Result<bool, TsdbError> {
        self.end_file()?;
        let mut number = self.oldest;
        while number < self.first {
            let path = self.dir.join(file_name(number));
            self.fs.sync(&path).map_err(|e| TsdbError::io(&path, "sync", e))?;
            number = number.saturating_add(1);
        }
        if self.oldest < self.first {
            self.fs.sync_dir(&self.dir).map_err(|e| TsdbError::io(&self.dir, "sync directory", e))?;
        }
        Ok(!self.gave_up)
    }

    /// Removes the files before the number `first`, oldest first.
    ///
    /// # Errors
    /// [`TsdbError::Io`]: the next call goes on where this one ended.
    pub fn remove_before(&mut self, first: NonZeroU32) -> Result<(), TsdbError> {
        if self.current.as_ref().is_some_and(|file| file.number < first) {
            self.current = None;
        }
        while self.oldest < first.min(self.next) {
            let path = self.dir.join(file_name(self.oldest));
            match self.fs.remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TsdbError::io(&path, "remove", e)),
                _ => self.oldest = self.oldest.saturating_add(1),
            }
            failpoint::reach("chunk-file.removed");
        }
        Ok(())
    }

    fn begin_file(&mut self) -> Result<Current, TsdbError> {
        self.fs.create_dir_all(&self.dir).map_err(|e| TsdbError::io(&self.dir, "create", e))?;
        let number = self.next;
        let path = self.dir.join(file_name(number));
        let file = self.fs.create(&path).map_err(|e| TsdbError::io(&path, "create", e))?;
        failpoint::reach("chunk-file.begun");
        self.next = number.saturating_add(1);
        Ok(Current { number, path, file, len: 0, torn: false })
    }
}

impl Current {
    /// Appends bytes, after the header if there is none yet; gives the offset at which they begin. What was appended is
    /// torn until the caller says otherwise.
    fn append(&mut self, bytes: &[u8]) -> Result<u64, TsdbError> {
        self.mend()?;
        self.torn = true;
        let mut start = self.len;
        let failed = |e| TsdbError::io(&self.path, "append", e);
        if start == 0 {
            self.file.append(&HEADER).map_err(failed)?;
            start = HEADER.len() as u64;
        }
        failpoint::reach_after("chunk-file.half-written", || drop(self.file.append(&bytes[..bytes.len() / 2])));
        self.file.append(bytes).map_err(failed)?;
        Ok(start)
    }

    /// Cuts off what a failed append left behind, at which a start would take the rest for damaged.
    fn mend(&mut self) -> Result<(), TsdbError> {
        if self.torn {
            self.file.truncate(self.len).map_err(|e| TsdbError::io(&self.path, "truncate", e))?;
            self.torn = false;
        }
        Ok(())
    }
}
