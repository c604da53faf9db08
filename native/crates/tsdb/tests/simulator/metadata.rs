//! What is promised of metadata: what was sent is shown until it is purged or the database ends. It is in no log.

use neocortex_model::sample::{Metadata, MetricType};
use neocortex_tsdb::Tsdb;
use neocortex_tsdb::head::MetadataLimits;

/// What the database must show, sorted.
#[derive(Default)]
pub struct MetadataModel {
    shown: Vec<Metadata>,
}

impl MetadataModel {
    /// Sends metadata of a metric, of which there are several descriptions.
    pub fn send(&mut self, tsdb: &Tsdb, metric: usize, description: usize) -> Result<(), String> {
        let metadata = Metadata {
            metric: format!("metric_{metric}"),
            kind: [MetricType::Counter, MetricType::Gauge][description % 2],
            help: format!("help {description}"),
            unit: String::new(),
        };
        let is_new = !self.shown.contains(&metadata);
        let outcome = tsdb.set_metadata(std::slice::from_ref(&metadata), &MetadataLimits::default());
        if (outcome.accepted, outcome.created) != (1, u64::from(is_new)) {
            return Err(format!("{metadata:?}: {outcome:?}, new: {is_new}"));
        }
        if is_new {
            self.shown.push(metadata);
            self.shown.sort_unstable();
        }
        self.check(tsdb)
    }

    /// Has the database forget all of it.
    pub fn purge(&mut self, tsdb: &Tsdb) -> Result<(), String> {
        let purged = tsdb.purge_metadata(i64::MAX);
        if purged != self.shown.len() as u64 {
            return Err(format!("{purged} entries were purged of {}", self.shown.len()));
        }
        self.forget();
        self.check(tsdb)
    }

    /// The database ended.
    pub fn forget(&mut self) {
        self.shown.clear();
    }

    pub fn check(&self, tsdb: &Tsdb) -> Result<(), String> {
        let shown = tsdb.metadata();
        if shown == self.shown { Ok(()) } else { Err(format!("metadata {shown:?} instead of {:?}", self.shown)) }
    }
}
