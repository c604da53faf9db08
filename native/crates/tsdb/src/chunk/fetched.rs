//! What a stretch of time takes of a chunk, told without decoding it.

use neocortex_model::series::Fetched;

use super::num_samples;

/// Every chunk of floats has these however few its samples are: their number, and the first one's time and value.
const BEGIN_BYTES: u64 = 2 + 6 + 8;

/// What is in a chunk between `mint` and `maxt`: of one that reaches beyond, as if its samples had equal distances and sizes.
pub(crate) fn fetched(chunk: &[u8], (min_t, max_t): (i64, i64), mint: i64, maxt: i64) -> Fetched {
    let (samples, bytes) = (u64::from(num_samples(chunk)), chunk.len() as u64);
    let within = if mint <= min_t && max_t <= maxt {
        samples
    } else {
        let span = max_t.abs_diff(min_t).max(1);
        let before =
            |t: i64| (u128::from(t.abs_diff(min_t)) * u128::from(samples.saturating_sub(1)) / u128::from(span)) as u64;
        let first = if mint <= min_t { 0 } else { before(mint - 1) + 1 };
        let last = if max_t <= maxt { samples } else { before(maxt) + 1 };
        last.saturating_sub(first).max(1).min(samples)
    };
    let begin = bytes.min(BEGIN_BYTES);
    let rest = (bytes - begin) * within.saturating_sub(1) / samples.saturating_sub(1).max(1);
    Fetched { chunks: 1, samples: within, chunk_bytes: begin + rest }
}

#[cfg(test)]
mod tests {
    use neocortex_model::sample::Samples;

    use super::*;
    use crate::chunk::encode::{Encoder, Sample, Value};
    use crate::chunk::{EncodedChunk, decode_any};

    fn chunk(times: impl Iterator<Item = i64>) -> EncodedChunk {
        let mut encoder = Encoder::new(i64::MAX, u16::MAX);
        times.for_each(|t| encoder.push(&Sample { t, value: Value::Float(t as f64) }));
        encoder.finish().remove(0)
    }

    #[test]
    fn samples_at_equal_distances_are_counted_exactly() {
        let chunk = chunk((0..40).map(|i| 1_000 + 15 * i));
        let times = (chunk.min_t, chunk.max_t);
        for mint in 990..=chunk.max_t {
            for maxt in [mint, mint + 14, mint + 100, mint + 1_000].into_iter().filter(|maxt| *maxt >= chunk.min_t) {
                let mut samples = Samples::default();
                decode_any(chunk.encoding, &chunk.bytes, mint, maxt, &mut samples).unwrap();
                let found = fetched(&chunk.bytes, times, mint, maxt);
                assert_eq!(found.samples, (samples.len() as u64).max(1), "{mint}..={maxt}");
                assert_eq!(found.chunks, 1);
            }
        }
    }

    #[test]
    fn bytes_are_those_of_the_samples_part() {
        let chunk = chunk((0..100).map(|i| i * 10));
        let all = fetched(&chunk.bytes, (0, 990), i64::MIN, i64::MAX);
        assert_eq!(all, Fetched { chunks: 1, samples: 100, chunk_bytes: chunk.bytes.len() as u64 });
        let (begin, rest) = (BEGIN_BYTES, all.chunk_bytes - BEGIN_BYTES);
        assert_eq!(fetched(&chunk.bytes, (0, 990), 500, 2_000).chunk_bytes, begin + rest * 49 / 99);
        assert_eq!(fetched(&chunk.bytes, (0, 990), 990, 2_000).chunk_bytes, begin);
    }

    #[test]
    fn bytes_that_are_no_chunk_have_no_samples() {
        assert_eq!(fetched(&[], (0, 10), 5, 6), Fetched { chunks: 1, samples: 0, chunk_bytes: 0 });
        assert_eq!(fetched(&[0, 9], (i64::MIN, i64::MAX), 0, 1), Fetched { chunks: 1, samples: 1, chunk_bytes: 2 });
    }
}
