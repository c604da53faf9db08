//! A storage in memory for tests of the evaluator.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints, Series, StorageError};

/// Series with their samples, sorted by labels.
#[derive(Default)]
pub struct TestStorage {
    series: BTreeMap<Labels, Samples>,
}

struct TestSeries {
    labels: Labels,
    samples: Samples,
}

impl TestStorage {
    /// Appends a float; times of a series must ascend.
    pub fn push_float(&mut self, labels: &Labels, t: i64, v: f64) {
        self.series.entry(labels.clone()).or_default().push_float(t, v);
    }

    /// Appends a histogram; times of a series must ascend.
    #[allow(dead_code, reason = "not every test file has histograms")]
    pub fn push_histogram(&mut self, labels: &Labels, t: i64, h: FloatHistogram) {
        self.series.entry(labels.clone()).or_default().push_histogram(t, Arc::new(h));
    }
}

impl Queryable for TestStorage {
    fn select(&self, matchers: &[Matcher], _: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let matching = self
            .series
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or(""))));
        Ok(matching
            .map(|(labels, samples)| {
                Arc::new(TestSeries { labels: labels.clone(), samples: samples.clone() }) as Arc<dyn Series>
            })
            .collect())
    }
}

impl Series for TestSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        for (i, t) in self.samples.t.iter().copied().enumerate() {
            if !(mint..=maxt).contains(&t) {
                continue;
            }
            match self.samples.histogram(i) {
                Some(h) => out.push_histogram(t, Arc::clone(h)),
                None => out.push_float(t, self.samples.v[i]),
            }
        }
        Ok(())
    }
}
