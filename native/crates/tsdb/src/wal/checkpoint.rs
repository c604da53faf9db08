//! Checkpoints: a directory `checkpoint.N` beside the segments, itself a log, that replaces all segments up to N.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::TsdbError;
use crate::fs::Fs;

/// The newest checkpoint: its directory and the number of the last segment that it replaces.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn newest(fs: &dyn Fs, wal_dir: &Path) -> Result<Option<(PathBuf, u64)>, TsdbError> {
    let names = match fs.list(wal_dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(TsdbError::io(wal_dir, "list checkpoints", e)),
    };
    let number = |name: &String| name.strip_prefix("checkpoint.").and_then(|digits| digits.parse::<u64>().ok());
    let newest = names.iter().filter_map(|name| number(name).map(|n| (n, name))).max();
    Ok(newest.map(|(n, name)| (wal_dir.join(name), n)))
}
