//! The blocks of a directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashSet;

use super::read::Block;
use super::ulid::Ulid;
use crate::error::TsdbError;
use crate::fs::Fs;

/// End of the name of a directory that is to become a block.
pub const CREATION_SUFFIX: &str = ".tmp-for-creation";

/// End of the name of a directory that was a block.
pub const DELETION_SUFFIX: &str = ".tmp-for-deletion";

/// Opens all blocks of a directory, in the order of their time ranges; none when there is no such directory. Removes
/// what an interrupted creation or deletion left, and blocks that another block was made of.
///
/// # Errors
/// [`TsdbError`] when the directory or a block cannot be read, or a block is damaged.
pub fn open_all(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Vec<Arc<Block>>, TsdbError> {
    let names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TsdbError::io(dir, "list blocks", e)),
    };
    let mut blocks = Vec::new();
    for name in names {
        if name.ends_with(CREATION_SUFFIX) || name.ends_with(DELETION_SUFFIX) {
            let path = dir.join(name);
            fs.remove_dir_all(&path).map_err(|e| TsdbError::io(&path, "remove", e))?;
        } else if name.parse::<Ulid>().is_ok() {
            blocks.push(Arc::new(Block::open(fs, &dir.join(name))?));
        }
    }
    let parents = |block: &Arc<Block>| block.meta().compaction.parents.clone();
    let replaced: HashSet<Ulid> = blocks.iter().flat_map(parents).map(|parent| parent.ulid).collect();
    for block in blocks.extract_if(.., |block| replaced.contains(&block.meta().ulid)) {
        remove(&**fs, dir, block.meta().ulid)?;
    }
    sort(&mut blocks);
    Ok(blocks)
}

/// Puts blocks into the order of their time ranges.
pub fn sort(blocks: &mut [Arc<Block>]) {
    blocks.sort_by_key(|block| (block.meta().min_time, block.meta().ulid));
}

/// The time before which blocks have all that was in the log, `i64::MIN` without blocks. Blocks of samples that came out of
/// order say nothing of it.
#[must_use]
pub fn end_of_log(blocks: &[Arc<Block>]) -> i64 {
    let in_order = blocks.iter().map(|block| block.meta()).filter(|meta| !meta.compaction.is_from_out_of_order());
    in_order.map(|meta| meta.max_time).max().unwrap_or(i64::MIN)
}

/// Removes a block; interrupted, it is gone all the same, and what is left of it is removed at the next start.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn remove(fs: &dyn Fs, dir: &Path, ulid: Ulid) -> Result<(), TsdbError> {
    let block = path(dir, ulid);
    let doomed = dir.join(format!("{ulid}{DELETION_SUFFIX}"));
    fs.rename(&block, &doomed).map_err(|e| TsdbError::io(&block, "rename", e))?;
    fs.remove_dir_all(&doomed).map_err(|e| TsdbError::io(&doomed, "remove", e))
}

/// The directory of a block.
#[must_use]
pub fn path(dir: &Path, ulid: Ulid) -> PathBuf {
    dir.join(ulid.to_string())
}
