//! What is deleted of a block.
//!
//! Format (Prometheus `tsdb/docs/format/tombstones.md`, `tsdb/tombstones/tombstones.go`): the magic `01 30 ba 30` and the
//! version 1; { uvarint series, varint first millisecond, varint last millisecond }*; CRC-32C of these, big endian. A
//! block without the file has nothing deleted.

use std::io::{self, Read};
use std::path::Path;

use hashbrown::HashMap;

use super::TOMBSTONES_FILE;
use super::output::Output;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::index::SeriesRef;
use crate::varint::{Cursor, Malformed, put_uvarint, put_varint};

const HEADER: [u8; 5] = [0x01, 0x30, 0xba, 0x30, 1];

/// A longer file is no file of tombstones.
const MAX_BYTES: u64 = 1 << 30;

/// Deleted stretches by series, both ends inclusive, in milliseconds.
pub type Tombstones = HashMap<SeriesRef, Vec<(i64, i64)>>;

/// Writes the tombstones of the block in `dir`, durably and at once.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn write(fs: &dyn Fs, dir: &Path, tombstones: &Tombstones) -> Result<(), TsdbError> {
    let mut series: Vec<_> = tombstones.iter().collect();
    series.sort_unstable_by_key(|(series, _)| **series);
    let mut stones = Vec::new();
    for (series, stretches) in series {
        for (mint, maxt) in stretches {
            put_uvarint(&mut stones, u64::from(*series));
            put_varint(&mut stones, *mint);
            put_varint(&mut stones, *maxt);
        }
    }
    let (path, temporary) = (dir.join(TOMBSTONES_FILE), dir.join(format!("{TOMBSTONES_FILE}.tmp")));
    let mut out = Output::create(fs, &temporary)?;
    out.write(&HEADER)?;
    out.write(&stones)?;
    out.write(&crc32c::crc32c(&stones).to_be_bytes())?;
    out.finish()?;
    fs.rename(&temporary, &path).map_err(|e| TsdbError::io(&path, "rename", e))
}

/// Reads the tombstones of the block in `dir`; none when it has no such file.
///
/// # Errors
/// [`TsdbError::Io`]; [`TsdbError::Corrupt`]
pub fn read(fs: &dyn Fs, dir: &Path) -> Result<Tombstones, TsdbError> {
    let path = dir.join(TOMBSTONES_FILE);
    let mut bytes = Vec::new();
    match fs.open(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Tombstones::new()),
        Err(e) => return Err(TsdbError::io(&path, "open", e)),
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|e| TsdbError::io(&path, "read", e))?,
    };
    let corrupt = |what: &str| TsdbError::Corrupt { path: path.clone(), offset: 0, what: what.to_owned() };
    let stones = bytes.strip_prefix(&HEADER).ok_or_else(|| corrupt("not tombstones, version 1"))?;
    let (stones, crc) = stones.split_last_chunk::<4>().ok_or_else(|| corrupt("tombstones end early"))?;
    if u32::from_be_bytes(*crc) != crc32c::crc32c(stones) {
        return Err(corrupt("tombstones are damaged"));
    }
    decode(Cursor::new(stones)).map_err(|Malformed| corrupt("tombstones are malformed"))
}

fn decode(mut stones: Cursor<'_>) -> Result<Tombstones, Malformed> {
    let mut found = Tombstones::new();
    while !stones.is_empty() {
        let series = SeriesRef::try_from(stones.uvarint()?).map_err(|_| Malformed)?;
        found.entry(series).or_default().push((stones.varint()?, stones.varint()?));
    }
    Ok(found)
}
