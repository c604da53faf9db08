//! Metadata of metrics: for each metric, every distinct type, help and unit that was sent lately.
//!
//! Source: Cortex `pkg/ingester/user_metrics_metadata.go`.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use neocortex_model::sample::{Metadata, MetricType};

use super::limits::MetadataLimits;
use super::outcome::MetadataOutcome;

/// Type, help, unit.
type Description = (MetricType, String, String);

/// The metadata of a tenant, with the time when each was last sent.
#[derive(Default)]
pub(crate) struct MetadataStore {
    by_metric: BTreeMap<String, HashMap<Description, i64>>,
    entries: u64,
}

impl MetadataStore {
    /// Number of entries.
    pub(crate) fn len(&self) -> u64 {
        self.entries
    }

    /// Takes metadata as far as the limits allow.
    pub(crate) fn set(&mut self, metadata: &[Metadata], limits: &MetadataLimits, now_ms: i64) -> MetadataOutcome {
        let mut outcome = MetadataOutcome::default();
        for one in metadata {
            let known = self.by_metric.get(&one.metric).map(|entries| entries.len() as u64);
            match known {
                None if self.by_metric.len() as u64 >= limits.per_user.actual => outcome.over_user_limit += 1,
                // As Cortex does, a metric at its limit is refused even what it already has.
                _ if known.unwrap_or(0) >= limits.per_metric.actual => outcome.over_metric_limit += 1,
                _ => {
                    outcome.accepted += 1;
                    outcome.created += u64::from(self.insert(one, now_ms));
                }
            }
        }
        outcome
    }

    /// Takes metadata whatever the limits; true when it was not known.
    pub(crate) fn insert(&mut self, metadata: &Metadata, now_ms: i64) -> bool {
        let description = (metadata.kind, metadata.help.clone(), metadata.unit.clone());
        let entries = self.by_metric.entry(metadata.metric.clone()).or_default();
        let created = entries.insert(description, now_ms).is_none();
        self.entries += u64::from(created);
        created
    }

    /// Forgets what was last sent before a time; gives the number of entries forgotten.
    pub(crate) fn purge(&mut self, before_ms: i64) -> u64 {
        let before = self.entries;
        self.by_metric.retain(|_, entries| {
            entries.retain(|_, sent_ms| *sent_ms >= before_ms);
            !entries.is_empty()
        });
        self.entries = self.by_metric.values().map(|entries| entries.len() as u64).sum();
        before - self.entries
    }

    /// All metadata, sorted.
    pub(crate) fn all(&self) -> Vec<Metadata> {
        let mut all = Vec::new();
        for (metric, entries) in &self.by_metric {
            let from = all.len();
            all.extend(entries.keys().map(|(kind, help, unit)| Metadata {
                metric: metric.clone(),
                kind: *kind,
                help: help.clone(),
                unit: unit.clone(),
            }));
            all[from..].sort_unstable();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::limits::Limit;

    fn metadata(metric: &str, help: &str) -> Metadata {
        Metadata { metric: metric.into(), kind: MetricType::Counter, help: help.into(), unit: String::new() }
    }

    #[test]
    fn limits_drop_what_is_beyond_them() {
        let limits = MetadataLimits { per_user: Limit::local(2), per_metric: Limit::local(2), ..Default::default() };
        let mut store = MetadataStore::default();
        let sent = [
            metadata("a", "1"),
            metadata("a", "2"),
            metadata("a", "3"),
            metadata("b", "1"),
            metadata("b", "1"),
            metadata("c", "1"),
        ];
        let outcome = store.set(&sent, &limits, 100);
        assert_eq!(outcome, MetadataOutcome { accepted: 4, created: 3, over_user_limit: 1, over_metric_limit: 1 });
        assert_eq!(store.all(), [metadata("a", "1"), metadata("a", "2"), metadata("b", "1")]);
        assert_eq!(store.len(), 3);
    }

    #[test]
    fn purges_what_was_not_sent_again() {
        let mut store = MetadataStore::default();
        store.set(&[metadata("a", "1"), metadata("b", "1")], &MetadataLimits::default(), 100);
        store.set(&[metadata("b", "1")], &MetadataLimits::default(), 200);
        assert_eq!(store.purge(200), 1);
        assert_eq!(store.all(), [metadata("b", "1")]);
        assert_eq!(store.len(), 1);
    }
}
