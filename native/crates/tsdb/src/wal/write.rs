//! Appends records to the log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::Position;
use super::{Fragment, HEADER_SIZE, PAGE_SIZE, SNAPPY, ZSTD, segment_name, segments};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::{File, Fs};
use crate::tsdb::WalCompression;
use crate::upkeep::Tally;

/// Bytes of buffers that are kept from one batch to the next.
const KEPT_BUFFER: usize = 256 << 10;

/// How the log is written.
#[derive(Clone, Copy, Debug)]
pub struct WalOptions {
    /// Bytes after which a new segment is begun; a multiple of [`PAGE_SIZE`].
    pub segment_size: usize,
    /// Compression of records.
    pub compression: WalCompression,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self { segment_size: 128 << 20, compression: WalCompression::None }
    }
}

/// Figures of a log that is being written, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WriterStats {
    /// Number of the last segment.
    pub segment: u64,
    /// Writes.
    pub writes: u64,
    /// Pages that were filled.
    pub pages: u64,
    /// Times that it was made durable.
    pub syncs: Tally,
}

/// The log of one database, open for appending. One writer a directory.
pub struct Writer {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: WalOptions,
    stats: WriterStats,
    /// `None` as long as nothing was appended to a log that was there before: most tenants of a start stay quiet, and a
    /// segment costs a descriptor and a sync.
    file: Option<Box<dyn File>>,
    /// The name of the segment is durable.
    named: bool,
    /// Bytes of the last segment that hold whole records.
    len: u64,
    /// A failed append may have left bytes behind `len`: they must go before anything else is written.
    torn: bool,
    /// Framed bytes of the batch being written.
    out: Vec<u8>,
    compressor: Compressor,
    compressed: Vec<u8>,
    closed: bool,
}

/// Compression with what it needs to keep between records.
enum Compressor {
    None,
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    fn new(compression: WalCompression) -> io::Result<Self> {
        Ok(match compression {
            WalCompression::None => Self::None,
            WalCompression::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            WalCompression::Zstd => Self::Zstd(zstd::bulk::Compressor::new(1)?),
        })
    }
}

