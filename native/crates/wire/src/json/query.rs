//! Answers of instant and range queries.

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::result::{MatrixSeries, QueryResult, QueryValue, Value, VectorSample};

use super::number::{push_quoted, push_seconds, push_value};
use super::stats::{Timings, push_stats};
use super::text::push_html_escaped;
use super::{Escape, SUCCESS, push_end, push_labels, push_list};

/// The answer of a query. With `timings` the figures of its evaluation are part of it.
#[must_use]
pub fn query_response(result: &QueryResult, timings: Option<&Timings>) -> Vec<u8> {
    let mut out = Vec::with_capacity(expected_size(&result.value));
    out.extend_from_slice(SUCCESS);
    out.extend_from_slice(br#"{"resultType":""#);
    let kind: &[u8] = match &result.value {
        QueryValue::Scalar { .. } => b"scalar",
        QueryValue::String { .. } => b"string",
        QueryValue::Vector(_) => b"vector",
        QueryValue::Matrix(_) => b"matrix",
    };
    out.extend_from_slice(kind);
    out.extend_from_slice(br#"","result":"#);
    match &result.value {
        QueryValue::Scalar { t, v } => push_point(&mut out, *t, *v),
        QueryValue::String { t, v } => {
            out.push(b'[');
            push_seconds(&mut out, *t);
            out.push(b',');
            push_html_escaped(&mut out, v);
            out.push(b']');
        }
        QueryValue::Vector(samples) => push_list(&mut out, samples, push_sample),
        QueryValue::Matrix(series) => {
            let mut times = Times::default();
            push_list(&mut out, series, |out, series| push_series(out, series, &mut times));
        }
    }
    if let Some(timings) = timings {
        push_stats(&mut out, &result.value, &result.stats, timings);
    }
    out.push(b'}');
    push_end(&mut out, &result.annotations, Escape::Json);
    out
}

fn expected_size(value: &QueryValue) -> usize {
    let points = match value {
        QueryValue::Scalar { .. } | QueryValue::String { .. } => 1,
        QueryValue::Vector(samples) => samples.len() * 8,
        QueryValue::Matrix(series) => series.iter().map(|series| series.floats.len() + 8).sum(),
    };
    64 + points * 24
}

fn push_sample(out: &mut Vec<u8>, sample: &VectorSample) {
    out.extend_from_slice(br#"{"metric":"#);
    push_labels(out, &sample.labels);
    match &sample.value {
        Value::Float(v) => {
            out.extend_from_slice(br#","value":"#);
            push_point(out, sample.t, *v);
        }
        Value::Histogram(h) => {
            out.extend_from_slice(br#","histogram":"#);
            push_histogram_point(out, sample.t, h);
        }
    }
    out.push(b'}');
}

fn push_series(out: &mut Vec<u8>, series: &MatrixSeries, times: &mut Times) {
    out.extend_from_slice(br#"{"metric":"#);
    push_labels(out, &series.labels);
    if !series.floats.is_empty() {
        out.extend_from_slice(br#","values":"#);
        times.rewind();
        push_list(out, &series.floats, |out, (t, v)| {
            out.push(b'[');
            times.push(out, *t);
            out.extend_from_slice(b",\"");
            push_value(out, *v);
            out.extend_from_slice(b"\"]");
        });
    }
    if !series.histograms.is_empty() {
        out.extend_from_slice(br#","histograms":"#);
        push_list(out, &series.histograms, |out, (t, h)| push_histogram_point(out, *t, h));
    }
    out.push(b'}');
}

fn push_point(out: &mut Vec<u8>, t: i64, v: f64) {
    out.push(b'[');
    push_seconds(out, t);
    out.extend_from_slice(b",\"");
    push_value(out, v);
    out.extend_from_slice(b"\"]");
}

fn push_histogram_point(out: &mut Vec<u8>, t: i64, h: &FloatHistogram) {
    out.push(b'[');
    push_seconds(out, t);
    out.push(b',');
    push_histogram(out, h);
    out.push(b']');
}

/// Count, sum and the buckets that are not empty: `[bounds, lower, upper, count]`.
fn push_histogram(out: &mut Vec<u8>, h: &FloatHistogram) {
    out.extend_from_slice(br#"{"count":"#);
    push_quoted(out, h.count);
    out.extend_from_slice(br#","sum":"#);
    push_quoted(out, h.sum);
    let mut buckets = h.ascending();
    buckets.retain(|bucket| bucket.count != 0.0);
    if !buckets.is_empty() {
        out.extend_from_slice(br#","buckets":"#);
        push_list(out, &buckets, |out, bucket| {
            out.extend_from_slice(&[b'[', b'0' + bucket.bounds()]);
            for v in [bucket.lower, bucket.upper, bucket.count] {
                out.push(b',');
                push_quoted(out, v);
            }
            out.push(b']');
        });
    }
    out.push(b'}');
}

/// Texts of timestamps, ascending: the series of a matrix share their steps, so that each is formatted once.
#[derive(Default)]
struct Times {
    texts: Vec<u8>,
    /// Timestamp and the end of its text.
    known: Vec<(i64, u32)>,
    next: usize,
}

impl Times {
    /// No answer has more steps than this; times of longer ones are formatted each time.
    const MOST: usize = 100_000;

    fn rewind(&mut self) {
        self.next = 0;
    }

    fn push(&mut self, out: &mut Vec<u8>, t: i64) {
        while self.known.get(self.next).is_some_and(|(known, _)| *known < t) {
            self.next += 1;
        }
        match self.known.get(self.next) {
            Some((known, end)) if *known == t => {
                let start = if self.next == 0 { 0 } else { self.known[self.next - 1].1 };
                out.extend_from_slice(&self.texts[start as usize..*end as usize]);
                self.next += 1;
            }
            None if self.known.len() < Self::MOST && self.known.last().is_none_or(|(last, _)| *last < t) => {
                let start = self.texts.len();
                push_seconds(&mut self.texts, t);
                self.known.push((t, self.texts.len() as u32));
                self.next = self.known.len();
                out.extend_from_slice(&self.texts[start..]);
            }
            _ => push_seconds(out, t),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use neocortex_model::histogram::Span;
    use neocortex_model::labels::Labels;
    use neocortex_model::result::{Annotations, SampleStats};
    use proptest::prelude::*;

    use super::*;

    fn response(value: QueryValue) -> String {
        let result = QueryResult { value, annotations: Annotations::default(), stats: SampleStats::default() };
        String::from_utf8(query_response(&result, None)).unwrap()
    }

    fn histogram() -> FloatHistogram {
        FloatHistogram {
            schema: 1,
            zero_threshold: 0.001,
            zero_count: 21.0,
            count: 84.0,
            sum: 210.0,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            positive_buckets: vec![21.0, 21.0, 21.0],
            ..FloatHistogram::default()
        }
    }

    #[test]
    fn scalars_and_strings() {
        assert_eq!(
            response(QueryValue::Scalar { t: 1500, v: -5.0 }),
            r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"-5"]}}"#
        );
        assert_eq!(
            response(QueryValue::String { t: 0, v: "<a>\"".to_owned() }),
            r#"{"status":"success","data":{"resultType":"string","result":[0,"\u003ca\u003e\""]}}"#
        );
    }

    #[test]
    fn vectors_with_floats_and_histograms() {
        let labels = Labels::from_pairs([("__name__", "up"), ("x", "<a>\n")]);
        let samples = vec![
            VectorSample { labels, t: 600_000, value: Value::Float(f64::NAN) },
            VectorSample { labels: Labels::empty(), t: 600_000, value: Value::Histogram(Arc::new(histogram())) },
        ];
        assert_eq!(
            response(QueryValue::Vector(samples)),
            concat!(
                r#"{"status":"success","data":{"resultType":"vector","result":["#,
                r#"{"metric":{"__name__":"up","x":"<a>\n"},"value":[600,"NaN"]},"#,
                r#"{"metric":{},"histogram":[600,{"count":"84","sum":"210","buckets":[[3,"-0.001","0.001","21"],"#,
                r#"[0,"0.7071067811865475","1","21"],[0,"1","1.414213562373095","21"],"#,
                r#"[0,"2","2.82842712474619","21"]]}]}]}}"#
            )
        );
        assert_eq!(
            response(QueryValue::Vector(Vec::new())),
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#
        );
    }

    #[test]
    fn matrices_share_the_texts_of_times() {
        let series = |a: &str, floats: Vec<(i64, f64)>| MatrixSeries {
            labels: Labels::from_pairs([("a", a)]),
            floats,
            histograms: Vec::new(),
        };
        let matrix = vec![
            series("1", vec![(1000, 1.0), (3000, 2.0)]),
            series("2", vec![(1000, 1.0), (2000, 1.5), (3000, 2.0), (4000, 1.0)]),
            series("3", vec![(4000, 0.0)]),
        ];
        assert_eq!(
            response(QueryValue::Matrix(matrix)),
            concat!(
                r#"{"status":"success","data":{"resultType":"matrix","result":["#,
                r#"{"metric":{"a":"1"},"values":[[1,"1"],[3,"2"]]},"#,
                r#"{"metric":{"a":"2"},"values":[[1,"1"],[2,"1.5"],[3,"2"],[4,"1"]]},"#,
                r#"{"metric":{"a":"3"},"values":[[4,"0"]]}]}}"#
            )
        );
    }

    #[test]
    fn stats_warnings_and_infos() {
        let result = QueryResult {
            value: QueryValue::Vector(Vec::new()),
            annotations: Annotations { warnings: vec!["a < b".to_owned()], infos: vec!["c".to_owned()] },
            stats: SampleStats { total_queryable_samples: 3, peak_samples: 2, per_step: vec![(1500, 3)] },
        };
        assert_eq!(
            String::from_utf8(query_response(&result, Some(&Timings::default()))).unwrap(),
            concat!(
                r#"{"status":"success","data":{"resultType":"vector","result":[],"stats":{"samples":"#,
                r#"{"totalQueryableSamples":3,"totalQueryableSamplesPerStep":[[1.5,3]],"peakSamples":2}}},"#,
                r#""warnings":["a < b"],"infos":["c"]}"#
            )
        );
    }

    proptest! {
        #[test]
        fn remembered_times_are_the_same(rows: Vec<Vec<i64>>) {
            let mut times = Times::default();
            for mut row in rows {
                row.sort_unstable();
                times.rewind();
                for t in row {
                    let (mut expected, mut found) = (Vec::new(), Vec::new());
                    push_seconds(&mut expected, t);
                    times.push(&mut found, t);
                    prop_assert_eq!(expected, found);
                }
            }
        }
    }
}
