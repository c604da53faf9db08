//! Remote write 1.0: `prometheus.WriteRequest`.
//!
//! Source: the remote-write 1.0 specification and Cortex's `cortexpb/cortex.proto`, whose additions (source of the
//! request) are understood.

use neocortex_model::labels::LabelsBuilder;
use neocortex_model::rows::SeriesKey;
use neocortex_model::sample::{Exemplar, FloatSample, Metadata, MetricType};

use crate::batch::{ExemplarSource, LabelStore, Pair, Row, Span32, WriteBatch};
use crate::error::DecodeError;
use crate::histogram;
use crate::key::KeySecret;
use crate::proto::{BYTES, FIXED64, Reader, VARINT};
use crate::snappy;

/// Decodes a snappy-packed request.
///
/// # Errors
/// Any [`DecodeError`] but those of remote write 2.0. `max_size` is a limit of both the body and the unpacked message,
/// in bytes.
pub fn decode(body: &[u8], max_size: usize, secret: &KeySecret) -> Result<WriteBatch, DecodeError> {
    decode_message(snappy::decompress(body, max_size.min(u32::MAX as usize))?, secret)
}

/// Decodes a request that is not packed; it must be shorter than 4 GiB.
///
/// # Errors
/// As [`decode`].
pub fn decode_message(body: Vec<u8>, secret: &KeySecret) -> Result<WriteBatch, DecodeError> {
    if body.len() > u32::MAX as usize {
        return Err(DecodeError::TooLarge { size: body.len(), max: u32::MAX as usize });
    }
    let mut batch = WriteBatch::new(secret, body.len());
    let mut scratch = Vec::new();
    let mut request = Reader::new(&body, "WriteRequest");
    while let Some(tag) = request.next()? {
        match tag.field {
            1 => {
                tag.expect(BYTES, "Timeseries")?;
                let series = request.message("TimeSeries")?;
                let source = Span32::new(series.at()..request.at());
                read_series(&body, series, source, &mut batch, &mut scratch)?;
                if batch.rows.len() == 1 {
                    batch.expect_rows(request.rest().len() / source.len().max(1));
                }
            }
            2 => {
                tag.expect(VARINT, "Source")?;
                batch.from_rule = request.varint()? as i32 == 1;
            }
            3 => {
                tag.expect(BYTES, "Metadata")?;
                let metadata = read_metadata(request.message("MetricMetadata")?)?;
                batch.push_metadata(metadata)?;
            }
            1000 => {
                tag.expect(VARINT, "SkipLabelNameValidation")?;
                request.varint()?;
            }
            1001 => {
                tag.expect(BYTES, "MessageWithBufRef")?;
                request.bytes()?;
            }
            1002 => {
                tag.expect(VARINT, "DiscardOutOfOrder")?;
                request.varint()?;
            }
            _ => request.skip(tag)?,
        }
    }
    batch.count_received();
    batch.store = LabelStore::Body(body);
    Ok(batch)
}

/// One walk over a series. Its labels are hashed as raw bytes; only when they do not lie side by side are they
/// gathered first.
fn read_series(
    body: &[u8],
    mut series: Reader<'_>,
    source: Span32,
    batch: &mut WriteBatch,
    scratch: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let floats = batch.floats.len();
    let histograms = batch.histograms.len();
    let exemplars = batch.exemplars.len();
    let mut labels = series.at()..series.at();
    let mut label_count = 0u32;
    scratch.clear();
    loop {
        let field_start = series.at();
        let plain = plain_labels(series.rest());
        if plain.count > 0 {
            series.advance(plain.bytes);
            label_count += plain.count;
            if labels.end != field_start {
                scratch.extend_from_slice(&body[labels]);
                labels = field_start..field_start;
            }
            labels.end = series.at();
            continue;
        }
        let Some(tag) = series.next()? else { break };
        match tag.field {
            1 => {
                tag.expect(BYTES, "Labels")?;
                check_label(series.message("LabelPair")?)?;
                label_count += 1;
                if labels.end != field_start {
                    scratch.extend_from_slice(&body[labels]);
                    labels = field_start..field_start;
                }
                labels.end = series.at();
            }
            2 => {
                tag.expect(BYTES, "Samples")?;
                let sample = read_sample(series.message("Sample")?)?;
                batch.floats.push(sample);
            }
            3 => {
                tag.expect(BYTES, "Exemplars")?;
                let message = series.message("Exemplar")?;
                let source = Span32::new(message.at()..series.at());
                read_exemplar(message, source, batch)?;
            }
            4 => {
                tag.expect(BYTES, "Histograms")?;
                let message = series.message("Histogram")?;
                let encoded = series.at() - message.at();
                batch.push_histogram(histogram::read(message)?, encoded)?;
            }
            _ => series.skip(tag)?,
        }
    }
    let hash = if scratch.is_empty() {
        batch.secret.hash(&body[labels])
    } else {
        scratch.extend_from_slice(&body[labels]);
        batch.secret.hash(scratch)
    };
    batch.push_row(Row {
        key: SeriesKey(hash),
        source,
        label_count,
        floats: Span32::new(floats..batch.floats.len()),
        histograms: Span32::new(histograms..batch.histograms.len()),
        exemplars: Span32::new(exemplars..batch.exemplars.len()),
        labels: None,
    })
}

