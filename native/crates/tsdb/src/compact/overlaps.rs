//! Chunks of one series that cannot go to a block as they are.

use crate::chunk::encode::{Encoder, Sample, decode};
use crate::chunk::{EncodedChunk, Encoding};
use crate::error::TsdbError;

/// Samples of a chunk that is made anew, as of any chunk.
const SAMPLES_PER_CHUNK: u16 = 120;

/// The chunks ascending in time; those that overlap are made anew. Of samples of the same time the one of the chunk that
/// came first in `chunks` is kept.
pub(super) fn without_overlaps(chunks: Vec<EncodedChunk>) -> Result<Vec<EncodedChunk>, TsdbError> {
    let mut by_begin: Vec<(usize, EncodedChunk)> = chunks.into_iter().enumerate().collect();
    by_begin.sort_by_key(|(place, chunk)| (chunk.min_t, *place));
    let mut out = Vec::with_capacity(by_begin.len());
    let mut rest = by_begin.as_mut_slice();
    while !rest.is_empty() {
        let (group, others) = rest.split_at_mut(overlapping(rest));
        match group {
            [(_, chunk)] => out.push(EncodedChunk { bytes: std::mem::take(&mut chunk.bytes), ..*chunk }),
            _ => {
                group.sort_by_key(|(place, _)| *place);
                out.extend(merge(group.iter().map(|(_, chunk)| chunk))?);
            }
        }
        rest = others;
    }
    Ok(out)
}

/// What of a chunk is to be kept, as chunks of their own.
pub(super) fn kept(
    encoding: Encoding,
    bytes: &[u8],
    keep: impl Fn(i64) -> bool,
) -> Result<Vec<EncodedChunk>, TsdbError> {
    let mut samples = decode(encoding, bytes)?;
    samples.retain(|sample| keep(sample.t));
    Ok(encode(&samples))
}

/// How many chunks from the first on overlap in a row; they are sorted by their beginning.
fn overlapping(chunks: &[(usize, EncodedChunk)]) -> usize {
    let mut end_t = i64::MIN;
    let in_row = chunks.iter().enumerate().take_while(|(i, (_, chunk))| {
        let overlaps = *i == 0 || chunk.min_t <= end_t;
        end_t = end_t.max(chunk.max_t);
        overlaps
    });
    in_row.count()
}

fn merge<'a>(group: impl Iterator<Item = &'a EncodedChunk>) -> Result<Vec<EncodedChunk>, TsdbError> {
    let mut samples: Vec<Sample> = Vec::new();
    for chunk in group {
        samples.extend(decode(chunk.encoding, &chunk.bytes)?);
    }
    // Stable, so that of those of a time the first one stays in front.
    samples.sort_by_key(|sample| sample.t);
    samples.dedup_by_key(|sample| sample.t);
    Ok(encode(&samples))
}

fn encode(samples: &[Sample]) -> Vec<EncodedChunk> {
    let mut encoder = Encoder::new(i64::MAX, SAMPLES_PER_CHUNK);
    samples.iter().for_each(|sample| encoder.push(sample));
    encoder.finish()
}
