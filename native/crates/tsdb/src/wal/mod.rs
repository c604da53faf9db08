//! The write-ahead log: segments of pages of record fragments.
//!
//! Format (Prometheus `tsdb/docs/format/wal.md`, `tsdb/wlog`): a directory of segments named by eight digits, ascending
//! and without gaps. A segment is a sequence of pages of 32 KiB; only its last page may be shorter, and counts as filled
//! up with zeros. A page holds fragments:
//!
//! ```text
//! ┌──────────┬───────────────────┬───────────────────────────┬───────────────┐
//! │ type 1 B │ length 2 B, BE    │ CRC-32C of data 4 B, BE   │ data (length) │
//! └──────────┴───────────────────┴───────────────────────────┴───────────────┘
//! ```
//!
//! The low three bits of the type: 0 the rest of the page is zeros, 1 a whole record, 2 its first, 3 a middle, 4 its last
//! fragment. Bit 3: the record is snappy compressed, bit 4: zstd. A fragment never crosses a page, a record never a
//! segment. What a crash can tear is the end of the last segment.
//!
//! * [`record`]: the records inside, type by type.
//! * [`mod@write`]: appends records; one write call a batch.
//! * [`read`]: record by record, checksums always verified.
//! * [`repair`]: cuts off a torn tail.
//! * [`checkpoint`]: finds the newest checkpoint, and replaces segments by one.
//! * [`sound`]: whether what was written is there, without a look at the records.

pub mod checkpoint;
pub(crate) mod named;
pub mod read;
pub mod record;
pub mod repair;
pub mod sound;
pub mod write;

use std::io;
use std::path::Path;

use crate::error::TsdbError;
use crate::fs::Fs;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 32 << 10;

/// Bytes before the data of a fragment.
pub const HEADER_SIZE: usize = 7;

const TYPE_MASK: u8 = 0b111;
const SNAPPY: u8 = 1 << 3;
const ZSTD: u8 = 1 << 4;

/// What a fragment is of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fragment {
    /// All of it.
    Full = 1,
    /// Its beginning.
    First = 2,
    /// Neither beginning nor end.
    Middle = 3,
    /// Its end.
    Last = 4,
}

/// The file name of a segment.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("{number:08}")
}

/// Numbers of the segments in a directory, ascending; none when there is no such directory. Other files are passed over.
///
/// # Errors
/// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when a segment is missing in between.
pub fn segments(fs: &dyn Fs, dir: &Path) -> Result<Vec<u64>, TsdbError> {
    let names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TsdbError::io(dir, "list segments", e)),
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        None => Ok(numbers),
        Some(pair) => Err(TsdbError::Corrupt {
            path: dir.to_owned(),
            offset: 0,
            what: format!("segments are not sequential: {} follows {}", pair[1], pair[0]),
        }),
    }
}

#[cfg(test)]
mod tests;
