//! The chunk segments of a block.
//!
//! Format (Prometheus `tsdb/docs/format/chunks.md`, `tsdb/chunks/chunks.go`): files `000001`, `000002`... Each begins with
//! the magic `85 bd 40 dd`, the version 1 and three bytes of zeros; then come the chunks, one after the other:
//!
//! ```text
//! ┌────────────────┬──────────────┬───────────────┬──────────────────────────────────────────┐
//! │ length uvarint │ encoding 1 B │ data (length) │ CRC-32C of encoding and data 4 B, BE     │
//! └────────────────┴──────────────┴───────────────┴──────────────────────────────────────────┘
//! ```
//!
//! A chunk is named by the number of its segment less one in the high four bytes and its offset in the low four.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::Output;
use crate::chunk::Encoding;
use crate::error::TsdbError;
use crate::fs::{Fs, Mapped};
use crate::varint::{Cursor, put_uvarint};

const MAGIC: [u8; 4] = [0x85, 0xbd, 0x40, 0xdd];
const HEADER: [u8; 8] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], 1, 0, 0, 0];

/// Bytes after which a segment is ended.
pub const SEGMENT_BYTES: u64 = 512 << 20;

/// The file name of a segment, counted from 0.
fn segment_name(number: usize) -> String {
    format!("{:06}", number + 1)
}

/// Writes chunks into segments.
pub struct ChunkWriter {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    segment_bytes: u64,
    segment: Option<Output>,
    segments: usize,
    framed: Vec<u8>,
}

impl ChunkWriter {
    /// Makes the directory of the segments.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn create(fs: Arc<dyn Fs>, dir: &Path, segment_bytes: u64) -> Result<Self, TsdbError> {
        fs.create_dir_all(dir).map_err(|e| TsdbError::io(dir, "create", e))?;
        Ok(Self { fs, dir: dir.to_owned(), segment_bytes, segment: None, segments: 0, framed: Vec::new() })
    }

    /// Appends a chunk; gives its name.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn add(&mut self, encoding: Encoding, bytes: &[u8]) -> Result<u64, TsdbError> {
        self.framed.clear();
        put_uvarint(&mut self.framed, bytes.len() as u64);
        let checked = self.framed.len();
        self.framed.push(encoding as u8);
        self.framed.extend_from_slice(bytes);
        let crc = crc32c::crc32c(&self.framed[checked..]);
        self.framed.extend_from_slice(&crc.to_be_bytes());

        let full = |segment: &Output| segment.position() + self.framed.len() as u64 > self.segment_bytes;
        if self.segment.as_ref().is_none_or(full) {
            self.end_segment()?;
            let mut segment = Output::create(&*self.fs, &self.dir.join(segment_name(self.segments)))?;
            segment.write(&HEADER)?;
            self.segments += 1;
            self.segment = Some(segment);
        }
        let Some(segment) = &mut self.segment else { return Err(TsdbError::Closed) };
        let reference = (self.segments as u64 - 1) << 32 | segment.position();
        segment.write(&self.framed)?;
        Ok(reference)
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn finish(mut self) -> Result<(), TsdbError> {
        self.end_segment()?;
        self.fs.sync_dir(&self.dir).map_err(|e| TsdbError::io(&self.dir, "sync directory", e))
    }

    fn end_segment(&mut self) -> Result<(), TsdbError> {
        self.segment.take().map_or(Ok(()), Output::finish)
    }
}

/// The chunk segments of a block, open for reading.
pub struct ChunkReader {
    segments: Vec<(PathBuf, Mapped)>,
}

impl ChunkReader {
    /// Opens the segments in `dir`.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when one is missing in between or its header is not that of a segment.
    pub fn open(fs: &dyn Fs, dir: &Path) -> Result<Self, TsdbError> {
        let names = fs.list(dir).map_err(|e| TsdbError::io(dir, "list", e))?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        let mut segments = Vec::with_capacity(numbers.len());
        for (i, number) in numbers.into_iter().enumerate() {
            let path = dir.join(segment_name(i));
            let corrupt = |what: &str| TsdbError::Corrupt { path: path.clone(), offset: 0, what: what.to_owned() };
            if number != i as u64 + 1 {
                return Err(corrupt("segment is missing"));
            }
            let file = fs.map(&path).map_err(|e| TsdbError::io(&path, "open segment", e))?;
            if file.get(..5) != Some(&HEADER[..5]) {
                return Err(corrupt("not a segment of chunks, version 1"));
            }
            segments.push((path, file));
        }
        Ok(Self { segments })
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.segments.iter().map(|(_, file)| file.len() as u64).sum()
    }

    /// True without segments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Encoding and bytes of a chunk, checksum verified.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when it is damaged, not there, or of an encoding that is not known.
    pub fn get(&self, reference: u64) -> Result<(Encoding, &[u8]), TsdbError> {
        let (number, offset) = ((reference >> 32) as usize, reference & u64::from(u32::MAX));
        let Some((path, file)) = self.segments.get(number) else {
            return Err(TsdbError::corrupt_bytes(0, format_args!("there is no chunk segment {}", number + 1)));
        };
        let corrupt = |what: String| TsdbError::Corrupt { path: path.clone(), offset, what };
        let damaged = || corrupt("chunk is damaged".to_owned());
        let mut cursor = Cursor::new(file.get(offset as usize..).ok_or_else(damaged)?);
        let length = cursor.uvarint().map_err(|_| damaged())?;
        let start = file.len() - cursor.len();
        let (framed, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(1))
            .and_then(|length| file[start..].split_at_checked(length))
            .ok_or_else(damaged)?;
        match rest.first_chunk::<4>() {
            Some(crc) if u32::from_be_bytes(*crc) == crc32c::crc32c(framed) => {}
            _ => return Err(damaged()),
        }
        let (number, bytes) = framed.split_first().ok_or_else(damaged)?;
        let encoding = Encoding::from_number(*number);
        encoding.map(|encoding| (encoding, bytes)).ok_or_else(|| corrupt(format!("chunk of unknown encoding {number}")))
    }
}
