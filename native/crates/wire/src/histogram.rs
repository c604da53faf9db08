//! Native histograms as both remote-write protocols carry them.

use neocortex_model::histogram::{CounterReset, FloatHistogram, Histogram, Span};
use neocortex_model::sample::{HistogramSample, HistogramValue};

use crate::error::DecodeError;
use crate::proto::{BYTES, FIXED64, Reader, VARINT, zigzag};

/// A number that is either an integer or a float.
#[derive(Clone, Copy)]
enum Number {
    Integer(u64),
    Float(f64),
}

/// Decodes `prometheus.Histogram` (field numbers are the same in remote write 2.0). What was sent last decides
/// whether it is a float histogram; the buckets of the other kind are ignored.
pub(crate) fn read(mut message: Reader<'_>) -> Result<HistogramSample, DecodeError> {
    let mut h = FloatHistogram::default();
    let (mut count, mut zero_count) = (Number::Integer(0), Number::Integer(0));
    let (mut negative_deltas, mut positive_deltas) = (Vec::new(), Vec::new());
    let mut t = 0;
    while let Some(tag) = message.next()? {
        match tag.field {
            1 => {
                tag.expect(VARINT, "CountInt")?;
                count = Number::Integer(message.varint()?);
            }
            2 => {
                tag.expect(FIXED64, "CountFloat")?;
                count = Number::Float(message.double()?);
            }
            3 => {
                tag.expect(FIXED64, "Sum")?;
                h.sum = message.double()?;
            }
            4 => {
                tag.expect(VARINT, "Schema")?;
                h.schema = message.sint32()?;
            }
            5 => {
                tag.expect(FIXED64, "ZeroThreshold")?;
                h.zero_threshold = message.double()?;
            }
            6 => {
                tag.expect(VARINT, "ZeroCountInt")?;
                zero_count = Number::Integer(message.varint()?);
            }
            7 => {
                tag.expect(FIXED64, "ZeroCountFloat")?;
                zero_count = Number::Float(message.double()?);
            }
            8 => {
                tag.expect(BYTES, "NegativeSpans")?;
                h.negative_spans.push(read_span(message.message("BucketSpan")?)?);
            }
            9 => message.varints(tag, "NegativeDeltas", |v| negative_deltas.push(zigzag(v)))?,
            10 => message.doubles(tag, "NegativeCounts", &mut h.negative_buckets)?,
            11 => {
                tag.expect(BYTES, "PositiveSpans")?;
                h.positive_spans.push(read_span(message.message("BucketSpan")?)?);
            }
            12 => message.varints(tag, "PositiveDeltas", |v| positive_deltas.push(zigzag(v)))?,
            13 => message.doubles(tag, "PositiveCounts", &mut h.positive_buckets)?,
            14 => {
                tag.expect(VARINT, "ResetHint")?;
                h.counter_reset = reset_hint(message.varint()? as i32);
            }
            15 => {
                tag.expect(VARINT, "TimestampMs")?;
                t = message.varint()? as i64;
            }
            16 => message.doubles(tag, "CustomValues", &mut h.custom_values)?,
            17 => {
                tag.expect(VARINT, "StartTimestampMs")?;
                message.varint()?;
            }
            _ => message.skip(tag)?,
        }
    }
    let h = match count {
        Number::Float(count) => {
            h.count = count;
            h.zero_count = if let Number::Float(zero_count) = zero_count { zero_count } else { 0.0 };
            HistogramValue::Float(h)
        }
        Number::Integer(count) => HistogramValue::Integer(Histogram {
            counter_reset: h.counter_reset,
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero_count: if let Number::Integer(zero_count) = zero_count { zero_count } else { 0 },
            count,
            sum: h.sum,
            positive_spans: h.positive_spans,
            negative_spans: h.negative_spans,
            positive_buckets: positive_deltas,
            negative_buckets: negative_deltas,
            custom_values: h.custom_values,
        }),
    };
    Ok(HistogramSample { t, h })
}

fn read_span(mut message: Reader<'_>) -> Result<Span, DecodeError> {
    let mut span = Span { offset: 0, length: 0 };
    while let Some(tag) = message.next()? {
        match tag.field {
            1 => {
                tag.expect(VARINT, "Offset")?;
                span.offset = message.sint32()?;
            }
            2 => {
                tag.expect(VARINT, "Length")?;
                span.length = message.varint()? as u32;
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(span)
}

fn reset_hint(number: i32) -> CounterReset {
    match number {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    }
}
