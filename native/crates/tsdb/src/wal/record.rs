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

use neocortex_model::histogram::{
    CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, Histogram, MAX_EXPONENTIAL_SCHEMA, Span, is_known_schema,
};
use neocortex_model::labels::Labels;
use neocortex_model::sample::{HistogramValue, MetricType};

use crate::varint::{Cursor, Malformed, put_str, put_uvarint, put_varint};

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

/// Decodes a record. Allocates at most a small multiple of its length.
///
/// # Errors
/// [`RecordError`] when it is malformed.
pub fn decode(record: &[u8]) -> Result<Record, RecordError> {
    let Some((&kind, body)) = record.split_first() else { return Ok(Record::Unknown(0)) };
    decode_body(kind, Cursor::new(body)).map_err(|Malformed| RecordError { kind })
}

fn decode_body(kind: u8, mut body: Cursor<'_>) -> Result<Record, Malformed> {
    let body = &mut body;
    Ok(match kind {
        kind::SERIES => Record::Series(all(body, |c| Ok(RefSeries { series: c.be64()?, labels: decode_labels(c)? }))?),
        kind::SAMPLES => {
            let Some(base) = decode_base(body)? else { return Ok(Record::Samples(Vec::new())) };
            let mut samples = Vec::with_capacity(body.len() / 10);
            while !body.is_empty() {
                let (series, t) = base.next(body)?;
                samples.push(RefSample { series, t, v: body.float()? });
            }
            Record::Samples(samples)
        }
        kind::TOMBSTONES => Record::Tombstones(all(body, |c| {
            Ok(RefTombstone { series: c.be64()?, mint: c.varint()?, maxt: c.varint()? })
        })?),
        kind::EXEMPLARS => Record::Exemplars(decode_exemplar_body(body)?),
        kind::MMAP_MARKERS => Record::MmapMarkers(all(body, |c| Ok((c.be64()?, c.be64()?)))?),
        kind::METADATA => Record::Metadata(all(body, decode_metadata)?),
        kind::HISTOGRAMS | kind::CUSTOM_HISTOGRAMS => decode_histograms(body, decode_integer)?,
        kind::FLOAT_HISTOGRAMS | kind::CUSTOM_FLOAT_HISTOGRAMS => decode_histograms(body, decode_float)?,
        kind::SAMPLES_V2 => {
            let mut chain = Chain::default();
            Record::Samples(all(body, |c| {
                let (series, t) = chain.next(c)?;
                Ok(RefSample { series, t, v: c.float()? })
            })?)
        }
        kind::HISTOGRAMS_V2 => decode_histograms_v2(body, decode_integer)?,
        kind::FLOAT_HISTOGRAMS_V2 => decode_histograms_v2(body, decode_float)?,
        other => Record::Unknown(other),
    })
}

fn all<T>(
    body: &mut Cursor<'_>,
    mut one: impl FnMut(&mut Cursor<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut found = Vec::new();
    while !body.is_empty() {
        found.push(one(body)?);
    }
    Ok(found)
}

/// The leading pair of a record, to which its entries are deltas.
#[derive(Clone, Copy)]
struct Base {
    series: u64,
    t: i64,
}

impl Base {
    #[inline]
    fn next(self, c: &mut Cursor<'_>) -> Result<(u64, i64), Malformed> {
        let series = self.series.wrapping_add_signed(c.varint()?);
        Ok((series, self.t.wrapping_add(c.varint()?)))
    }
}

fn decode_base(body: &mut Cursor<'_>) -> Result<Option<Base>, Malformed> {
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Base { series: body.be64()?, t: body.be64()? as i64 }))
}

/// The entries of records with start times: each reference is a delta to the one before. Start times are read past.
#[derive(Default)]
struct Chain {
    first: Option<i64>,
    series: u64,
}

impl Chain {
    fn next(&mut self, c: &mut Cursor<'_>) -> Result<(u64, i64), Malformed> {
        self.series = self.series.wrapping_add_signed(c.varint()?);
        let t = c.varint()?;
        let Some(first) = self.first else {
            self.first = Some(t);
            c.varint()?;
            return Ok((self.series, t));
        };
        if c.byte()? > 1 {
            c.varint()?;
        }
        Ok((self.series, first.wrapping_add(t)))
    }
}

