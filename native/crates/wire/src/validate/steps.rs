//! How a tenant's configuration changes labels before they are checked.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use neocortex_model::labels::{Labels, LabelsBuilder};

use crate::batch::{Pair, WriteBatch};

/// `metric_relabel_configs`.
pub trait Relabel: Send + Sync {
    /// The changed labels; empty drops the series.
    fn relabel(&self, labels: Labels) -> Labels;
}

/// What happens to the label that names the replica of an HA pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Replicas {
    /// It stays.
    #[default]
    Keep,
    /// It is removed from every series: the first series' replica is the elected one.
    Remove(String),
    /// Each series is judged by itself: without both labels it stays as it is, with them it is dropped in silence
    /// unless accepted, else it loses the replica label.
    PerSeries {
        /// Name of the cluster label.
        cluster_label: String,
        /// Name of the replica label.
        replica_label: String,
        /// `(cluster, replica)` that are accepted.
        accepted: HashSet<(String, String)>,
    },
}

/// Changes to the labels of a tenant's series, in the order of the fields.
#[derive(Clone, Default)]
pub struct LabelSteps {
    /// Must differ between configurations that change labels in different ways or allow different labels: series
    /// accepted under one generation are not known under another.
    pub generation: u64,
    /// Relabelling.
    pub relabel: Option<Arc<dyn Relabel>>,
    /// The replica label of HA pairs.
    pub replicas: Replicas,
    /// Labels that are removed.
    pub drop_labels: Vec<String>,
}

impl fmt::Debug for LabelSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelSteps")
            .field("generation", &self.generation)
            .field("relabel", &self.relabel.is_some())
            .field("replicas", &self.replicas)
            .field("drop_labels", &self.drop_labels)
            .finish()
    }
}

impl LabelSteps {
    pub(crate) fn apply(&self, pairs: &mut Vec<Pair<'_>>) {
        self.apply_relabel(pairs);
        self.apply_removals(pairs);
    }

    pub(super) fn apply_relabel(&self, pairs: &mut Vec<Pair<'_>>) {
        let Some(relabel) = &self.relabel else { return };
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs.iter() {
            builder.set(name, value);
        }
        let labels = relabel.relabel(builder.finish());
        pairs.clear();
        pairs.extend(labels.iter().map(|(name, value)| (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()))));
    }

    pub(super) fn apply_removals(&self, pairs: &mut Vec<Pair<'_>>) {
        match &self.replicas {
            Replicas::Keep => {}
            Replicas::Remove(label) => remove_first(pairs, label),
            Replicas::PerSeries { cluster_label, replica_label, .. } => {
                let has = |pairs: &[Pair<'_>], label: &str| pairs.iter().any(|(n, v)| n == label && !v.is_empty());
                if has(pairs, cluster_label) && has(pairs, replica_label) {
                    remove_first(pairs, replica_label);
                }
            }
        }
        for label in &self.drop_labels {
            remove_first(pairs, label);
        }
    }

    pub(super) fn chooses_per_series(&self) -> bool {
        matches!(self.replicas, Replicas::PerSeries { .. })
    }

    /// False when the HA tracker decided against the replica of this series.
    pub(super) fn accepts(&self, pairs: &[Pair<'_>]) -> bool {
        let Replicas::PerSeries { cluster_label, replica_label, accepted } = &self.replicas else { return true };
        let last = |label: &str| pairs.iter().rev().find(|(n, _)| n == label).map_or("", |(_, v)| v.as_ref());
        let (cluster, replica) = (last(cluster_label), last(replica_label));
        cluster.is_empty() || replica.is_empty() || accepted.contains(&(cluster.to_owned(), replica.to_owned()))
    }
}

/// As in Cortex, of a repeated label only the first goes.
fn remove_first(pairs: &mut Vec<Pair<'_>>, label: &str) {
    if let Some(at) = pairs.iter().position(|(name, _)| name == label) {
        pairs.remove(at);
    }
}

/// Samples of one replica in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSamples {
    /// Value of the cluster label, may be empty.
    pub cluster: String,
    /// Value of the replica label, may be empty.
    pub replica: String,
    /// Float and histogram samples.
    pub samples: u64,
}

impl WriteBatch {
    /// The clusters and replicas of the request's series in the order in which they come up, for the choice per series.
    #[must_use]
    pub fn replicas(&self, cluster_label: &str, replica_label: &str) -> Vec<ReplicaSamples> {
        let mut found: Vec<ReplicaSamples> = Vec::new();
        for row in &self.rows {
            let (cluster, replica) = self.ha_labels(row, cluster_label, replica_label);
            let samples = (row.floats.len() + row.histograms.len()) as u64;
            match found.iter_mut().find(|f| f.cluster == cluster && f.replica == replica) {
                Some(known) => known.samples += samples,
                None => found.push(ReplicaSamples { cluster, replica, samples }),
            }
        }
        found
    }
}
