//! The records of the log, byte by byte.
//!
//! Source: Prometheus `tsdb/docs/format/wal.md` and `tsdb/record/record.go`. The first byte is the type. `be64` is eight
//! bytes, big endian; `varint` and `uvarint` are Go's; `str` is a uvarint length and the bytes; `labels` is a uvarint
//! count and that many pairs of `str`.
//!
//! | type | record | layout after the type |
//! |---|---|---|
//! | 1 | series | { ref be64, labels }* |
//! | 2 | samples | ref be64, t be64, { Δref varint, Δt varint, value be64 }*, deltas to the leading pair |
//! | 3 | tombstones | { ref be64, mint varint, maxt varint }* |
//! | 4 | exemplars | ref be64, t be64, { Δref varint, Δt varint, value be64, labels }* |
//! | 5 | mmap markers | { ref be64, chunk ref be64 }* |
//! | 6 | metadata | { ref uvarint, type byte, fields uvarint, { name str, value str }* }* |
//! | 7, 9 | histograms (9: with custom buckets) | ref be64, t be64, { Δref varint, Δt varint, histogram }* |
//! | 8, 10 | float histograms (10: with custom buckets) | as 7 |
//! | 11 | samples with start times | { Δref varint, Δt varint, start marker, value be64 }* |
//! | 12, 13 | histograms and float histograms with start times | as 11, with a histogram for the value |
//!
//! Integer histogram: reset hint byte, schema varint, zero threshold be64, zero count uvarint, count uvarint, sum be64,
//! positive spans, negative spans (count uvarint, { offset varint, length uvarint }*), positive buckets, negative buckets
//! (count uvarint, varint*), and with custom buckets their bounds (count uvarint, be64*). Float histogram: the same with
//! be64 for zero count, count and buckets.
//!
//! In 11 to 13 the first entry is absolute (and its start time a varint), references are deltas to the previous entry,
//! times to the first one; the start marker is a byte: 0 none, 1 as the previous, 2 a varint delta to the first follows.

mod decode;
mod encode;
mod histogram;

use neocortex_model::labels::Labels;
use neocortex_model::sample::{HistogramValue, MetricType};

pub use decode::decode;
pub(crate) use decode::{decode_exemplar_body, decode_labels};
pub use encode::{
    SamplesEncoder, encode_exemplars, encode_histograms, encode_metadata, encode_mmap_markers, encode_samples,
    encode_series, encode_tombstones,
};
pub(crate) use encode::{encode_exemplar_body, encode_labels};
pub(crate) use histogram::{encode_float_histogram, encode_integer_histogram};

/// Numbers of the types.
mod kind {
    pub const SERIES: u8 = 1;
    pub const SAMPLES: u8 = 2;
    pub const TOMBSTONES: u8 = 3;
    pub const EXEMPLARS: u8 = 4;
    pub const MMAP_MARKERS: u8 = 5;
    pub const METADATA: u8 = 6;
    pub const HISTOGRAMS: u8 = 7;
    pub const FLOAT_HISTOGRAMS: u8 = 8;
    pub const CUSTOM_HISTOGRAMS: u8 = 9;
    pub const CUSTOM_FLOAT_HISTOGRAMS: u8 = 10;
    pub const SAMPLES_V2: u8 = 11;
    pub const HISTOGRAMS_V2: u8 = 12;
    pub const FLOAT_HISTOGRAMS_V2: u8 = 13;
}

/// A series and the number under which later records name it.
#[derive(Clone, Debug, PartialEq)]
pub struct RefSeries {
    /// Its number.
    pub series: u64,
    /// Its labels.
    pub labels: Labels,
}

/// A float sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefSample {
    /// Number of the series.
    pub series: u64,
    /// Milliseconds.
    pub t: i64,
    /// Value.
    pub v: f64,
}

/// A native histogram sample.
#[derive(Clone, Debug, PartialEq)]
pub struct RefHistogram {
    /// Number of the series.
    pub series: u64,
    /// Milliseconds.
    pub t: i64,
    /// Value.
    pub h: HistogramValue,
}

/// An exemplar.
#[derive(Clone, Debug, PartialEq)]
pub struct RefExemplar {
    /// Number of the series.
    pub series: u64,
    /// Milliseconds.
    pub t: i64,
    /// Value.
    pub v: f64,
    /// The exemplar's own labels.
    pub labels: Labels,
}

/// Metadata of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefMetadata {
    /// Number of the series.
    pub series: u64,
    /// Type.
    pub kind: MetricType,
    /// Unit.
    pub unit: String,
    /// Help.
    pub help: String,
}

/// A deleted stretch of a series, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefTombstone {
    /// Number of the series.
    pub series: u64,
    /// First millisecond.
    pub mint: i64,
    /// Last millisecond.
    pub maxt: i64,
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// New series.
    Series(Vec<RefSeries>),
    /// Float samples.
    Samples(Vec<RefSample>),
    /// Native histogram samples.
    Histograms(Vec<RefHistogram>),
    /// Exemplars.
    Exemplars(Vec<RefExemplar>),
    /// Metadata.
    Metadata(Vec<RefMetadata>),
    /// Deletions.
    Tombstones(Vec<RefTombstone>),
    /// Pairs of series and the chunk that was mapped.
    MmapMarkers(Vec<(u64, u64)>),
    /// A type that this version does not know; readers pass over it, as Prometheus does.
    Unknown(u8),
}

/// A record's bytes are not what its type says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of type {kind} is malformed")]
pub struct RecordError {
    /// Its type.
    pub kind: u8,
}

#[cfg(test)]
mod tests;