/// Labels that lie side by side.
struct PlainLabels {
    count: u32,
    bytes: usize,
}

/// The labels at the start of what is left of a series, as far as they are written the way that senders do: a name,
/// then a value, both shorter than 128 bytes, and nothing else. They need no further check; what is written in another
/// way is left to [`check_label`], with the same outcome.
#[inline]
fn plain_labels(bytes: &[u8]) -> PlainLabels {
    const FIRST: u8 = 1 << 3 | BYTES;
    const SECOND: u8 = 2 << 3 | BYTES;
    let mut found = PlainLabels { count: 0, bytes: 0 };
    while let Some([FIRST, len, FIRST, name_len]) = bytes.get(found.bytes..).and_then(<[u8]>::first_chunk::<4>) {
        let value_at = found.bytes + 4 + usize::from(*name_len);
        let Some([SECOND, value_len]) = bytes.get(value_at..).and_then(<[u8]>::first_chunk::<2>) else { break };
        let end = value_at + 2 + usize::from(*value_len);
        if (len | name_len | value_len) >= 0x80 || end != found.bytes + 2 + usize::from(*len) || end > bytes.len() {
            break;
        }
        found.count += 1;
        found.bytes = end;
    }
    found
}

/// Checks that a label can be decoded, so that it can be read again without errors.
#[inline]
fn check_label(mut pair: Reader<'_>) -> Result<(), DecodeError> {
    while let Some(tag) = pair.next()? {
        match tag.field {
            1 => {
                tag.expect(BYTES, "Name")?;
                pair.bytes()?;
            }
            2 => {
                tag.expect(BYTES, "Value")?;
                pair.bytes()?;
            }
            _ => pair.skip(tag)?,
        }
    }
    Ok(())
}

#[inline]
pub(crate) fn read_sample(mut sample: Reader<'_>) -> Result<FloatSample, DecodeError> {
    let mut out = FloatSample { t: 0, v: 0.0 };
    while let Some(tag) = sample.next()? {
        match tag.field {
            1 => {
                tag.expect(FIXED64, "Value")?;
                out.v = sample.double()?;
            }
            2 => {
                tag.expect(VARINT, "TimestampMs")?;
                out.t = sample.varint()? as i64;
            }
            3 => {
                tag.expect(VARINT, "StartTimestampMs")?;
                sample.varint()?;
            }
            _ => sample.skip(tag)?,
        }
    }
    Ok(out)
}

fn read_exemplar(mut exemplar: Reader<'_>, source: Span32, batch: &mut WriteBatch) -> Result<(), DecodeError> {
    let (mut v, mut t, mut label_count) = (0.0, 0, 0u32);
    let mut labels = LabelsBuilder::new();
    while let Some(tag) = exemplar.next()? {
        match tag.field {
            1 => {
                tag.expect(BYTES, "Labels")?;
                let pair = exemplar.message("LabelPair")?;
                check_label(pair.clone())?;
                let (name, value) = read_pair(pair);
                labels.set(&name, &value);
                label_count += 1;
            }
            2 => {
                tag.expect(FIXED64, "Value")?;
                v = exemplar.double()?;
            }
            3 => {
                tag.expect(VARINT, "TimestampMs")?;
                t = exemplar.varint()? as i64;
            }
            _ => exemplar.skip(tag)?,
        }
    }
    batch.push_exemplar(Exemplar { labels: labels.finish(), v, t }, ExemplarSource { source, label_count })
}