impl Writer {
    /// Continues the log in `dir`, which is made if need be. The existing segments are made durable; a new one begins with the
    /// first append, or now if there is none.
    ///
    /// # Errors
    /// [`TsdbError`] when the directory or the segment cannot be made.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: WalOptions) -> Result<Self, TsdbError> {
        fs.create_dir_all(dir).map_err(|e| TsdbError::io(dir, "create", e))?;
        let compressor =
            Compressor::new(options.compression).map_err(|e| TsdbError::io(dir, "prepare compression", e))?;
        let (segment, file, len) = match segments(&*fs, dir)?.last() {
            Some(last) => {
                let path = dir.join(segment_name(*last));
                // Whoever wrote it may have died before it was durable, and only the end of the last segment may be torn.
                fs.sync(&path).map_err(|e| TsdbError::io(&path, "sync segment", e))?;
                (*last, None, fs.len(&path).map_err(|e| TsdbError::io(&path, "size segment", e))?)
            }
            None => {
                let file = create_segment(&*fs, dir, 0)?;
                sync_dir(&*fs, dir)?;
                (0, Some(file), 0)
            }
        };
        Ok(Self {
            fs,
            dir: dir.to_owned(),
            options,
            stats: WriterStats { segment, ..WriterStats::default() },
            file,
            named: true,
            len,
            torn: false,
            out: Vec::new(),
            compressor,
            compressed: Vec::new(),
            closed: false,
        })
    }

    /// Number of the last segment.
    #[must_use]
    pub fn segment_number(&self) -> u64 {
        self.stats.segment
    }

    /// Figures since it was opened.
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        self.stats
    }

    /// The end of the last record that was appended.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { segment: self.stats.segment, offset: self.len }
    }

    /// Appends records. When this returns `Ok`, the operating system has all of them: they survive the death of the
    /// process. On an error none of them is in the log, and the next call may work again.
    ///
    /// Gives the number of bytes written.
    ///
    /// # Errors
    /// [`TsdbError::Io`] when they cannot be written, [`TsdbError::Closed`].
    pub fn log(&mut self, records: &[&[u8]]) -> Result<u64, TsdbError> {
        if self.closed {
            return Err(TsdbError::Closed);
        }
        self.mend()?;
        if self.file.is_none() {
            self.begin_segment()?;
        }
        // An earlier call may have failed at that, and a start relies on it.
        self.name()?;
        self.frame_all(records)?;
        if self.len > 0 && self.len as usize + self.out.len() > self.options.segment_size {
            // The whole batch goes to the next segment: so it is in the log wholly or not at all.
            self.next_segment()?;
            self.frame_all(records)?;
        }
        self.flush()
    }

    /// Takes back the last batch, of which [`Self::log`] said how many bytes it wrote: it must not be in the log when it could
    /// not be finished elsewhere. If that fails now, it is done before anything else is written.
    pub fn take_back(&mut self, bytes: u64) {
        self.len -= bytes;
        self.torn = true;
        let _ = self.mend();
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn sync(&mut self) -> Result<(), TsdbError> {
        let path = self.path();
        if let Some(file) = &mut self.file {
            self.stats.syncs.count(|| file.sync().map_err(|e| TsdbError::io(&path, "sync segment", e)))?;
        }
        self.name()
    }

    /// Makes the segment durable and begins the next one.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn cut_segment(&mut self) -> Result<(), TsdbError> {
        if self.closed {
            return Err(TsdbError::Closed);
        }
        self.mend()?;
        self.next_segment()
    }

    /// Makes the log durable; appends then fail. A second call does nothing.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn close(&mut self) -> Result<(), TsdbError> {
        if self.closed {
            return Ok(());
        }
        self.mend()?;
        self.sync()?;
        self.closed = true;
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.dir.join(segment_name(self.stats.segment))
    }

    /// Frames the records for the end of the segment.
    fn frame_all(&mut self, records: &[&[u8]]) -> Result<(), TsdbError> {
        self.out.clear();
        for record in records.iter().filter(|record| !record.is_empty()) {
            let flag = self.compress(record)?;
            let data = if flag == 0 { record } else { self.compressed.as_slice() };
            frame(&mut self.out, self.len as usize, data, flag);
        }
        Ok(())
    }

    /// Compresses a record into `compressed`, if so configured and of use, and gives the flag for its fragments.
    fn compress(&mut self, record: &[u8]) -> Result<u8, TsdbError> {
        let failed = |e: io::Error| TsdbError::io(&self.dir, "compress record", e);
        let flag = match &mut self.compressor {
            Compressor::None => return Ok(0),
            Compressor::Snappy(encoder) => {
                self.compressed.resize(snap::raw::max_compress_len(record.len()), 0);
                let n = encoder.compress(record, &mut self.compressed).map_err(|e| failed(io::Error::other(e)))?;
                self.compressed.truncate(n);
                SNAPPY
            }
            Compressor::Zstd(compressor) => {
                self.compressed.clear();
                self.compressed.reserve(zstd::zstd_safe::compress_bound(record.len()));
                compressor.compress_to_buffer(record, &mut self.compressed).map_err(failed)?;
                ZSTD
            }
        };
        Ok(if self.compressed.len() < record.len() { flag } else { 0 })
    }

    /// Hands the framed batch to the operating system.
    fn flush(&mut self) -> Result<u64, TsdbError> {
        let n = self.out.len() as u64;
        let (Some(file), out) = (&mut self.file, &self.out) else { return Err(TsdbError::Closed) };
        // What comes of a torn write is for the next start to see.
        failpoint::reach_after("log.half-written", || drop(file.append(&out[..out.len() / 2])));
        if n > 0
            && let Err(e) = file.append(out)
        {
            self.torn = true;
            return Err(TsdbError::io(&self.path(), "append to segment", e));
        }
        let pages = |bytes: u64| bytes / PAGE_SIZE as u64;
        self.stats.writes += u64::from(n > 0);
        self.stats.pages += pages(self.len + n) - pages(self.len);
        self.len += n;
        // One large request must not be held on to for ever.
        self.out.clear();
        self.out.shrink_to(KEPT_BUFFER);
        self.compressed.clear();
        self.compressed.shrink_to(KEPT_BUFFER);
        Ok(n)
    }

    /// Cuts off what a failed append left behind, without which a reader would stop there.
    fn mend(&mut self) -> Result<(), TsdbError> {
        if self.torn
            && let Some(file) = &mut self.file
        {
            let path = self.dir.join(segment_name(self.stats.segment));
            file.truncate(self.len).map_err(|e| TsdbError::io(&path, "truncate segment", e))?;
            self.torn = false;
        }
        Ok(())
    }

    fn next_segment(&mut self) -> Result<(), TsdbError> {
        self.sync()?;
        failpoint::reach("segment.ended");
        self.begin_segment()
    }

    fn begin_segment(&mut self) -> Result<(), TsdbError> {
        self.file = Some(create_segment(&*self.fs, &self.dir, self.stats.segment + 1)?);
        failpoint::reach("segment.begun");
        self.stats.segment += 1;
        (self.len, self.named) = (0, false);
        self.name()
    }

    /// Makes the name of the segment durable.
    fn name(&mut self) -> Result<(), TsdbError> {
        if !self.named {
            sync_dir(&*self.fs, &self.dir)?;
            self.named = true;
        }
        Ok(())
    }
}

fn create_segment(fs: &dyn Fs, dir: &Path, number: u64) -> Result<Box<dyn File>, TsdbError> {
    let path = dir.join(segment_name(number));
    fs.create(&path).map_err(|e| TsdbError::io(&path, "create segment", e))
}

fn sync_dir(fs: &dyn Fs, dir: &Path) -> Result<(), TsdbError> {
    fs.sync_dir(dir).map_err(|e| TsdbError::io(dir, "sync directory", e))
}

/// Appends the fragments of a record; `base` is where `out` begins in the segment.
fn frame(out: &mut Vec<u8>, base: usize, mut data: &[u8], flag: u8) {
    let mut first = true;
    loop {
        let page_left = PAGE_SIZE - (base + out.len()) % PAGE_SIZE;
        if page_left < HEADER_SIZE {
            out.resize(out.len() + page_left, 0);
            continue;
        }
        let (part, rest) = data.split_at(data.len().min(page_left - HEADER_SIZE));
        let fragment = match (first, rest.is_empty()) {
            (true, true) => Fragment::Full,
            (true, false) => Fragment::First,
            (false, false) => Fragment::Middle,
            (false, true) => Fragment::Last,
        };
        out.push(fragment as u8 | flag);
        out.extend_from_slice(&(part.len() as u16).to_be_bytes());
        out.extend_from_slice(&crc32c::crc32c(part).to_be_bytes());
        out.extend_from_slice(part);
        if rest.is_empty() {
            return;
        }
        (data, first) = (rest, false);
    }
}
