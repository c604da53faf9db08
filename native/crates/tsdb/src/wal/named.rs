//! A log that gets its name once it is complete and durable: a checkpoint, a snapshot.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::write::{WalOptions, Writer};
use crate::error::TsdbError;
use crate::fs::Fs;

/// What the name ends with until the log is complete.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Bytes of records that are gathered before they are written.
const BATCH_BYTES: usize = 1 << 20;

/// A log that is being written under a temporary name.
pub(crate) struct NamedLog {
    place: Place,
    log: Writer,
    batch: Vec<Vec<u8>>,
    bytes: usize,
}

/// A log that is durable, but has its name yet to get.
pub(crate) struct Complete(Place);

struct Place {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    temporary: PathBuf,
}

impl NamedLog {
    /// Begins the log that is to be the directory `path`. What an interrupted attempt left is removed.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub(crate) fn create(fs: &Arc<dyn Fs>, path: &Path, options: WalOptions) -> Result<Self, TsdbError> {
        let temporary = temporary_path(path);
        remove_if_there(&**fs, &temporary)?;
        let log = Writer::open(Arc::clone(fs), &temporary, options)?;
        let place = Place { fs: Arc::clone(fs), path: path.to_owned(), temporary };
        Ok(Self { place, log, batch: Vec::new(), bytes: 0 })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub(crate) fn push(&mut self, record: Vec<u8>) -> Result<(), TsdbError> {
        self.bytes += record.len();
        self.batch.push(record);
        if self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Puts a file beside the segments, durably. Readers of logs pass over it.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), TsdbError> {
        let path = self.place.temporary.join(name);
        let failed = |e| TsdbError::io(&path, "write", e);
        let mut file = self.place.fs.create(&path).map_err(failed)?;
        file.append(bytes).map_err(failed)?;
        file.sync().map_err(failed)
    }

    /// Ends the log and makes it durable.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub(crate) fn complete(mut self) -> Result<Complete, TsdbError> {
        self.flush()?;
        self.log.close()?;
        let Place { fs, temporary, .. } = &self.place;
        fs.sync_dir(temporary).map_err(|e| TsdbError::io(temporary, "sync directory", e))?;
        Ok(Complete(self.place))
    }

    fn flush(&mut self) -> Result<(), TsdbError> {
        let slices: Vec<&[u8]> = self.batch.iter().map(Vec::as_slice).collect();
        self.log.log(&slices)?;
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Complete {
    /// Gives it its name, durably.
    ///
    /// # Errors
    /// [`TsdbError::Io`]: it may have either name.
    pub(crate) fn name(self) -> Result<(), TsdbError> {
        let Place { fs, path, temporary } = &self.0;
        fs.rename(temporary, path).map_err(|e| TsdbError::io(path, "rename", e))
    }
}

/// The name that a directory has as long as it is not complete, or no longer.
pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(TEMPORARY_SUFFIX);
    name.into()
}

/// Removes a directory; that there is none is no error.
///
/// # Errors
/// [`TsdbError::Io`]
pub(crate) fn remove_if_there(fs: &dyn Fs, dir: &Path) -> Result<(), TsdbError> {
    match fs.remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TsdbError::io(dir, "remove", e)),
        _ => Ok(()),
    }
}
