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
    for name in entries(&**fs, dir)? {
        if name.ends_with(CREATION_SUFFIX) || name.ends_with(DELETION_SUFFIX) {
            let path = dir.join(name);
            fs.remove_dir_all(&path).map_err(|e| TsdbError::io(&path, "remove", e))?;
        }
    }
    let DirBlocks { blocks, replaced } = read_all(fs, dir)?;
    replaced.iter().try_for_each(|block| remove(&**fs, dir, block.meta().ulid))?;
    Ok(blocks)
}

/// The blocks of a directory, each list in the order of their time ranges.
pub struct DirBlocks {
    /// Those that hold the samples.
    pub blocks: Vec<Arc<Block>>,
    /// Those that another block was made of.
    pub replaced: Vec<Arc<Block>>,
}

/// Opens all blocks of a directory and changes nothing there; none when there is no such directory.
///
/// # Errors
/// As [`open_all`].
pub fn read_all(fs: &Arc<dyn Fs>, dir: &Path) -> Result<DirBlocks, TsdbError> {
    let open = |ulid| Block::open(fs, &path(dir, ulid)).map(Arc::new);
    let mut blocks = list(&**fs, dir)?.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
    sort(&mut blocks);
    let parents = |block: &Arc<Block>| block.meta().compaction.parents.clone();
    let parents: HashSet<Ulid> = blocks.iter().flat_map(parents).map(|parent| parent.ulid).collect();
    let replaced = blocks.extract_if(.., |block| parents.contains(&block.meta().ulid)).collect();
    Ok(DirBlocks { blocks, replaced })
}

/// Names of the blocks of a directory, ascending; none when there is no such directory.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn list(fs: &dyn Fs, dir: &Path) -> Result<Vec<Ulid>, TsdbError> {
    Ok(entries(fs, dir)?.iter().filter_map(|name| name.parse().ok()).collect())
}

fn entries(fs: &dyn Fs, dir: &Path) -> Result<Vec<String>, TsdbError> {
    match fs.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|e| TsdbError::io(dir, "list blocks", e)),
    }
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
