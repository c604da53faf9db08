//! What the records of a snapshot do not say of a head: the file `counts` beside them.
//!
//! | bytes, big endian | what |
//! |---|---|
//! | 8 | number of the next new series |
//! | 8 | number of the newest file of full chunks that the head had chunks in, 0 for none |
//! | 8 | full chunks that the head had in files |
//! | 4 | CRC-32C of all before |
//!
//! The log may name series that are gone, whose numbers must not be given again. And a chunk file that lost its end looks
//! like one that was never longer.

use std::io::{self, Read};
use std::path::Path;

use crate::error::TsdbError;
use crate::fs::Fs;
use crate::varint::{Cursor, Malformed};
use crate::wal::named::NamedLog;

const FILE: &str = "counts";

const CHECKSUM_BYTES: usize = 4;

/// More than it has.
const MAX_BYTES: u64 = 64;

/// What is counted of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Number of the next new series in the log.
    pub next_series: u64,
    /// Number of the newest file of full chunks that it has chunks in, 0 for none.
    pub newest_file: u64,
    /// Full chunks that it has in files.
    pub chunks_in_files: u64,
}

impl Counts {
    /// Of a snapshot; `None` when Prometheus made it.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`]
    pub fn read(fs: &dyn Fs, snapshot: &Path) -> Result<Option<Self>, TsdbError> {
        let path = snapshot.join(FILE);
        let mut bytes = Vec::new();
        match fs.open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(TsdbError::io(&path, "open", e)),
            Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|e| TsdbError::io(&path, "read", e))?,
        };
        let corrupt = |Malformed| TsdbError::Corrupt { path, offset: 0, what: "no counts of a head".to_owned() };
        Self::decode(&bytes).map(Some).map_err(corrupt)
    }

    pub(super) fn write(&self, snapshot: &NamedLog) -> Result<(), TsdbError> {
        let mut bytes = self.next_series.to_be_bytes().to_vec();
        bytes.extend(self.newest_file.to_be_bytes());
        bytes.extend(self.chunks_in_files.to_be_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        snapshot.put(FILE, &bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (counts, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Malformed)?;
        if crc32c::crc32c(counts) != u32::from_be_bytes(*checksum) {
            return Err(Malformed);
        }
        let mut c = Cursor::new(counts);
        let counts = Self { next_series: c.be64()?, newest_file: c.be64()?, chunks_in_files: c.be64()? };
        if c.is_empty() { Ok(counts) } else { Err(Malformed) }
    }
}
