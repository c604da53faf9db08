//! Remote read: queries in, samples out.
//!
//! Source: Prometheus's `prompb/remote.proto` and Cortex's `pkg/querier/remote_read.go`. Like Cortex, every query is
//! answered with samples, whatever other types the client would take.

use neocortex_model::histogram::{FloatHistogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::regex::RegexError;
use neocortex_model::sample::Samples;

use crate::error::DecodeError;
use crate::proto::{BYTES, Reader, VARINT};
use crate::snappy;
use crate::write::Writer;

/// The largest request in bytes, packed and unpacked.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;

/// A request cannot be answered; status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A matcher's expression is not valid.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// A matcher's type is not known.
    #[error("invalid matcher type")]
    MatcherType,
}

/// One query of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadQuery {
    /// First millisecond wanted, inclusive.
    pub start_ms: i64,
    /// Last millisecond wanted, inclusive.
    pub end_ms: i64,
    /// Conditions on the series' labels.
    pub matchers: Vec<Matcher>,
}

/// Decodes a snappy-packed request.
///
/// # Errors
/// [`ReadError`], with Cortex's texts.
pub fn decode(body: &[u8]) -> Result<Vec<ReadQuery>, ReadError> {
    let body = snappy::decompress(body, MAX_REQUEST_BYTES)?;
    let mut request = Reader::new(&body, "ReadRequest");
    let mut queries = Vec::new();
    while let Some(tag) = request.next()? {
        match tag.field {
            1 => {
                tag.expect(BYTES, "Queries")?;
                queries.push(read_query(request.message("QueryRequest")?)?);
            }
            _ => request.skip(tag)?,
        }
    }
    // Matchers are made when everything is known to be well-formed, so that the decoder's error comes first.
    queries.into_iter().map(RawQuery::resolve).collect()
}

#[derive(Default)]
struct RawQuery<'a> {
    start_ms: i64,
    end_ms: i64,
    matchers: Vec<RawMatcher<'a>>,
}

#[derive(Default)]
struct RawMatcher<'a> {
    kind: i32,
    name: &'a [u8],
    value: &'a [u8],
}

