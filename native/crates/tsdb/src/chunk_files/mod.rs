//! Files of full chunks of the head, `chunks_head/000001`, `000002`... The bytes are described in the
//! [crate documentation](crate#head-chunk-files).
//!
//! Files are numbered without gaps. One is written at a time, only ever at its end; the others do not change until the
//! oldest are removed. What the files hold is in the write-ahead log too, as long as the head needs it. So nothing
//! depends on them but the time that a start takes and the memory that full chunks would need, and what is damaged is
//! thrown away.
//!
//! * [`mod@write`]: appends chunks, many at a time, and removes files.
//! * [`read`]: gives chunks by their places, checksums always verified.
//! * [`load`]: what a start does: walks through all files, and cuts off what is damaged.

pub mod load;
pub mod read;
pub mod write;

use std::io;
use std::num::NonZeroU32;
use std::path::Path;

use crate::error::TsdbError;
use crate::fs::Fs;
use crate::varint::{Cursor, Malformed, put_uvarint};

/// The directory of the files in that of the database.
pub const DIR: &str = "chunks_head";

/// What a file begins with: magic, version 1, padding.
const HEADER: [u8; 8] = [0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0];

/// Bytes of series and times, which are zeros only where a file ends before its length does.
const NAME_BYTES: usize = 24;

const CHECKSUM_BYTES: usize = 4;

/// The bit of the encoding's byte that tells of samples that came out of order.
const OUT_OF_ORDER: u8 = 0x80;

/// Where a chunk is: number of the file, offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkRef {
    /// Number of the file.
    pub file: NonZeroU32,
    /// Where in it the chunk begins, series number and times included.
    pub offset: u32,
}

impl ChunkRef {
    /// As one number, in which the file comes first: as the log of out-of-order samples names a chunk.
    #[must_use]
    pub fn pack(self) -> u64 {
        u64::from(self.file.get()) << 32 | u64::from(self.offset)
    }

    /// Out of [`Self::pack`]; `None` when there is no such file.
    #[must_use]
    pub fn unpack(packed: u64) -> Option<Self> {
        let file = NonZeroU32::new((packed >> 32) as u32)?;
        Some(Self { file, offset: packed as u32 })
    }
}

/// A chunk with what the files say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileChunk<'a> {
    /// Number of its series in the write-ahead log.
    pub series: u64,
    /// Time of its first sample, in milliseconds.
    pub min_t: i64,
    /// Time of its last sample, in milliseconds.
    pub max_t: i64,
    /// Number of its encoding, which need not be one of [`crate::chunk::Encoding`].
    pub encoding: u8,
    /// Whether its samples came out of order.
    pub out_of_order: bool,
    /// The encoded chunk.
    pub data: &'a [u8],
}

impl FileChunk<'_> {
    /// Appends the chunk as the files have it.
    fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.series.to_be_bytes());
        out.extend_from_slice(&self.min_t.to_be_bytes());
        out.extend_from_slice(&self.max_t.to_be_bytes());
        out.push(self.encoding | if self.out_of_order { OUT_OF_ORDER } else { 0 });
        put_uvarint(out, self.data.len() as u64);
        out.extend_from_slice(self.data);
        let checksum = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&checksum.to_be_bytes());
    }
}

/// The chunk that `bytes` begin with, and its length there; `None` where the file ends, be it filled up with zeros.
fn decode(bytes: &[u8]) -> Result<Option<(FileChunk<'_>, usize)>, &'static str> {
    if bytes.iter().take(NAME_BYTES).all(|byte| *byte == 0) {
        return Ok(None);
    }
    let mut cursor = Cursor::new(bytes);
    let chunk = decode_chunk(&mut cursor).map_err(|Malformed| "chunk ends early")?;
    let checked = bytes.len() - cursor.len();
    let Some(checksum) = bytes[checked..].first_chunk::<CHECKSUM_BYTES>() else { return Err("chunk ends early") };
    if crc32c::crc32c(&bytes[..checked]) != u32::from_be_bytes(*checksum) {
        return Err("chunk is damaged");
    }
    Ok(Some((chunk, checked + CHECKSUM_BYTES)))
}

fn decode_chunk<'a>(cursor: &mut Cursor<'a>) -> Result<FileChunk<'a>, Malformed> {
    let (series, min_t, max_t) = (cursor.be64()?, cursor.be64()? as i64, cursor.be64()? as i64);
    let encoding = cursor.byte()?;
    Ok(FileChunk {
        series,
        min_t,
        max_t,
        encoding: encoding & !OUT_OF_ORDER,
        out_of_order: encoding & OUT_OF_ORDER != 0,
        data: cursor.bytes()?,
    })
}

fn file_name(number: NonZeroU32) -> String {
    format!("{number:06}")
}

/// Numbers of the files in a directory, ascending; none when there is no such directory. Other files are passed over.
fn numbers(fs: &dyn Fs, dir: &Path) -> Result<Vec<NonZeroU32>, TsdbError> {
    let names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TsdbError::io(dir, "list", e)),
    };
    let number = |name: &String| name.parse().ok().filter(|number| file_name(*number) == *name);
    let mut numbers: Vec<NonZeroU32> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests;
