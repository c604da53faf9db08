//! Opens a block and selects from it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::sample::Samples;
use neocortex_model::series::{Fetched, Queryable, SelectHints, Series, StorageError};

use super::chunks::ChunkReader;
use super::meta::BlockMeta;
use super::tombstones::{self, Tombstones};
use super::{CHUNKS_DIR, INDEX_FILE};
use crate::chunk::{self, Encoding};
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::index::read::IndexReader;
use crate::index::resolve::resolve;
use crate::index::{ChunkMeta, SeriesRef};
use crate::merge::push_from;

/// A block, open for reading. Its files may be removed meanwhile: what is open stays readable.
pub struct Block {
    content: Arc<Content>,
}

struct Content {
    meta: BlockMeta,
    index: IndexReader,
    chunks: ChunkReader,
    tombstones: Tombstones,
}

impl Block {
    /// Opens the block in a directory. Meta, tombstones and the tables of the index are verified now, the rest when it is
    /// read.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when one of these is damaged.
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Self, TsdbError> {
        let content = Content {
            meta: BlockMeta::read(&**fs, dir)?,
            index: IndexReader::open(&**fs, &dir.join(INDEX_FILE))?,
            chunks: ChunkReader::open(&**fs, &dir.join(CHUNKS_DIR))?,
            tombstones: tombstones::read(&**fs, dir)?,
        };
        Ok(Self { content: Arc::new(content) })
    }

    /// What the block says of itself.
    #[must_use]
    pub fn meta(&self) -> &BlockMeta {
        &self.content.meta
    }

    /// Bytes of index and chunks.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.content.index.len() + self.content.chunks.len()
    }

    /// True for no block that could be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &IndexReader {
        &self.content.index
    }

    /// The stretches of a series that are deleted, both ends inclusive, in milliseconds.
    pub(crate) fn deleted(&self, series: SeriesRef) -> &[(i64, i64)] {
        self.content.tombstones.get(&series).map_or(&[], Vec::as_slice)
    }

    /// Encoding and bytes of a chunk that the index names.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub(crate) fn chunk(&self, reference: u64) -> Result<(Encoding, &[u8]), TsdbError> {
        self.content.chunks.get(reference)
    }

    /// Series that match all matchers and have chunks with `mint <= t <= maxt`, sorted by labels.
    pub(crate) fn select_range(
        &self,
        matchers: &[Matcher],
        mint: i64,
        maxt: i64,
    ) -> Result<Vec<Arc<BlockSeries>>, TsdbError> {
        let mut found = Vec::new();
        if !self.meta().overlaps(mint, maxt) {
            return Ok(found);
        }
        for series in resolve(matchers, &self.content.index)? {
            let (labels, chunks) = self.content.index.series(series)?;
            if chunks.iter().any(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
                found.push(Arc::new(BlockSeries { content: Arc::clone(&self.content), labels, series, chunks }));
            }
        }
        Ok(found)
    }

    /// Labels of the series that match all matchers, sorted.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn label_sets(&self, matchers: &[Matcher]) -> Result<Vec<Labels>, TsdbError> {
        let index = &self.content.index;
        resolve(matchers, index)?.into_iter().map(|series| index.labels(series)).collect()
    }

    /// Adds the label names of the series that match all matchers.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn label_names(&self, matchers: &[Matcher], names: &mut BTreeSet<String>) -> Result<(), TsdbError> {
        if matchers.is_empty() {
            names.extend(self.content.index.label_names().map(str::to_owned));
            return Ok(());
        }
        for labels in self.label_sets(matchers)? {
            add_missing(names, labels.iter().map(|(name, _)| name));
        }
        Ok(())
    }

    /// Adds the values of a label among the series that match all matchers.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        values: &mut BTreeSet<String>,
    ) -> Result<(), TsdbError> {
        if matchers.is_empty() {
            return self.content.index.for_each_value(name, |value, _| add_missing(values, [value]));
        }
        for labels in self.label_sets(matchers)? {
            add_missing(values, labels.get(name));
        }
        Ok(())
    }
}

fn add_missing<'a>(set: &mut BTreeSet<String>, texts: impl IntoIterator<Item = &'a str>) {
    for text in texts {
        if !set.contains(text) {
            set.insert(text.to_owned());
        }
    }
}

impl Queryable for Block {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let found = self.select_range(matchers, hints.start_ms, hints.end_ms)?;
        Ok(found.into_iter().map(|series| series as Arc<dyn Series>).collect())
    }
}

/// A series of a block; its chunks are decoded when they are asked for.
pub(crate) struct BlockSeries {
    content: Arc<Content>,
    labels: Labels,
    series: SeriesRef,
    chunks: Vec<ChunkMeta>,
}

impl Series for BlockSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        // A block may have chunks that begin before or end after its range; what is outside is another block's.
        let (mint, maxt) = (mint.max(self.content.meta.min_time), maxt.min(self.content.meta.max_time - 1));
        let Some(deleted) = self.content.tombstones.get(&self.series) else { return self.decode(mint, maxt, out) };
        let mut all = Samples::default();
        self.decode(mint, maxt, &mut all)?;
        for (i, t) in all.t.iter().enumerate() {
            if !deleted.iter().any(|(from, to)| (*from..=*to).contains(t)) {
                push_from(&all, i, out);
            }
        }
        Ok(())
    }

    fn fetched(&self, mint: i64, maxt: i64) -> Result<Fetched, StorageError> {
        let (mint, maxt) = (mint.max(self.content.meta.min_time), maxt.min(self.content.meta.max_time - 1));
        let mut all = Fetched::default();
        for meta in self.chunks.iter().filter(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
            let (_, bytes) = self.content.chunks.get(meta.reference)?;
            all += chunk::fetched(bytes, (meta.min_t, meta.max_t), mint, maxt);
        }
        Ok(all)
    }
}

impl BlockSeries {
    /// True when its samples came out of order.
    pub(crate) fn is_from_out_of_order(&self) -> bool {
        self.content.meta.compaction.is_from_out_of_order()
    }

    /// True when it has chunks with `mint <= t <= maxt`.
    pub(crate) fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.chunks.iter().any(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t)
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.chunks.capacity() * size_of::<ChunkMeta>()
    }

    /// No sample of it is older, in milliseconds.
    pub(crate) fn oldest_t(&self) -> i64 {
        self.chunks.iter().map(|chunk| chunk.min_t).min().unwrap_or(i64::MAX).max(self.content.meta.min_time)
    }

    fn decode(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        for meta in self.chunks.iter().filter(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
            let (encoding, bytes) = self.content.chunks.get(meta.reference)?;
            chunk::decode_any(encoding, bytes, mint, maxt, out)?;
        }
        Ok(())
    }
}