/// The exemplars of a record, after its type.
pub(crate) fn decode_exemplar_body(body: &mut Cursor<'_>) -> Result<Vec<RefExemplar>, Malformed> {
    let Some(base) = decode_base(body)? else { return Ok(Vec::new()) };
    all(body, |c| {
        let (series, t) = base.next(c)?;
        Ok(RefExemplar { series, t, v: c.float()?, labels: decode_labels(c)? })
    })
}

pub(crate) fn decode_labels(c: &mut Cursor<'_>) -> Result<Labels, Malformed> {
    let n = c.count(2)?;
    let mut pairs = Vec::with_capacity(n);
    for _ in 0..n {
        pairs.push((c.text()?, c.text()?));
    }
    let canonical = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0) && pairs.iter().all(|(_, v)| !v.is_empty());
    Ok(if canonical { Labels::from_sorted(&pairs) } else { Labels::from_pairs(pairs) })
}

fn decode_metadata(c: &mut Cursor<'_>) -> Result<RefMetadata, Malformed> {
    let series = c.uvarint()?;
    let kind = MetricType::from_number(u64::from(c.byte()?));
    let (mut unit, mut help) = (String::new(), String::new());
    for _ in 0..c.count(2)? {
        let name = c.bytes()?;
        let value = c.text()?;
        match name {
            b"UNIT" => unit = value.to_owned(),
            b"HELP" => help = value.to_owned(),
            _ => {}
        }
    }
    Ok(RefMetadata { series, kind, unit, help })
}

