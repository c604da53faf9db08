//! Reads a log record by record.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Fragment, HEADER_SIZE, PAGE_SIZE, SNAPPY, TYPE_MASK, ZSTD, segment_name, segments};
use crate::error::TsdbError;
use crate::fs::Fs;

/// The longest record that is put together; a longer one is taken for damage.
const MAX_RECORD: usize = 1 << 30;

/// What snappy can make of a byte at best: three bytes stand for 64.
const MAX_SNAPPY_RATIO: usize = 22;

/// Where a record ends: what a repair keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Offset in it.
    pub offset: u64,
}

/// Reads the records of a directory's segments in order, one page in memory at a time. Every checksum is verified.
pub struct Reader {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// Segments that are still to come, last first.
    ahead: Vec<u64>,
    segment: Option<(u64, Box<dyn Read + Send>)>,
    page: Vec<u8>,
    /// Offset of `page` in the segment.
    page_start: u64,
    at: usize,
    /// Zeros of the segment so far that stand where a record could.
    zeros: usize,
    gap: bool,
    record: Vec<u8>,
    plain: Vec<u8>,
    good: Position,
}

impl Reader {
    /// Reads from the segment `from` on.
    ///
    /// # Errors
    /// [`TsdbError`] when the directory cannot be listed or a segment is missing.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, from: u64) -> Result<Self, TsdbError> {
        let mut ahead: Vec<u64> = segments(&*fs, dir)?.into_iter().filter(|number| *number >= from).collect();
        ahead.reverse();
        let good = Position { segment: ahead.last().copied().unwrap_or(from), offset: 0 };
        Ok(Self {
            fs,
            dir: dir.to_owned(),
            ahead,
            segment: None,
            page: Vec::with_capacity(PAGE_SIZE),
            page_start: 0,
            at: 0,
            zeros: 0,
            gap: false,
            record: Vec::new(),
            plain: Vec::new(),
            good,
        })
    }

    /// Reads from a place on at which a record ends. A segment that ends there, or before, is not read at all.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(fs: Arc<dyn Fs>, dir: &Path, from: Position) -> Result<Self, TsdbError> {
        let mut reader = Self::open(fs, dir, from.segment)?;
        if from.offset > 0 && reader.ahead.last() == Some(&from.segment) {
            reader.skip_to(from)?;
        }
        Ok(reader)
    }

    /// Reads no segments after `last`.
    #[must_use]
    pub fn up_to(mut self, last: u64) -> Self {
        self.ahead.retain(|number| *number <= last);
        self
    }

    fn skip_to(&mut self, from: Position) -> Result<(), TsdbError> {
        let path = self.dir.join(segment_name(from.segment));
        let failed = |e| TsdbError::io(&path, "read segment", e);
        self.ahead.pop();
        if self.fs.len(&path).map_err(failed)? <= from.offset {
            self.good = Position { segment: from.segment + 1, offset: 0 };
            return Ok(());
        }
        let mut file = self.fs.open(&path).map_err(failed)?;
        let in_page = from.offset % PAGE_SIZE as u64;
        self.page_start = from.offset - in_page;
        io::copy(&mut (&mut file).take(self.page_start), &mut io::sink()).map_err(failed)?;
        (&mut file).take(PAGE_SIZE as u64).read_to_end(&mut self.page).map_err(failed)?;
        self.at = in_page as usize;
        self.segment = Some((from.segment, file));
        self.good = from;
        Ok(())
    }

    /// The end of the last record that was read: everything before it is sound.
    #[must_use]
    pub fn position(&self) -> Position {
        self.good
    }

    /// The last of the segments that are still to be begun, or the one that is being read.
    #[must_use]
    pub fn last_segment(&self) -> Option<u64> {
        self.ahead.first().copied().or(self.segment.as_ref().map(|(number, _)| *number))
    }

    /// True when zeros that no writer leaves stand where records could, in what was read so far: what a file system shows of
    /// a stretch that was never written.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.gap
    }

    /// Goes past the next record without unpacking it; false at the end of the log. After an error the log ends there.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn skip(&mut self) -> Result<bool, TsdbError> {
        self.framed().map(|flags| flags.is_some())
    }

    /// The next record, or `None` at the end of the log. After an error the log ends there.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] naming segment and offset of the damage, a torn tail included; [`TsdbError::Io`].
    #[allow(clippy::should_implement_trait, reason = "it lends its buffer, which Iterator cannot")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, TsdbError> {
        let Some(flags) = self.framed()? else { return Ok(None) };
        let unpacked = self.unpack(flags);
        if unpacked.is_err() {
            self.end();
        }
        match unpacked? {
            0 => Ok(Some(&self.record)),
            _ => Ok(Some(&self.plain)),
        }
    }

    fn framed(&mut self) -> Result<Option<u8>, TsdbError> {
        let result = self.next_record();
        if result.is_err() {
            self.end();
        }
        result
    }

    fn end(&mut self) {
        self.segment = None;
        self.ahead.clear();
    }

    /// Puts the next record together in `record`; gives its compression flags.
    fn next_record(&mut self) -> Result<Option<u8>, TsdbError> {
        self.record.clear();
        let mut begun = false;
        loop {
            let Some((kind, flags)) = self.next_fragment(begun)? else {
                return Ok(None);
            };
            match (kind, begun) {
                (Fragment::Full, false) | (Fragment::Last, true) => {
                    // The checksum is not one of the flags: what they say of the record may be wrong.
                    let flags = self.unpack(flags)?;
                    if let Some((segment, _)) = self.segment {
                        self.good = Position { segment, offset: self.page_start + self.at as u64 };
                    }
                    return Ok(Some(flags));
                }
                (Fragment::First, false) | (Fragment::Middle, true) => begun = true,
                _ => return Err(self.corrupt(format!("unexpected fragment {kind:?}"))),
            }
        }
    }

    /// Appends the next fragment's data to `record`.
    fn next_fragment(&mut self, begun: bool) -> Result<Option<(Fragment, u8)>, TsdbError> {
        loop {
            if self.at >= self.page.len() {
                if !self.next_page(begun)? {
                    return Ok(None);
                }
                continue;
            }
            let rest = &self.page[self.at..];
            if rest[0] & TYPE_MASK == 0 {
                if rest.iter().any(|byte| *byte != 0) {
                    return Err(self.corrupt("unexpected non-zero byte in padded page".to_owned()));
                }
                if rest.len() >= HEADER_SIZE {
                    self.zeros += rest.len();
                }
                self.at = self.page.len();
                continue;
            }
            self.gap |= self.zeros > 0;
            let Some((header, data)) = rest.split_first_chunk::<HEADER_SIZE>() else {
                return Err(self.corrupt("torn record header".to_owned()));
            };
            let kind = match header[0] & TYPE_MASK {
                1 => Fragment::Full,
                2 => Fragment::First,
                3 => Fragment::Middle,
                4 => Fragment::Last,
                other => return Err(self.corrupt(format!("unexpected record type {other}"))),
            };
            let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
            let checksum = u32::from_be_bytes([header[3], header[4], header[5], header[6]]);
            let Some(data) = data.get(..length) else {
                return Err(self.corrupt(format!("torn record of {length} bytes")));
            };
            if crc32c::crc32c(data) != checksum {
                return Err(self.corrupt("unexpected checksum".to_owned()));
            }
            if self.record.len() + length > MAX_RECORD {
                return Err(self.corrupt("record is too long".to_owned()));
            }
            self.record.extend_from_slice(data);
            self.at += HEADER_SIZE + length;
            return Ok(Some((kind, header[0] & !TYPE_MASK)));
        }
    }

    /// Loads the next page, of the next segment if need be. False at the end of the log.
    fn next_page(&mut self, begun: bool) -> Result<bool, TsdbError> {
        loop {
            let Some((number, file)) = &mut self.segment else {
                let Some(number) = self.ahead.pop() else { return Ok(false) };
                let path = self.dir.join(segment_name(number));
                let file = self.fs.open(&path).map_err(|e| TsdbError::io(&path, "open segment", e))?;
                self.segment = Some((number, file));
                (self.page_start, self.at, self.zeros) = (0, 0, 0);
                self.page.clear();
                self.good = Position { segment: number, offset: 0 };
                continue;
            };
            let number = *number;
            self.page_start += self.page.len() as u64;
            self.page.clear();
            self.at = 0;
            file.take(PAGE_SIZE as u64)
                .read_to_end(&mut self.page)
                .map_err(|e| TsdbError::io(&self.dir.join(segment_name(number)), "read segment", e))?;
            if !self.page.is_empty() {
                return Ok(true);
            }
            if begun {
                return Err(self.corrupt("record without its last fragment".to_owned()));
            }
            // Prometheus fills up the last page of a segment.
            let is_filled_up = self.zeros < PAGE_SIZE && self.page_start.is_multiple_of(PAGE_SIZE as u64);
            self.gap |= self.zeros > 0 && !is_filled_up;
            self.segment = None;
        }
    }

    fn unpack(&mut self, flags: u8) -> Result<u8, TsdbError> {
        if flags & SNAPPY != 0 {
            let n = snap::raw::decompress_len(&self.record).unwrap_or(usize::MAX);
            if n > self.record.len() * MAX_SNAPPY_RATIO {
                return Err(self.corrupt("bad snappy length".to_owned()));
            }
            self.plain.resize(n, 0);
            if snap::raw::Decoder::new().decompress(&self.record, &mut self.plain).is_err() {
                return Err(self.corrupt("bad snappy data".to_owned()));
            }
        } else if flags & ZSTD != 0 {
            self.plain.clear();
            let unpacked = zstd::stream::read::Decoder::with_buffer(self.record.as_slice())
                .and_then(|decoder| decoder.take(MAX_RECORD as u64 + 1).read_to_end(&mut self.plain));
            if unpacked.is_err() || self.plain.len() > MAX_RECORD {
                return Err(self.corrupt("bad zstd data".to_owned()));
            }
        }
        Ok(flags & (SNAPPY | ZSTD))
    }

    fn corrupt(&self, what: String) -> TsdbError {
        let segment = self.segment.as_ref().map_or(self.good.segment, |(number, _)| *number);
        TsdbError::Corrupt {
            path: self.dir.join(segment_name(segment)),
            offset: self.page_start + self.at as u64,
            what,
        }
    }
}
