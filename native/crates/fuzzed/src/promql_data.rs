//! Few series with everything in them that an evaluation has to cope with.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::sample::{Samples, stale_nan};
use neocortex_model::series::{Queryable, SelectHints, Series, StorageError};

/// Time of the last samples.
pub(crate) const END_MS: i64 = 600_000;

const INTERVAL_MS: i64 = 15_000;

/// The series.
pub(crate) struct Fixed {
    series: BTreeMap<Labels, Arc<One>>,
}

struct One {
    labels: Labels,
    samples: Samples,
}

impl Fixed {
    /// Counters, gauges, and histograms of each kind.
    pub(crate) fn new() -> Self {
        let mut all = Self { series: BTreeMap::new() };
        // As many as are worth threads.
        for i in 0..10u32 {
            all.floats("counter", i, &[], |k| f64::from(k * (i + 1) % 37));
        }
        let odd = [f64::NAN, f64::INFINITY, -0.0, stale_nan(), f64::NEG_INFINITY, 5e-324, f64::MAX, 1.5, f64::MIN];
        for i in 0..4u32 {
            all.floats("gauge", i, &[("zone", "z")], |k| odd[(k * (i + 1)) as usize % odd.len()]);
            all.histograms("exponential", i, |k| exponential(i, k));
            all.histograms("custom", i, |k| custom(i, k));
        }
        for (le, share) in [("0.1", 1), ("1", 2), ("+Inf", 3), ("", 4)] {
            all.floats("classic_bucket", 0, &[("le", le)], |k| f64::from(k * share));
        }
        all.floats("target_info", 0, &[("version", "1")], |_| 1.0);
        all.mixed();
        all
    }

    fn floats(&mut self, name: &str, i: u32, more: &[(&str, &str)], value: impl Fn(u32) -> f64) {
        let mut samples = Samples::default();
        for (t, k) in times() {
            samples.push_float(t, value(k));
            // Counting began with the first sample, and again in the middle.
            samples.set_last_start(if k < 20 { 1 } else { 20 * INTERVAL_MS - 1 });
        }
        self.add(name, i, more, samples);
    }

    fn histograms(&mut self, name: &str, i: u32, value: impl Fn(u32) -> FloatHistogram) {
        let mut samples = Samples::default();
        times().for_each(|(t, k)| samples.push_histogram(t, Arc::new(value(k))));
        self.add(name, i, &[], samples);
    }

    /// A series that is now of floats and now of histograms.
    fn mixed(&mut self) {
        let mut samples = Samples::default();
        for (t, k) in times() {
            match k % 8 {
                0..3 => samples.push_float(t, f64::from(k)),
                3..5 => samples.push_histogram(t, Arc::new(exponential(0, k))),
                5 => samples.push_histogram(t, Arc::new(FloatHistogram { sum: stale_nan(), ..Default::default() })),
                _ => samples.push_histogram(t, Arc::new(custom(0, k))),
            }
        }
        self.add("mixed", 0, &[], samples);
    }

    fn add(&mut self, name: &str, i: u32, more: &[(&str, &str)], samples: Samples) {
        let i = i.to_string();
        let labels = Labels::from_pairs([("__name__", name), ("i", &i)].iter().chain(more).copied());
        self.series.insert(labels.clone(), Arc::new(One { labels, samples }));
    }
}

fn times() -> impl Iterator<Item = (i64, u32)> {
    (0..=END_MS).step_by(INTERVAL_MS as usize).zip(0..)
}

/// Of another schema for each series, with a reset now and then, and with buckets that come and go.
fn exponential(i: u32, k: u32) -> FloatHistogram {
    let v = f64::from(k % 23);
    FloatHistogram {
        counter_reset: if i == 3 { CounterReset::Gauge } else { CounterReset::Unknown },
        schema: [0, 3, 8, -4][i as usize % 4],
        zero_threshold: 0.001 * f64::from(i),
        zero_count: v,
        count: 6.0 * v + 1.0,
        sum: if k % 11 == 10 { f64::NAN } else { v * 1.5 - 7.0 },
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: (k % 5) as i32, length: 1 }],
        positive_buckets: vec![v, 2.0 * v, 1.0],
        negative_spans: vec![Span { offset: 1, length: 1 }],
        negative_buckets: vec![2.0 * v],
        custom_values: Vec::new(),
    }
}

/// Now of these bounds, now of others.
fn custom(i: u32, k: u32) -> FloatHistogram {
    let v = f64::from(k);
    FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 3.0 * v,
        sum: v,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![v, 0.0, 2.0 * v],
        custom_values: if i == 1 && k.is_multiple_of(7) { vec![0.5, 2.0] } else { vec![0.5, 5.0] },
        ..FloatHistogram::default()
    }
}

impl Queryable for Fixed {
    fn select(&self, matchers: &[Matcher], _: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let matching = |one: &&Arc<One>| matchers.iter().all(|m| m.matches(one.labels.get(m.name()).unwrap_or("")));
        Ok(self.series.values().filter(matching).map(|one| Arc::clone(one) as Arc<dyn Series>).collect())
    }
}

impl Series for One {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        for (i, t) in self.samples.t.iter().copied().enumerate().filter(|(_, t)| (mint..=maxt).contains(t)) {
            match self.samples.histogram(i) {
                Some(h) => out.push_histogram(t, Arc::clone(h)),
                None => out.push_float(t, self.samples.v[i]),
            }
            out.set_last_start(self.samples.start(i));
        }
        Ok(())
    }
}
