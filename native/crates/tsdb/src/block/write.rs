//! Makes a block.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use neocortex_model::labels::Labels;

use super::chunks::ChunkWriter;
use super::dir::{self, CREATION_SUFFIX};
use super::meta::BlockMeta;
use super::tombstones::{self, Tombstones};
use super::{CHUNKS_DIR, INDEX_FILE};
use crate::chunk::{self, EncodedChunk, Encoding};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::index::ChunkMeta;
use crate::index::write::IndexWriter;

/// A block being written. Dropped before it is finished it leaves nothing behind.
pub struct BlockWriter {
    fs: Arc<dyn Fs>,
    parent: PathBuf,
    temporary: PathBuf,
    meta: BlockMeta,
    chunks: ChunkWriter,
    index: IndexWriter,
    tombstones: Tombstones,
    unfinished: Unfinished,
}

/// Removes the temporary directory unless told otherwise.
struct Unfinished {
    fs: Arc<dyn Fs>,
    temporary: Option<PathBuf>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // A next start removes it if this fails.
            let _ = self.fs.remove_dir_all(&temporary);
        }
    }
}

impl BlockWriter {
    /// Begins the block that `meta` names in the directory `parent`. `symbols` ascend and are all names and values of the
    /// labels to come; a chunk segment gets at most `segment_bytes`.
    ///
    /// # Errors
    /// [`TsdbError`] when files cannot be made or the symbols do not ascend.
    pub fn create<'a>(
        fs: &Arc<dyn Fs>,
        parent: &Path,
        meta: BlockMeta,
        symbols: impl IntoIterator<Item = &'a str>,
        segment_bytes: u64,
    ) -> Result<Self, TsdbError> {
        let temporary = parent.join(format!("{}{CREATION_SUFFIX}", meta.ulid));
        let unfinished = Unfinished { fs: Arc::clone(fs), temporary: Some(temporary.clone()) };
        let chunks = ChunkWriter::create(Arc::clone(fs), &temporary.join(CHUNKS_DIR), segment_bytes)?;
        let index = IndexWriter::create(&**fs, &temporary.join(INDEX_FILE), symbols)?;
        Ok(Self {
            fs: Arc::clone(fs),
            parent: parent.to_owned(),
            temporary,
            meta,
            chunks,
            index,
            tombstones: Tombstones::new(),
            unfinished,
        })
    }

    /// Adds a series, whose labels come after those of all before, with its chunks in the order of time and the stretches
    /// of it that are deleted.
    ///
    /// # Errors
    /// [`TsdbError`] when it cannot be written or the order does not hold.
    pub fn add_series(
        &mut self,
        labels: &Labels,
        chunks: &[EncodedChunk],
        deleted: &[(i64, i64)],
    ) -> Result<(), TsdbError> {
        let mut placed = Vec::with_capacity(chunks.len());
        let stats = &mut self.meta.stats;
        for chunk in chunks {
            let reference = self.chunks.add(chunk.encoding, &chunk.bytes)?;
            placed.push(ChunkMeta { min_t: chunk.min_t, max_t: chunk.max_t, reference });
            let samples = u64::from(chunk::num_samples(&chunk.bytes));
            stats.num_samples += samples;
            match chunk.encoding {
                Encoding::Xor => stats.num_float_samples += samples,
                Encoding::Histogram | Encoding::FloatHistogram => stats.num_histogram_samples += samples,
            }
        }
        stats.num_series += 1;
        stats.num_chunks += chunks.len() as u64;
        stats.num_tombstones += deleted.len() as u64;
        let series = self.index.add_series(labels, &placed)?;
        if !deleted.is_empty() {
            self.tombstones.insert(series, deleted.to_vec());
        }
        Ok(())
    }

    /// Makes the block durable and gives it its name; `None` when it has no samples and is not kept.
    ///
    /// # Errors
    /// [`TsdbError`]: there is no such block then.
    pub fn finish(mut self) -> Result<Option<BlockMeta>, TsdbError> {
        if self.meta.stats.num_samples == 0 {
            return Ok(None);
        }
        self.chunks.finish()?;
        failpoint::reach("block.chunks-written");
        self.index.finish()?;
        self.meta.write(&*self.fs, &self.temporary)?;
        tombstones::write(&*self.fs, &self.temporary, &self.tombstones)?;
        self.fs.sync_dir(&self.temporary).map_err(|e| TsdbError::io(&self.temporary, "sync directory", e))?;
        failpoint::reach("block.written");
        let block = self.parent.join(self.meta.ulid.to_string());
        self.fs.rename(&self.temporary, &block).map_err(|e| {
            // It may have its name already, only not durably. Who gets an error writes another block with these samples.
            let _ = dir::remove(&*self.fs, &self.parent, self.meta.ulid);
            TsdbError::io(&block, "rename", e)
        })?;
        self.unfinished.temporary = None;
        failpoint::reach("block.named");
        Ok(Some(self.meta))
    }
}
