//! What a series has in a stretch of time, taken out of the store while it is locked, decoded when it is not: the disk
//! may have to be waited for.

use std::ops::Range;
use std::sync::Arc;

use neocortex_model::sample::Samples;
use neocortex_model::series::Fetched;

use super::label_sets::SeriesId;
use super::series::Place;
use super::store::Store;
use crate::chunk::{self, EncodedChunk, Encoding};
use crate::chunk_files::ChunkRef;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;
use crate::merge::push_from;

/// Chunks of a series that have samples in a stretch of time, ascending.
pub(crate) struct Stretch {
    pieces: Vec<Piece>,
    /// Bytes of the chunks that were in memory, one after the other.
    copied: Vec<u8>,
    files: Arc<ChunkFiles>,
    /// What is deleted of the series, both ends inclusive.
    pub(crate) deleted: Vec<(i64, i64)>,
}

struct Piece {
    min_t: i64,
    max_t: i64,
    source: Source,
}

enum Source {
    Copied(Encoding, Range<usize>),
    File(ChunkRef),
}

impl Store {
    /// The chunks of a series that have samples with `mint <= t <= maxt`; none of a series that is gone.
    pub(crate) fn stretch(&self, id: SeriesId, mint: i64, maxt: i64) -> Stretch {
        let series = self.get(id);
        let closed = series.map_or(&[][..], |series| series.closed_between(mint, maxt));
        let mut stretch = Stretch {
            pieces: Vec::with_capacity(closed.len() + 1),
            copied: Vec::new(),
            files: Arc::clone(&self.files),
            deleted: self.deleted.get(&id).cloned().unwrap_or_default(),
        };
        for chunk in closed {
            match chunk.place {
                Place::File(at) => {
                    stretch.pieces.push(Piece { min_t: chunk.min_t, max_t: chunk.max_t, source: Source::File(at) });
                }
                Place::Waiting(ticket) => {
                    if let Some(full) = self.waiting.get(ticket) {
                        stretch.copy(full.min_t, full.max_t, full.encoding, &full.bytes);
                    }
                }
            }
        }
        if let Some((min_t, max_t, encoding, bytes)) = series.and_then(|series| series.open_between(mint, maxt)) {
            stretch.copy(min_t, max_t, encoding, bytes);
        }
        stretch
    }
}

impl Stretch {
    /// True without chunks.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends the samples with `mint <= t <= maxt` to `out`, ascending, without the deleted ones.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when a chunk is damaged.
    pub(crate) fn decode(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
        if self.deleted.is_empty() {
            return self.decode_all(mint, maxt, out);
        }
        let mut all = Samples::default();
        self.decode_all(mint, maxt, &mut all)?;
        let is_deleted = |t: i64| self.deleted.iter().any(|(from, to)| (*from..=*to).contains(&t));
        (0..all.len()).filter(|i| !is_deleted(all.t[*i])).for_each(|i| push_from(&all, i, out));
        Ok(())
    }

    /// What is in the chunks between `mint` and `maxt`, deleted samples too.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when one is damaged.
    pub(crate) fn fetched(&self, mint: i64, maxt: i64) -> Result<Fetched, TsdbError> {
        let mut all = Fetched::default();
        for piece in &self.pieces {
            all += chunk::fetched(self.bytes(piece)?.1, (piece.min_t, piece.max_t), mint, maxt);
        }
        Ok(all)
    }

    /// The chunks themselves.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when one is damaged.
    pub(crate) fn into_chunks(self) -> Result<Vec<EncodedChunk>, TsdbError> {
        let chunk = |piece: &Piece| {
            let (encoding, bytes) = self.bytes(piece)?;
            Ok(EncodedChunk { min_t: piece.min_t, max_t: piece.max_t, encoding, bytes: bytes.into() })
        };
        self.pieces.iter().map(chunk).collect()
    }

    fn decode_all(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
        self.pieces.iter().try_for_each(|piece| {
            let (encoding, bytes) = self.bytes(piece)?;
            chunk::decode_any(encoding, bytes, mint, maxt, out)
        })
    }

    fn bytes(&self, piece: &Piece) -> Result<(Encoding, &[u8]), TsdbError> {
        match &piece.source {
            Source::Copied(encoding, range) => Ok((*encoding, &self.copied[range.clone()])),
            Source::File(at) => self.files.chunk(*at),
        }
    }

    fn copy(&mut self, min_t: i64, max_t: i64, encoding: Encoding, bytes: &[u8]) {
        let start = self.copied.len();
        self.copied.extend_from_slice(bytes);
        self.pieces.push(Piece { min_t, max_t, source: Source::Copied(encoding, start..self.copied.len()) });
    }
}
