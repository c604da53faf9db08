//! A file of a block while it is written.

use std::path::{Path, PathBuf};

use crate::error::TsdbError;
use crate::fs::{File, Fs};

/// Bytes that are gathered before they are handed to the operating system.
const BUFFER: usize = 256 << 10;

/// A new file, written from front to back through a buffer.
pub(crate) struct Output {
    path: PathBuf,
    file: Box<dyn File>,
    buffer: Vec<u8>,
    position: u64,
}

impl Output {
    /// Makes the file, which must not exist.
    pub(crate) fn create(fs: &dyn Fs, path: &Path) -> Result<Self, TsdbError> {
        let file = fs.create(path).map_err(|e| TsdbError::io(path, "create", e))?;
        Ok(Self { path: path.to_owned(), file, buffer: Vec::new(), position: 0 })
    }

    /// Bytes written so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), TsdbError> {
        self.buffer.extend_from_slice(bytes);
        self.position += bytes.len() as u64;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Appends zeros up to a multiple of `align`.
    pub(crate) fn pad(&mut self, align: u64) -> Result<(), TsdbError> {
        let missing = self.position.next_multiple_of(align) - self.position;
        self.write(&vec![0; missing as usize])
    }

    /// Hands everything over and makes it durable.
    pub(crate) fn finish(mut self) -> Result<(), TsdbError> {
        self.flush()?;
        self.file.sync().map_err(|e| TsdbError::io(&self.path, "sync", e))
    }

    fn flush(&mut self) -> Result<(), TsdbError> {
        self.file.append(&self.buffer).map_err(|e| TsdbError::io(&self.path, "write", e))?;
        self.buffer.clear();
        Ok(())
    }
}
