//! What a run loads and what it is answered, for a server that is to answer the same: one JSON object a line.
//!
//! * `{"data": [{"labels": {…}, "samples": [[t, v]…]}…], "starts": …}`: from here on, the storage holds this and nothing
//!   else. A value is the bits of a float, or a histogram with bits for its floats; `starts` tells whether samples have
//!   start timestamps.
//! * `{"query", "start", "end", "step", "answer"}`: a query, its times in milliseconds, and the JSON of the query API;
//!   `error` instead of `answer` when it fails.

use std::fs::File;
use std::io::{BufWriter, Write};

use neocortex_model::histogram::{CounterReset, FloatHistogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::result::QueryResult;
use neocortex_model::sample::Samples;
use neocortex_wire::json::query_response;
use serde_json::{Value, json};

use super::script::Times;

/// The file, when there is one.
#[derive(Default)]
pub struct Record {
    out: Option<BufWriter<File>>,
}

impl Record {
    /// Into the file that `NEOCORTEX_PROMQLTEST_RECORD` names; nowhere without it.
    pub fn from_environment() -> Self {
        let path = std::env::var_os("NEOCORTEX_PROMQLTEST_RECORD");
        Self { out: path.map(|path| BufWriter::new(File::create(path).expect("the record can be written"))) }
    }

    fn write(&mut self, line: impl FnOnce() -> Value) {
        if let Some(out) = &mut self.out {
            writeln!(out, "{}", line()).expect("the record can be written");
        }
    }

    /// The storage from here on.
    pub fn data<'s>(&mut self, series: impl Iterator<Item = (&'s Labels, &'s Samples)>) {
        self.write(|| {
            let mut starts = false;
            let series = series.inspect(|(_, samples)| starts |= samples.st.iter().any(|st| *st != 0));
            let data: Vec<_> = series.map(|(labels, samples)| of_series(labels, samples)).collect();
            json!({ "data": data, "starts": starts })
        });
    }

    /// A query and its outcome.
    pub fn query(&mut self, text: &str, times: Times, outcome: Result<&QueryResult, &str>) {
        let (start, end, step) = match times {
            Times::Instant(t) => (t, t, 0),
            Times::Range { start, end, step } => (start, end, step),
        };
        self.write(|| {
            let mut line = json!({ "query": text, "start": start, "end": end, "step": step });
            match outcome {
                Ok(result) => {
                    let answer = serde_json::from_slice::<Value>(&query_response(result, None));
                    line["answer"] = answer.expect("an answer is JSON");
                }
                Err(error) => line["error"] = json!(error),
            }
            line
        });
    }
}

fn of_series(labels: &Labels, samples: &Samples) -> Value {
    let labels: serde_json::Map<_, _> = labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let sample = |i: usize| match samples.histogram(i) {
        Some(h) => json!([samples.t[i], of_histogram(h)]),
        None => json!([samples.t[i], samples.v[i].to_bits()]),
    };
    json!({ "labels": labels, "samples": (0..samples.len()).map(sample).collect::<Vec<_>>() })
}

/// The fields of remote write's message.
fn of_histogram(h: &FloatHistogram) -> Value {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let spans = |spans: &[Span]| spans.iter().map(|span| (span.offset, span.length)).collect::<Vec<_>>();
    json!({
        "schema": h.schema,
        "sum": h.sum.to_bits(),
        "count_float": h.count.to_bits(),
        "zero_count_float": h.zero_count.to_bits(),
        "zero_threshold": h.zero_threshold.to_bits(),
        "positive_spans": spans(&h.positive_spans),
        "negative_spans": spans(&h.negative_spans),
        "positive_counts": bits(&h.positive_buckets),
        "negative_counts": bits(&h.negative_buckets),
        "custom_values": bits(&h.custom_values),
        "reset_hint": match h.counter_reset {
            CounterReset::Unknown => 0,
            CounterReset::Reset => 1,
            CounterReset::NotReset => 2,
            CounterReset::Gauge => 3,
        },
    })
}
