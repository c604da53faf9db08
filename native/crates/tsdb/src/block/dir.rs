//! The blocks of a directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashSet;

use super::meta::BlockMeta;
use super::read::Block;
use super::ulid::Ulid;
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;

/// End of the name of a directory that is to become a block.
pub const CREATION_SUFFIX: &str = ".tmp-for-creation";

/// End of the name of a directory that was a block.
pub const DELETION_SUFFIX: &str = ".tmp-for-deletion";

/// Opens the blocks of a directory, in the order of their time ranges; none when there is no such directory. Removes what
/// an interrupted creation or deletion left. Blocks that another block was made of are left where they are and not opened.
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
    read_all(fs, dir)
}

/// As [`open_all`], but changes nothing in the directory.
///
/// # Errors
/// As [`open_all`].
pub fn read_all(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Vec<Arc<Block>>, TsdbError> {
    let mut metas = Vec::new();
    for ulid in list(&**fs, dir)? {
        metas.push(BlockMeta::read(&**fs, &path(dir, ulid))?);
    }
    let parents: HashSet<Ulid> = metas.iter().flat_map(|meta| &meta.compaction.parents).map(|p| p.ulid).collect();
    let visible = metas.iter().map(|meta| meta.ulid).filter(|ulid| !parents.contains(ulid));
    let mut blocks =
        visible.map(|ulid| Block::open(fs, &path(dir, ulid)).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    sort(&mut blocks);
    Ok(blocks)
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
/// order, or of some series only, say nothing of it.
#[must_use]
pub fn end_of_log(blocks: &[Arc<Block>]) -> i64 {
    let metas = blocks.iter().map(|block| block.meta()).filter(|meta| meta.compaction.stands_for_the_log());
    metas.map(|meta| meta.max_time).max().unwrap_or(i64::MIN)
}

/// Removes a block; interrupted, it is gone all the same, and what is left of it is removed at the next start.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn remove(fs: &dyn Fs, dir: &Path, ulid: Ulid) -> Result<(), TsdbError> {
    let block = path(dir, ulid);
    let doomed = dir.join(format!("{ulid}{DELETION_SUFFIX}"));
    failpoint::reach("deletion.before-rename");
    fs.rename(&block, &doomed).map_err(|e| TsdbError::io(&block, "rename", e))?;
    failpoint::reach("deletion.renamed");
    fs.remove_dir_all(&doomed).map_err(|e| TsdbError::io(&doomed, "remove", e))
}

/// The directory of a block.
#[must_use]
pub fn path(dir: &Path, ulid: Ulid) -> PathBuf {
    dir.join(ulid.to_string())
}
