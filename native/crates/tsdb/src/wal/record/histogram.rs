//! Histograms within records. Integer and float ones have the same parts in the same order, each in numbers of its kind.

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, Histogram, Span};
use neocortex_model::sample::HistogramValue;

use crate::varint::{Cursor, Malformed, put_uvarint, put_varint};

/// A number as the records have it.
trait Number: Copy {
    /// Bytes that one takes at least.
    const MIN_BYTES: usize;

    fn put(self, out: &mut Vec<u8>);

    fn read(c: &mut Cursor<'_>) -> Result<Self, Malformed>;
}

impl Number for u64 {
    const MIN_BYTES: usize = 1;

    fn put(self, out: &mut Vec<u8>) {
        put_uvarint(out, self);
    }

    fn read(c: &mut Cursor<'_>) -> Result<Self, Malformed> {
        c.uvarint()
    }
}

impl Number for i64 {
    const MIN_BYTES: usize = 1;

    fn put(self, out: &mut Vec<u8>) {
        put_varint(out, self);
    }

    fn read(c: &mut Cursor<'_>) -> Result<Self, Malformed> {
        c.varint()
    }
}

impl Number for f64 {
    const MIN_BYTES: usize = 8;

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_be_bytes());
    }

    fn read(c: &mut Cursor<'_>) -> Result<Self, Malformed> {
        c.float()
    }
}

macro_rules! histograms {
    ($Histogram:ident, $encode:ident, $read:ident) => {
        /// Appends a histogram.
        pub(crate) fn $encode(out: &mut Vec<u8>, h: &$Histogram) {
            out.push(h.counter_reset as u8);
            i64::from(h.schema).put(out);
            h.zero_threshold.put(out);
            h.zero_count.put(out);
            h.count.put(out);
            h.sum.put(out);
            put_spans(out, &h.positive_spans);
            put_spans(out, &h.negative_spans);
            put_list(out, &h.positive_buckets);
            put_list(out, &h.negative_buckets);
            if h.schema == CUSTOM_BUCKETS_SCHEMA {
                put_list(out, &h.custom_values);
            }
        }

        fn $read(c: &mut Cursor<'_>) -> Result<$Histogram, Malformed> {
            let counter_reset = read_counter_reset(c)?;
            let schema = i32::try_from(i64::read(c)?).map_err(|_| Malformed)?;
            Ok($Histogram {
                counter_reset,
                schema,
                zero_threshold: Number::read(c)?,
                zero_count: Number::read(c)?,
                count: Number::read(c)?,
                sum: Number::read(c)?,
                positive_spans: read_spans(c)?,
                negative_spans: read_spans(c)?,
                positive_buckets: read_list(c)?,
                negative_buckets: read_list(c)?,
                custom_values: if schema == CUSTOM_BUCKETS_SCHEMA { read_list(c)? } else { Vec::new() },
            })
        }
    };
}

histograms!(Histogram, encode_integer_histogram, read_integer);
histograms!(FloatHistogram, encode_float_histogram, read_float);

pub(super) fn decode_integer(c: &mut Cursor<'_>) -> Result<HistogramValue, Malformed> {
    read_integer(c).map(HistogramValue::Integer)
}

pub(super) fn decode_float(c: &mut Cursor<'_>) -> Result<HistogramValue, Malformed> {
    read_float(c).map(HistogramValue::Float)
}

fn read_counter_reset(c: &mut Cursor<'_>) -> Result<CounterReset, Malformed> {
    Ok(match c.byte()? {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    })
}

fn put_list<T: Number>(out: &mut Vec<u8>, values: &[T]) {
    put_uvarint(out, values.len() as u64);
    values.iter().for_each(|value| value.put(out));
}

fn read_list<T: Number>(c: &mut Cursor<'_>) -> Result<Vec<T>, Malformed> {
    (0..c.count(T::MIN_BYTES)?).map(|_| T::read(c)).collect()
}

fn put_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_uvarint(out, spans.len() as u64);
    for span in spans {
        put_varint(out, i64::from(span.offset));
        put_uvarint(out, u64::from(span.length));
    }
}

fn read_spans(c: &mut Cursor<'_>) -> Result<Vec<Span>, Malformed> {
    let span = |c: &mut Cursor<'_>| {
        let offset = i32::try_from(c.varint()?).map_err(|_| Malformed)?;
        Ok(Span { offset, length: u32::try_from(c.uvarint()?).map_err(|_| Malformed)? })
    };
    (0..c.count(2)?).map(|_| span(c)).collect()
}
