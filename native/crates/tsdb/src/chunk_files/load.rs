//! What a start finds in the files.
//!
//! Source: Prometheus `tsdb/chunks/head_chunks.go` (`openMMapFiles`, `IterateAllChunks`, `DeleteCorrupted`). There the
//! file with the damage is removed and with it what is sound before the damage, and a missing file ends the start.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::read::{ChunkFile, ChunkFiles};
use super::{ChunkRef, FileChunk, file_name, numbers};
use crate::error::TsdbError;
use crate::fs::Fs;

/// The files as they are after a repair.
pub struct Loaded {
    /// Those that are left.
    pub files: ChunkFiles,
    /// Numbers of the oldest and the newest of them.
    pub range: Option<(NonZeroU32, NonZeroU32)>,
    /// Whether something damaged was cut off.
    pub repaired: bool,
}

/// Opens all files in `dir` and calls `each` with every sound chunk, in the order in which they were written. Cuts off
/// what follows the first damage or the first missing file: it can be found in the write-ahead log. Calls `before_cut`
/// before that. What is not there by now does not come back when the power fails.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn load(
    fs: &dyn Fs,
    dir: &Path,
    mut each: impl FnMut(ChunkRef, FileChunk<'_>),
    before_cut: impl FnOnce() -> Result<(), TsdbError>,
) -> Result<Loaded, TsdbError> {
    match fs.sync_dir(dir) {
        // The chunks of a file that was removed may be of series whose numbers others get from now on.
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TsdbError::io(dir, "sync directory", e)),
        _ => {}
    }
    let numbers = numbers(fs, dir)?;
    let mut files = Vec::with_capacity(numbers.len());
    let mut next = numbers.first().copied();
    for number in &numbers {
        let sound = match next == Some(*number) {
            true => walk(fs, dir, *number, &mut each)?,
            false => Sound::Nothing,
        };
        match sound {
            Sound::All(file) => files.push(Arc::new(file)),
            damaged => {
                before_cut()?;
                remove_after(fs, dir, &numbers, *number)?;
                files.extend(cut(fs, dir, *number, &damaged)?.map(Arc::new));
                // For good: behind files that are going to be written they would be taken for sound.
                fs.sync_dir(dir).map_err(|e| TsdbError::io(dir, "sync directory", e))?;
                return Ok(Loaded { range: range(&files), files: ChunkFiles::new(files), repaired: true });
            }
        }
        next = number.checked_add(1);
    }
    Ok(Loaded { range: range(&files), files: ChunkFiles::new(files), repaired: false })
}

/// How much of a file is sound.
enum Sound {
    All(ChunkFile),
    /// Up to this length.
    Until(u64),
    Nothing,
}

fn walk(
    fs: &dyn Fs,
    dir: &Path,
    number: NonZeroU32,
    each: &mut impl FnMut(ChunkRef, FileChunk<'_>),
) -> Result<Sound, TsdbError> {
    let file = match ChunkFile::open(fs, dir, number) {
        Ok(file) => file,
        Err(TsdbError::Corrupt { .. }) => return Ok(Sound::Nothing),
        Err(error) => return Err(error),
    };
    for chunk in file.chunks() {
        match chunk {
            Ok((offset, chunk)) => each(ChunkRef { file: number, offset }, chunk),
            Err(TsdbError::Corrupt { offset, .. }) => return Ok(Sound::Until(offset)),
            Err(error) => return Err(error),
        }
    }
    Ok(Sound::All(file))
}

/// The newest first: were we interrupted, there would still be no gap but the one that there was.
fn remove_after(fs: &dyn Fs, dir: &Path, numbers: &[NonZeroU32], last: NonZeroU32) -> Result<(), TsdbError> {
    numbers.iter().rev().take_while(|number| **number > last).try_for_each(|number| remove(fs, dir, *number))
}

/// Shortens a file to what of it is sound; gives it as it is then.
fn cut(fs: &dyn Fs, dir: &Path, number: NonZeroU32, sound: &Sound) -> Result<Option<ChunkFile>, TsdbError> {
    let Sound::Until(len) = sound else { return remove(fs, dir, number).map(|()| None) };
    let path = dir.join(file_name(number));
    fs.truncate(&path, *len).map_err(|e| TsdbError::io(&path, "truncate", e))?;
    ChunkFile::open(fs, dir, number).map(Some)
}

fn remove(fs: &dyn Fs, dir: &Path, number: NonZeroU32) -> Result<(), TsdbError> {
    let path = dir.join(file_name(number));
    fs.remove_file(&path).map_err(|e| TsdbError::io(&path, "remove", e))
}

fn range(files: &[Arc<ChunkFile>]) -> Option<(NonZeroU32, NonZeroU32)> {
    Some((files.first()?.number(), files.last()?.number()))
}
