//! How large the messages would be in which an ingester sends series to a querier: what the limits of a query count, in one
//! process too.
//!
//! Source: `QueryStreamResponse`, `TimeSeriesChunk` and `Chunk` of Cortex's `pkg/ingester/client/ingester.proto`. Nothing is
//! encoded here; a chunk counts as long as the series' chunks are on average.

use neocortex_model::labels::Labels;
use neocortex_model::series::Fetched;

/// Start and end in milliseconds since the epoch, and the encoding, each with its field's number.
const CHUNK_HEADER_BYTES: u64 = 7 + 7 + 2;

/// Bytes of a series' message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageBytes {
    /// Of its chunks alone.
    pub chunks: u64,
    /// Of everything.
    pub all: u64,
}

/// The size of the message with a series.
#[must_use]
pub fn message_bytes(labels: &Labels, fetched: &Fetched) -> MessageBytes {
    let pairs: u64 =
        labels.iter().map(|(name, value)| field(field(name.len() as u64) + field(value.len() as u64))).sum();
    let Some(average) = fetched.chunk_bytes.checked_div(fetched.chunks) else {
        return MessageBytes { chunks: 0, all: field(pairs) };
    };
    let prefix = field(average) - average;
    let chunks = fetched.chunk_bytes + fetched.chunks * (CHUNK_HEADER_BYTES + prefix);
    let chunk = average + CHUNK_HEADER_BYTES + prefix;
    MessageBytes { chunks, all: field(pairs + chunks + fetched.chunks * (field(chunk) - chunk)) }
}

/// A field of `length` bytes: with its number and its length.
fn field(length: u64) -> u64 {
    let bits = u64::from(u64::BITS - (length | 1).leading_zeros());
    1 + bits.div_ceil(7) + length
}

#[cfg(test)]
mod tests {
    use neocortex_model::labels::LabelsBuilder;

    use super::*;

    /// Figures of a Cortex that answered `m{i=~"0|1"}`: 2 series, one chunk of 51 bytes each, 138 and 192 bytes in all.
    #[test]
    fn a_series_is_as_large_as_in_cortex() {
        let mut builder = LabelsBuilder::new();
        builder.set("__name__", "m");
        builder.set("i", "0");
        let fetched = Fetched { chunks: 1, samples: 29, chunk_bytes: 51 };
        assert_eq!(message_bytes(&builder.finish(), &fetched), MessageBytes { chunks: 69, all: 96 });
    }

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        assert_eq!([0, 127, 128, 16_383, 16_384].map(field), [2, 129, 131, 16_386, 16_388]);
    }

    #[test]
    fn a_series_without_chunks_is_its_labels() {
        assert_eq!(message_bytes(&Labels::empty(), &Fetched::default()), MessageBytes { chunks: 0, all: 2 });
    }
}
