//! Requests of one sample a series, each with a value that no other request has.

use neocortex_model::histogram::{FloatHistogram, Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, HistogramValue};

/// A series, and thereby its labels and the kind of its samples.
pub type SeriesNumber = usize;

/// The value of a sample: a whole number, whatever the kind.
pub type Value = u64;

/// The label that names the series.
pub const NUMBER_LABEL: &str = "number";

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    pub series: SeriesNumber,
    pub t: i64,
    pub value: Value,
}

/// A request, in the form in which the database takes it.
pub struct Request(Vec<Row>);

struct Row {
    labels: Labels,
    floats: Vec<FloatSample>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
}

impl Request {
    pub fn new(writes: &[Write]) -> Self {
        Self(writes.iter().map(row).collect())
    }
}

fn row(write: &Write) -> Row {
    let Write { series, t, value } = *write;
    let mut row = Row { labels: labels(series), floats: Vec::new(), histograms: Vec::new(), exemplars: Vec::new() };
    match series % 4 {
        2 => row.histograms.push(HistogramSample { t, h: HistogramValue::Integer(histogram(value)) }),
        3 => row.histograms.push(HistogramSample { t, h: HistogramValue::Float(float_histogram(value)) }),
        _ => row.floats.push(FloatSample { t, v: value as f64 }),
    }
    if has_exemplar(series) {
        row.exemplars.push(Exemplar { labels: Labels::from_pairs([("trace_id", "a")]), v: value as f64, t });
    }
    row
}

/// True of series whose samples come with exemplars, of the same time and value.
pub fn has_exemplar(series: SeriesNumber) -> bool {
    series.is_multiple_of(5)
}

fn labels(series: SeriesNumber) -> Labels {
    // Some are long, so that segments of the log fill up.
    let padding = "x".repeat(if series % 7 == 6 { 1500 } else { series % 50 });
    let name = format!("metric_{}", series % 5);
    Labels::from_pairs([("__name__", name), (NUMBER_LABEL, series.to_string()), ("padding", padding)])
}

fn histogram(value: Value) -> Histogram {
    Histogram {
        count: value,
        sum: value as f64,
        positive_spans: vec![Span { offset: (value % 3) as i32, length: 1 }],
        positive_buckets: vec![value as i64],
        ..Histogram::default()
    }
}

fn float_histogram(value: Value) -> FloatHistogram {
    FloatHistogram {
        count: value as f64,
        sum: value as f64,
        positive_spans: vec![Span { offset: (value % 3) as i32, length: 1 }],
        positive_buckets: vec![value as f64],
        ..FloatHistogram::default()
    }
}

/// The value of a histogram, if all its parts agree on it. Empty buckets count for nothing.
pub fn value_of(h: &FloatHistogram) -> Option<Value> {
    let filled: f64 = h.positive_buckets.iter().sum();
    let same = h.sum == h.count && filled == h.count && h.negative_buckets.is_empty();
    same.then_some(h.sum as Value)
}

impl SeriesRows for Request {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        SeriesKey(xxhash_rust::xxh3::xxh3_128(self.0[row].labels.as_bytes()))
    }

    fn labels(&self, row: usize) -> Labels {
        self.0[row].labels.clone()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        &self.0[row].floats
    }

    fn histograms(&self, row: usize) -> &[HistogramSample] {
        &self.0[row].histograms
    }

    fn exemplars(&self, row: usize) -> &[Exemplar] {
        &self.0[row].exemplars
    }
}
