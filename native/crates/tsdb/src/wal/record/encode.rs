//! From records to bytes.

use neocortex_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use neocortex_model::labels::Labels;
use neocortex_model::sample::HistogramValue;

use super::histogram::{encode_float_histogram, encode_integer_histogram};
use super::{RefExemplar, RefHistogram, RefMetadata, RefSample, RefTombstone, kind};
use crate::varint::{put_str, put_uvarint, put_varint};

/// Appends a series record. `series` gives number and labels.
pub fn encode_series<'a>(out: &mut Vec<u8>, series: impl IntoIterator<Item = (u64, &'a Labels)>) {
    out.push(kind::SERIES);
    for (number, labels) in series {
        out.extend_from_slice(&number.to_be_bytes());
        encode_labels(out, labels);
    }
}

/// Builds a samples record sample by sample, while they are appended.
#[derive(Debug, Default)]
pub struct SamplesEncoder {
    base: Option<(u64, i64)>,
}

impl SamplesEncoder {
    /// Appends one sample to the record in `out`, which it begins with the first one.
    #[inline]
    pub fn push(&mut self, out: &mut Vec<u8>, sample: RefSample) {
        let (series, t) = *self.base.get_or_insert_with(|| {
            out.push(kind::SAMPLES);
            out.extend_from_slice(&sample.series.to_be_bytes());
            out.extend_from_slice(&sample.t.to_be_bytes());
            (sample.series, sample.t)
        });
        put_varint(out, sample.series.wrapping_sub(series) as i64);
        put_varint(out, sample.t.wrapping_sub(t));
        out.extend_from_slice(&sample.v.to_bits().to_be_bytes());
    }
}

/// Appends a samples record.
pub fn encode_samples(out: &mut Vec<u8>, samples: &[RefSample]) {
    let mut encoder = SamplesEncoder::default();
    for sample in samples {
        encoder.push(out, *sample);
    }
}

/// Which of the four kinds of histogram records a histogram belongs in.
pub(super) fn histogram_kind(h: &HistogramValue) -> u8 {
    match h {
        HistogramValue::Integer(h) if h.schema == CUSTOM_BUCKETS_SCHEMA => kind::CUSTOM_HISTOGRAMS,
        HistogramValue::Integer(_) => kind::HISTOGRAMS,
        HistogramValue::Float(h) if h.schema == CUSTOM_BUCKETS_SCHEMA => kind::CUSTOM_FLOAT_HISTOGRAMS,
        HistogramValue::Float(_) => kind::FLOAT_HISTOGRAMS,
    }
}

/// Encodes histograms: one record for each of the four kinds that occur, in the order given within a kind.
#[must_use]
pub fn encode_histograms(histograms: &[RefHistogram]) -> Vec<Vec<u8>> {
    let kinds = [kind::HISTOGRAMS, kind::FLOAT_HISTOGRAMS, kind::CUSTOM_HISTOGRAMS, kind::CUSTOM_FLOAT_HISTOGRAMS];
    let record = |kind: u8| {
        let mut of_kind = histograms.iter().filter(|h| histogram_kind(&h.h) == kind).peekable();
        let first = *of_kind.peek()?;
        let mut out = vec![kind];
        out.extend_from_slice(&first.series.to_be_bytes());
        out.extend_from_slice(&first.t.to_be_bytes());
        for h in of_kind {
            put_varint(&mut out, h.series.wrapping_sub(first.series) as i64);
            put_varint(&mut out, h.t.wrapping_sub(first.t));
            encode_histogram(&mut out, &h.h);
        }
        Some(out)
    };
    kinds.into_iter().filter_map(record).collect()
}

/// Appends an exemplars record.
pub fn encode_exemplars(out: &mut Vec<u8>, exemplars: &[RefExemplar]) {
    out.push(kind::EXEMPLARS);
    encode_exemplar_body(out, exemplars);
}

/// Appends the exemplars of a record, without its type.
pub(crate) fn encode_exemplar_body(out: &mut Vec<u8>, exemplars: &[RefExemplar]) {
    let Some(first) = exemplars.first() else { return };
    out.extend_from_slice(&first.series.to_be_bytes());
    out.extend_from_slice(&first.t.to_be_bytes());
    for exemplar in exemplars {
        put_varint(out, exemplar.series.wrapping_sub(first.series) as i64);
        put_varint(out, exemplar.t.wrapping_sub(first.t));
        out.extend_from_slice(&exemplar.v.to_bits().to_be_bytes());
        encode_labels(out, &exemplar.labels);
    }
}

/// Appends a metadata record.
pub fn encode_metadata(out: &mut Vec<u8>, metadata: &[RefMetadata]) {
    out.push(kind::METADATA);
    for entry in metadata {
        put_uvarint(out, entry.series);
        out.push(entry.kind as u8);
        put_uvarint(out, 2);
        for text in ["UNIT", entry.unit.as_str(), "HELP", entry.help.as_str()] {
            put_str(out, text);
        }
    }
}

/// Appends a tombstones record.
pub fn encode_tombstones(out: &mut Vec<u8>, tombstones: &[RefTombstone]) {
    out.push(kind::TOMBSTONES);
    for stone in tombstones {
        out.extend_from_slice(&stone.series.to_be_bytes());
        put_varint(out, stone.mint);
        put_varint(out, stone.maxt);
    }
}

/// Appends a record of mmap markers.
pub fn encode_mmap_markers(out: &mut Vec<u8>, markers: &[(u64, u64)]) {
    out.push(kind::MMAP_MARKERS);
    for (series, chunk) in markers {
        out.extend_from_slice(&series.to_be_bytes());
        out.extend_from_slice(&chunk.to_be_bytes());
    }
}

pub(crate) fn encode_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_uvarint(out, labels.len() as u64);
    for (name, value) in labels {
        put_str(out, name);
        put_str(out, value);
    }
}

fn encode_histogram(out: &mut Vec<u8>, h: &HistogramValue) {
    match h {
        HistogramValue::Integer(h) => encode_integer_histogram(out, h),
        HistogramValue::Float(h) => encode_float_histogram(out, h),
    }
}
