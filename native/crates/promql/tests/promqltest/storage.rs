//! What `load` has loaded, as a storage.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::sample::{Samples, is_stale_nan};
use neocortex_model::series::{Queryable, SelectHints, Series, StorageError};

use super::nhcb;
use super::script::Load;
use super::series::SeriesValue;

/// Series in memory.
#[derive(Default)]
pub struct TestStorage {
    series: BTreeMap<Labels, Arc<TestSeries>>,
}

#[derive(Clone)]
struct TestSeries {
    labels: Labels,
    samples: Samples,
}

impl TestStorage {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// Each series with its samples, sorted by labels.
    pub fn series(&self) -> impl Iterator<Item = (&Labels, &Samples)> {
        self.series.iter().map(|(labels, series)| (labels, &series.samples))
    }

    /// Appends what a command loads.
    pub fn load(&mut self, load: &Load) -> Result<(), String> {
        for series in &load.series {
            let starts = series.starts.iter().copied().chain(std::iter::repeat(None));
            for ((value, start), t) in series.values.iter().zip(starts).zip((0..).map(|i: i64| i * load.step_ms)) {
                self.append(&series.labels, t, start.map_or(0, |start| t + start), value);
            }
        }
        if load.with_nhcb {
            for (labels, t, h) in nhcb::convert(load)? {
                self.append(&labels, t, 0, &SeriesValue::Histogram(Arc::new(h), false));
            }
        }
        Ok(())
    }

    fn append(&mut self, labels: &Labels, t: i64, start: i64, value: &SeriesValue) {
        let empty = || Arc::new(TestSeries { labels: labels.clone(), samples: Samples::default() });
        let series = Arc::make_mut(self.series.entry(labels.clone()).or_insert_with(empty));
        if series.samples.t.last().is_some_and(|last| *last >= t) {
            return;
        }
        match value {
            SeriesValue::Omitted => return,
            SeriesValue::Float(v) => series.samples.push_float(t, *v),
            SeriesValue::Histogram(h, _) => {
                let previous = series.samples.h.last().and_then(Option::as_ref);
                let counter_reset = stored_hint(previous.map(Arc::as_ref), h);
                series
                    .samples
                    .push_histogram(t, Arc::new(FloatHistogram { counter_reset, ..FloatHistogram::clone(h) }));
            }
        }
        series.samples.set_last_start(start);
    }
}

/// The hint that a histogram has when it is read from a chunk: gauges have their own chunks; within a chunk of counters
/// there was no reset; of the first of a chunk nothing is known, since the chunk before may have gone.
fn stored_hint(previous: Option<&FloatHistogram>, h: &FloatHistogram) -> CounterReset {
    if h.counter_reset == CounterReset::Gauge {
        return CounterReset::Gauge;
    }
    let Some(previous) = previous.filter(|previous| previous.counter_reset != CounterReset::Gauge) else {
        return CounterReset::Unknown;
    };
    let same_chunk = if is_stale_nan(h.sum) {
        true
    } else if is_stale_nan(previous.sum) || h.counter_reset == CounterReset::Reset {
        false
    } else {
        h.schema == previous.schema
            && h.zero_threshold == previous.zero_threshold
            && h.custom_values == previous.custom_values
            && !FloatHistogram { counter_reset: CounterReset::Unknown, ..h.clone() }.detect_reset(previous)
    };
    if same_chunk { CounterReset::NotReset } else { CounterReset::Unknown }
}

impl Series for TestSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        for (i, t) in self.samples.t.iter().enumerate().filter(|(_, t)| (mint..=maxt).contains(*t)) {
            match self.samples.histogram(i) {
                Some(h) => out.push_histogram(*t, Arc::clone(h)),
                None => out.push_float(*t, self.samples.v[i]),
            }
            out.set_last_start(self.samples.start(i));
        }
        Ok(())
    }
}

impl Queryable for TestStorage {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let selected = self.series.values().filter(|series| {
            let fits = |matcher: &Matcher| matcher.matches(series.labels.get(matcher.name()).unwrap_or(""));
            let in_range = |t: &i64| (hints.start_ms..=hints.end_ms).contains(t);
            matchers.iter().all(fits) && series.samples.t.iter().any(in_range)
        });
        Ok(selected.map(|series| Arc::clone(series) as Arc<dyn Series>).collect())
    }
}
