//! Cuts a log off where it is damaged, as Prometheus's `WL.Repair` does.

use std::path::Path;

use super::read::Position;
use super::{segment_name, segments};
use crate::error::TsdbError;
use crate::fs::Fs;

/// Keeps everything before `good` and removes the rest: the tail of its segment, and every later segment.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn repair(fs: &dyn Fs, dir: &Path, good: Position) -> Result<(), TsdbError> {
    // Later segments first: were we interrupted, the damage is found again and the repair repeated.
    for number in segments(fs, dir)?.into_iter().rev().filter(|number| *number > good.segment) {
        let path = dir.join(segment_name(number));
        fs.remove_file(&path).map_err(|e| TsdbError::io(&path, "remove segment", e))?;
    }
    let path = dir.join(segment_name(good.segment));
    fs.truncate(&path, good.offset).map_err(|e| TsdbError::io(&path, "truncate segment", e))?;
    fs.sync_dir(dir).map_err(|e| TsdbError::io(dir, "sync directory", e))
}
