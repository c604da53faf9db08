//! Histograms without their buckets, for queries that only want count and sum.
//!
//! Source: `promql/histogram_stats_iterator.go` of Prometheus.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::sample::{Samples, is_stale_nan};

/// Replaces each histogram by its count and sum. Resets can no longer be found by comparing buckets afterwards, so every
/// histogram but the first says whether there was one before it.
pub(super) fn keep_stats(samples: &mut Samples) {
    let mut previous: Option<Arc<FloatHistogram>> = None;
    for slot in samples.h.iter_mut().flatten() {
        let h = Arc::clone(slot);
        let stale = is_stale_nan(h.sum);
        let counter_reset = match &previous {
            Some(previous) if !stale && h.counter_reset == CounterReset::Unknown => {
                if h.detect_reset(previous) {
                    CounterReset::Reset
                } else {
                    CounterReset::NotReset
                }
            }
            _ => h.counter_reset,
        };
        let stats =
            FloatHistogram { counter_reset, schema: h.schema, count: h.count, sum: h.sum, ..FloatHistogram::default() };
        *slot = Arc::new(stats);
        if !stale {
            previous = Some(h);
        }
    }
}

#[cfg(test)]
mod tests {
    use neocortex_model::histogram::Span;

    use super::*;

    #[test]
    fn resets_in_buckets_become_hints() {
        let mut samples = Samples::default();
        for (t, bucket) in [(1, 2.0), (2, 3.0), (3, 1.0)] {
            let h = FloatHistogram {
                count: 5.0,
                positive_spans: vec![Span { offset: 0, length: 1 }],
                positive_buckets: vec![bucket],
                ..FloatHistogram::default()
            };
            samples.push_histogram(t, Arc::new(h));
        }
        keep_stats(&mut samples);
        let kept: Vec<_> = samples.h.iter().flatten().collect();
        let hints: Vec<_> = kept.iter().map(|h| h.counter_reset).collect();
        assert_eq!(hints, [CounterReset::Unknown, CounterReset::NotReset, CounterReset::Reset]);
        assert!(kept.iter().all(|h| h.count == 5.0 && h.positive_buckets.is_empty()));
    }
}
