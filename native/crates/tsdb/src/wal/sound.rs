//! Whether a log has what was written to it, as far as its frames tell: no record is unpacked.
//!
//! A start from a snapshot passes over the log before it. Damage there must not stay: the next start without a snapshot would
//! cut the log off at it, and with it what was acknowledged since. A sync that failed leaves such damage when the power
//! fails: often no torn record but zeros, which a reader takes for the rest of a page.

use std::path::Path;
use std::sync::Arc;

use super::checkpoint;
use super::read::{Position, Reader};
use crate::error::TsdbError;
use crate::fs::Fs;

/// True when checksums and order of all fragments are right from the newest checkpoint on up to `end`, at which a record ends
/// or a segment begins, and when nothing but what writers leave lies between records. Zeros in the place of the last records
/// of a segment cannot be told from what Prometheus leaves there if they end with the page.
///
/// # Errors
/// [`TsdbError`] when something cannot be read. Damage is no error.
pub fn is_sound_until(fs: &Arc<dyn Fs>, wal_dir: &Path, end: Position) -> Result<bool, TsdbError> {
    match read_until(fs, wal_dir, end) {
        Err(TsdbError::Corrupt { .. }) => Ok(false),
        other => other,
    }
}

fn read_until(fs: &Arc<dyn Fs>, wal_dir: &Path, end: Position) -> Result<bool, TsdbError> {
    let mut begin = 0;
    if let Some((checkpoint, last)) = checkpoint::newest(&**fs, wal_dir)? {
        if last >= end.segment {
            return Ok(true);
        }
        let mut reader = Reader::open(Arc::clone(fs), &checkpoint, 0)?;
        while reader.skip()? {}
        if reader.has_gap() {
            return Ok(false);
        }
        begin = last + 1;
    }
    let last = if end.offset > 0 { Some(end.segment) } else { end.segment.checked_sub(1) };
    let Some(last) = last else { return Ok(true) };
    let mut reader = Reader::open(Arc::clone(fs), wal_dir, begin)?.up_to(last);
    while reader.position() < end && reader.skip()? {}
    let has_end = if end.offset > 0 { reader.position() == end } else { reader.position().segment >= last };
    Ok(has_end && !reader.has_gap())
}
