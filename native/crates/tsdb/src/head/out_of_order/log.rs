//! The log of out-of-order samples: the directory `wbl`, in the format of the write-ahead log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::wal::write::{WalOptions, Writer};
use crate::wal::{segment_name, segments};

/// The log, which is made when the first sample comes: most tenants never have one.
pub(in crate::head) struct OutOfOrderLog {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: WalOptions,
    writer: Option<Writer>,
}

impl OutOfOrderLog {
    /// The log in `dir`; nothing is touched yet.
    pub(in crate::head) fn new(fs: &Arc<dyn Fs>, dir: &Path, options: WalOptions) -> Self {
        Self { fs: Arc::clone(fs), dir: dir.to_owned(), options, writer: None }
    }

    /// Continues a log that is there already, which makes what it has durable.
    pub(in crate::head) fn resume(&mut self) -> Result<(), TsdbError> {
        if !segments(&*self.fs, &self.dir)?.is_empty() {
            self.writer()?;
        }
        Ok(())
    }

    /// Appends records, as [`Writer::log`] does; gives the bytes written.
    pub(in crate::head) fn log(&mut self, records: &[&[u8]]) -> Result<u64, TsdbError> {
        self.writer()?.log(records)
    }

    /// Begins a new segment and gives its number: what was logged so far is in segments before it.
    pub(super) fn cut(&mut self) -> Result<u64, TsdbError> {
        let was_open = self.writer.is_some();
        let writer = self.writer()?;
        if was_open {
            writer.cut_segment()?;
        }
        Ok(writer.segment_number())
    }

    /// Removes the segments before `first`, oldest first.
    pub(super) fn truncate(&self, first: u64) -> Result<(), TsdbError> {
        for number in segments(&*self.fs, &self.dir)?.into_iter().take_while(|number| *number < first) {
            let path = self.dir.join(segment_name(number));
            self.fs.remove_file(&path).map_err(|e| TsdbError::io(&path, "remove segment", e))?;
            failpoint::reach("late.segment-removed");
        }
        Ok(())
    }

    /// Makes the log durable.
    pub(in crate::head) fn close(&mut self) -> Result<(), TsdbError> {
        self.writer.as_mut().map_or(Ok(()), Writer::close)
    }

    fn writer(&mut self) -> Result<&mut Writer, TsdbError> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => Ok(none.insert(Writer::open(Arc::clone(&self.fs), &self.dir, self.options)?)),
        }
    }
}