fn read_metadata(mut message: Reader<'_>) -> Result<Metadata, DecodeError> {
    let mut out =
        Metadata { metric: String::new(), kind: MetricType::Unknown, help: String::new(), unit: String::new() };
    while let Some(tag) = message.next()? {
        let (field, name) = match tag.field {
            1 => {
                tag.expect(VARINT, "Type")?;
                out.kind = MetricType::from_number(message.varint()?);
                continue;
            }
            2 => (&mut out.metric, "MetricFamilyName"),
            4 => (&mut out.help, "Help"),
            5 => (&mut out.unit, "Unit"),
            _ => {
                message.skip(tag)?;
                continue;
            }
        };
        tag.expect(BYTES, name)?;
        *field = String::from_utf8_lossy(message.bytes()?).into_owned();
    }
    Ok(out)
}

/// The labels of a series or an exemplar that was decoded before, so that no error can come up again.
pub(crate) fn pairs(body: &[u8], start: usize, of_exemplar: bool) -> Vec<Pair<'_>> {
    let message = if of_exemplar { "Exemplar" } else { "TimeSeries" };
    let mut reader = Reader::starting_at(body, start, message);
    // Most label sets fit without growing.
    let mut pairs = Vec::with_capacity(16);
    while let Ok(Some(tag)) = reader.next() {
        if tag.field == 1 {
            let Ok(pair) = reader.message("LabelPair") else { break };
            pairs.push(read_pair(pair));
        } else if reader.skip(tag).is_err() {
            break;
        }
    }
    pairs
}

fn read_pair(mut pair: Reader<'_>) -> Pair<'_> {
    let (mut name, mut value): (&[u8], &[u8]) = (&[], &[]);
    while let Ok(Some(tag)) = pair.next() {
        match tag.field {
            1 => name = pair.bytes().unwrap_or_default(),
            2 => value = pair.bytes().unwrap_or_default(),
            _ => {
                if pair.skip(tag).is_err() {
                    break;
                }
            }
        }
    }
    (String::from_utf8_lossy(name), String::from_utf8_lossy(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label(name: &str, value: &str) -> Vec<u8> {
        let mut out = vec![10, (4 + name.len() + value.len()) as u8, 10, name.len() as u8];
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[18, value.len() as u8]);
        out.extend_from_slice(value.as_bytes());
        out
    }

    #[test]
    fn labels_as_senders_write_them_are_plain() {
        let mut bytes = [label("__name__", "up"), label("empty", ""), label("job", &"x".repeat(120))].concat();
        let labels = bytes.len();
        bytes.extend_from_slice(&[18, 2, 16, 1]);
        let found = plain_labels(&bytes);
        assert_eq!((found.count, found.bytes), (3, labels));
        assert_eq!(plain_labels(&label("job", &"x".repeat(122))).count, 0, "a length of two bytes");
        assert_eq!(plain_labels(&label("job", "x")[..8]).count, 0, "cut off");
        assert_eq!(plain_labels(&[]).count, 0);
    }

    proptest! {
        /// What counts as plain is what the general way reads there.
        #[test]
        fn plain_labels_are_labels(
            bytes in prop::collection::vec(prop_oneof![Just(10u8), Just(18u8), 0..8u8, any::<u8>()], 0..60),
            (name, value) in ("[a-z]{0,4}", "[a-z]{0,4}"),
            labels in 0..3usize,
        ) {
            let bytes = [label(&name, &value).repeat(labels), bytes].concat();
            let found = plain_labels(&bytes);
            prop_assert!(found.count as usize >= labels);
            let mut series = Reader::new(&bytes, "TimeSeries");
            for _ in 0..found.count {
                let tag = series.next().unwrap().unwrap();
                prop_assert_eq!((tag.field, tag.wire_type), (1, BYTES));
                prop_assert_eq!(check_label(series.message("LabelPair").unwrap()), Ok(()));
            }
            prop_assert_eq!(series.at(), found.bytes);
        }
    }
}