fn read_query(mut message: Reader<'_>) -> Result<RawQuery<'_>, DecodeError> {
    let mut query = RawQuery::default();
    while let Some(tag) = message.next()? {
        match tag.field {
            1 => {
                tag.expect(VARINT, "StartTimestampMs")?;
                query.start_ms = message.varint()? as i64;
            }
            2 => {
                tag.expect(VARINT, "EndTimestampMs")?;
                query.end_ms = message.varint()? as i64;
            }
            3 => {
                tag.expect(BYTES, "Matchers")?;
                query.matchers.push(read_matcher(message.message("LabelMatcher")?)?);
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(query)
}

fn read_matcher(mut message: Reader<'_>) -> Result<RawMatcher<'_>, DecodeError> {
    let mut matcher = RawMatcher::default();
    while let Some(tag) = message.next()? {
        match tag.field {
            1 => {
                tag.expect(VARINT, "Type")?;
                matcher.kind = message.varint()? as i32;
            }
            2 => {
                tag.expect(BYTES, "Name")?;
                matcher.name = message.bytes()?;
            }
            3 => {
                tag.expect(BYTES, "Value")?;
                matcher.value = message.bytes()?;
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(matcher)
}

impl RawQuery<'_> {
    fn resolve(self) -> Result<ReadQuery, ReadError> {
        let matchers = self.matchers.iter().map(RawMatcher::resolve).collect::<Result<_, _>>()?;
        Ok(ReadQuery { start_ms: self.start_ms, end_ms: self.end_ms, matchers })
    }
}

impl RawMatcher<'_> {
    fn resolve(&self) -> Result<Matcher, ReadError> {
        let op = match self.kind {
            0 => MatchOp::Equal,
            1 => MatchOp::NotEqual,
            2 => MatchOp::Regex,
            3 => MatchOp::NotRegex,
            _ => return Err(ReadError::MatcherType),
        };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Matcher::new(op, text(self.name), text(self.value))?)
    }
}

/// Writes an answer: the results of the queries in their order, each a run of series.
#[derive(Debug, Default)]
pub struct ReadResponse {
    out: Writer,
    result: Writer,
    series: Writer,
    point: Writer,
    part: Writer,
}

impl ReadResponse {
    /// An answer without results.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series to the result of the present query. Native histograms are written with float buckets.
    pub fn push_series(&mut self, labels: &Labels, samples: &Samples) {
        self.series.clear();
        for (name, value) in labels {
            self.point.clear();
            self.point.text(1, name);
            self.point.text(2, value);
            self.series.message(1, self.point.bytes_so_far());
        }
        for i in (0..samples.len()).filter(|i| samples.histogram(*i).is_none()) {
            self.point.clear();
            self.point.double(1, samples.v[i]);
            self.point.varint(2, samples.t[i] as u64);
            self.series.message(2, self.point.bytes_so_far());
        }
        for (i, t) in samples.t.iter().enumerate() {
            if let Some(h) = samples.histogram(i) {
                self.point.clear();
                write_histogram(&mut self.point, &mut self.part, *t, h);
                self.series.message(4, self.point.bytes_so_far());
            }
        }
        self.result.message(1, self.series.bytes_so_far());
    }

    /// Ends the result of the present query; what follows belongs to the next one.
    pub fn end_query(&mut self) {
        self.out.message(1, self.result.bytes_so_far());
        self.result.clear();
    }

    /// The snappy-packed answer.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] when it has 4 GiB or more.
    pub fn finish(self) -> Result<Vec<u8>, DecodeError> {
        snappy::compress(&self.out.finish())
    }
}

fn write_histogram(out: &mut Writer, span: &mut Writer, t: i64, h: &FloatHistogram) {
    out.always_double(2, h.count);
    out.double(3, h.sum);
    out.sint(4, i64::from(h.schema));
    out.double(5, h.zero_threshold);
    out.always_double(7, h.zero_count);
    write_spans(out, span, 8, &h.negative_spans);
    out.doubles(10, &h.negative_buckets);
    write_spans(out, span, 11, &h.positive_spans);
    out.doubles(13, &h.positive_buckets);
    out.varint(14, h.counter_reset as u64);
    out.varint(15, t as u64);
    out.doubles(16, &h.custom_values);
}

fn write_spans(out: &mut Writer, span: &mut Writer, field: u32, spans: &[Span]) {
    for Span { offset, length } in spans {
        span.clear();
        span.sint(1, i64::from(*offset));
        span.varint(2, u64::from(*length));
        out.message(field, span.bytes_so_far());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use neocortex_model::histogram::CounterReset;
    use neocortex_model::rows::SeriesRows;
    use neocortex_model::sample::{HistogramSample, HistogramValue};
    use proptest::prelude::*;

    use super::*;
    use crate::key::SECRET_BYTES;
    use crate::{KeySecret, WriteBatch, push_v1};

    fn request(kind: u64, value: &str) -> Vec<u8> {
        let (mut matcher, mut query, mut request) = (Writer::default(), Writer::default(), Writer::default());
        matcher.varint(1, kind);
        matcher.text(2, "job");
        matcher.text(3, value);
        query.varint(1, -5i64 as u64);
        query.varint(2, 7);
        query.message(3, matcher.bytes_so_far());
        query.message(4, b"\x08\x01");
        request.message(1, query.bytes_so_far());
        request.message(1, b"");
        request.varint(2, 1);
        snappy::compress(request.bytes_so_far()).unwrap()
    }

    #[test]
    fn requests() {
        for (kind, op) in [(0, MatchOp::Equal), (1, MatchOp::NotEqual), (2, MatchOp::Regex), (3, MatchOp::NotRegex)] {
            let queries = decode(&request(kind, "a|b")).unwrap();
            assert_eq!(queries.len(), 2);
            assert_eq!((queries[0].start_ms, queries[0].end_ms), (-5, 7));
            assert_eq!(queries[0].matchers, [Matcher::new(op, "job", "a|b").unwrap()]);
            assert_eq!((queries[1].start_ms, queries[1].matchers.len()), (0, 0));
        }
        for (kind, value, text) in
            [(2, "(", "error parsing regexp: missing closing ): `(`"), (4, "a", "invalid matcher type")]
        {
            assert_eq!(decode(&request(kind, value)).unwrap_err().to_string(), text);
        }
        assert_eq!(decode(b"").unwrap_err().to_string(), "snappy: corrupt input");
        let text = "proto: wrong wireType = 0 for field Queries";
        assert_eq!(decode(&snappy::compress(&[0x08, 0x01]).unwrap()).unwrap_err().to_string(), text);
    }

    /// A result has the shape of a write request, so that the decoder of those can read it.
    fn results(response: ReadResponse) -> Vec<WriteBatch> {
        let response = snappy::decompress(&response.finish().unwrap(), usize::MAX).unwrap();
        let mut reader = Reader::new(&response, "ReadResponse");
        let mut results = Vec::new();
        while let Some(tag) = reader.next().unwrap() {
            assert_eq!(tag.field, 1);
            let secret = KeySecret::new([7; SECRET_BYTES]);
            results.push(push_v1::decode_message(reader.bytes().unwrap().to_vec(), &secret).unwrap());
        }
        results
    }

    #[test]
    fn responses() {
        let h = FloatHistogram {
            counter_reset: CounterReset::Gauge,
            schema: -1,
            zero_threshold: 0.5,
            zero_count: 1.0,
            count: 4.0,
            sum: -2.5,
            positive_spans: vec![Span { offset: -3, length: 2 }],
            negative_spans: vec![Span { offset: 1, length: 1 }],
            positive_buckets: vec![1.0, 0.5],
            negative_buckets: vec![1.5],
            custom_values: Vec::new(),
        };
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let mut samples = Samples::default();
        samples.push_float(-5, 0.0);
        samples.push_histogram(3, Arc::new(h.clone()));
        samples.push_float(7, f64::INFINITY);
        let mut response = ReadResponse::new();
        response.push_series(&labels, &samples);
        response.push_series(&Labels::empty(), &Samples::default());
        response.end_query();
        response.end_query();
        let results = results(response);
        assert_eq!(results.iter().map(SeriesRows::len).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(results[0].labels(0), labels);
        let floats: Vec<_> = results[0].floats(0).iter().map(|sample| (sample.t, sample.v)).collect();
        assert_eq!(floats, [(-5, 0.0), (7, f64::INFINITY)]);
        assert_eq!(results[0].histograms(0), [HistogramSample { t: 3, h: HistogramValue::Float(h) }]);
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_or_queries(body: Vec<u8>) {
            let _ = decode(&snappy::compress(&body).unwrap());
        }
    }
}