type DecodeHistogram = fn(&mut Cursor<'_>) -> Result<HistogramValue, Malformed>;

fn decode_histograms(body: &mut Cursor<'_>, histogram: DecodeHistogram) -> Result<Record, Malformed> {
    let Some(base) = decode_base(body)? else { return Ok(Record::Histograms(Vec::new())) };
    decode_histograms_at(body, histogram, |c| base.next(c))
}

fn decode_histograms_v2(body: &mut Cursor<'_>, histogram: DecodeHistogram) -> Result<Record, Malformed> {
    let mut chain = Chain::default();
    decode_histograms_at(body, histogram, |c| chain.next(c))
}

/// Histograms of a schema that is not known are passed over, those of a higher resolution than ours are reduced: as
/// Prometheus does with records of a newer version. Those with more or fewer buckets than their spans say, which nobody
/// writes, are passed over too, since no chunk can hold them.
fn decode_histograms_at(
    body: &mut Cursor<'_>,
    histogram: DecodeHistogram,
    mut place: impl FnMut(&mut Cursor<'_>) -> Result<(u64, i64), Malformed>,
) -> Result<Record, Malformed> {
    let mut found = Vec::new();
    while !body.is_empty() {
        let (series, t) = place(body)?;
        let mut h = histogram(body)?;
        if !is_known_schema(h.schema()) || !h.spans_fit() {
            continue;
        }
        match &mut h {
            HistogramValue::Integer(h) => h.reduce_resolution(MAX_EXPONENTIAL_SCHEMA),
            HistogramValue::Float(h) => h.reduce_resolution(MAX_EXPONENTIAL_SCHEMA),
        }
        found.push(RefHistogram { series, t, h });
    }
    Ok(Record::Histograms(found))
}

fn list<T>(
    c: &mut Cursor<'_>,
    min_bytes: usize,
    mut one: impl FnMut(&mut Cursor<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    (0..c.count(min_bytes)?).map(|_| one(c)).collect()
}

fn decode_span(c: &mut Cursor<'_>) -> Result<Span, Malformed> {
    let offset = i32::try_from(c.varint()?).map_err(|_| Malformed)?;
    Ok(Span { offset, length: u32::try_from(c.uvarint()?).map_err(|_| Malformed)? })
}

fn decode_head(c: &mut Cursor<'_>) -> Result<(CounterReset, i32, f64), Malformed> {
    let counter_reset = match c.byte()? {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    };
    Ok((counter_reset, i32::try_from(c.varint()?).map_err(|_| Malformed)?, c.float()?))
}

fn decode_custom(c: &mut Cursor<'_>, schema: i32) -> Result<Vec<f64>, Malformed> {
    if schema == CUSTOM_BUCKETS_SCHEMA { list(c, 8, |c| c.float()) } else { Ok(Vec::new()) }
}

fn decode_integer(c: &mut Cursor<'_>) -> Result<HistogramValue, Malformed> {
    let (counter_reset, schema, zero_threshold) = decode_head(c)?;
    Ok(HistogramValue::Integer(Histogram {
        counter_reset,
        schema,
        zero_threshold,
        zero_count: c.uvarint()?,
        count: c.uvarint()?,
        sum: c.float()?,
        positive_spans: list(c, 2, decode_span)?,
        negative_spans: list(c, 2, decode_span)?,
        positive_buckets: list(c, 1, |c| c.varint())?,
        negative_buckets: list(c, 1, |c| c.varint())?,
        custom_values: decode_custom(c, schema)?,
    }))
}

fn decode_float(c: &mut Cursor<'_>) -> Result<HistogramValue, Malformed> {
    let (counter_reset, schema, zero_threshold) = decode_head(c)?;
    Ok(HistogramValue::Float(FloatHistogram {
        counter_reset,
        schema,
        zero_threshold,
        zero_count: c.float()?,
        count: c.float()?,
        sum: c.float()?,
        positive_spans: list(c, 2, decode_span)?,
        negative_spans: list(c, 2, decode_span)?,
        positive_buckets: list(c, 8, |c| c.float())?,
        negative_buckets: list(c, 8, |c| c.float())?,
        custom_values: decode_custom(c, schema)?,
    }))
}

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
fn histogram_kind(h: &HistogramValue) -> u8 {
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

fn encode_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_uvarint(out, spans.len() as u64);
    for span in spans {
        put_varint(out, i64::from(span.offset));
        put_uvarint(out, u64::from(span.length));
    }
}

fn put_float(out: &mut Vec<u8>, v: f64) {
    out.extend_from_slice(&v.to_bits().to_be_bytes());
}

fn encode_list<T: Copy>(out: &mut Vec<u8>, values: &[T], put: fn(&mut Vec<u8>, T)) {
    put_uvarint(out, values.len() as u64);
    for value in values {
        put(out, *value);
    }
}

fn encode_histogram(out: &mut Vec<u8>, h: &HistogramValue) {
    match h {
        HistogramValue::Integer(h) => encode_integer_histogram(out, h),
        HistogramValue::Float(h) => encode_float_histogram(out, h),
    }
}

pub(crate) fn encode_integer_histogram(out: &mut Vec<u8>, h: &Histogram) {
    out.push(h.counter_reset as u8);
    put_varint(out, i64::from(h.schema));
    put_float(out, h.zero_threshold);
    put_uvarint(out, h.zero_count);
    put_uvarint(out, h.count);
    put_float(out, h.sum);
    encode_spans(out, &h.positive_spans);
    encode_spans(out, &h.negative_spans);
    encode_list(out, &h.positive_buckets, put_varint);
    encode_list(out, &h.negative_buckets, put_varint);
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        encode_list(out, &h.custom_values, put_float);
    }
}

pub(crate) fn encode_float_histogram(out: &mut Vec<u8>, h: &FloatHistogram) {
    out.push(h.counter_reset as u8);
    put_varint(out, i64::from(h.schema));
    put_float(out, h.zero_threshold);
    put_float(out, h.zero_count);
    put_float(out, h.count);
    put_float(out, h.sum);
    encode_spans(out, &h.positive_spans);
    encode_spans(out, &h.negative_spans);
    encode_list(out, &h.positive_buckets, put_float);
    encode_list(out, &h.negative_buckets, put_float);
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        encode_list(out, &h.custom_values, put_float);
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
