//! From bytes to records.

use neocortex_model::histogram::{MAX_EXPONENTIAL_SCHEMA, is_known_schema};
use neocortex_model::labels::Labels;
use neocortex_model::sample::{HistogramValue, MetricType};

use super::histogram::{decode_float, decode_integer};
use super::{Record, RecordError, RefExemplar, RefHistogram, RefMetadata, RefSample, RefSeries, RefTombstone, kind};
use crate::varint::{Cursor, Malformed};

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
