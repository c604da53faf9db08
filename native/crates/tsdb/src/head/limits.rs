//! Limits on what a tenant may hold in the head, and their texts.
//!
//! Source: Cortex `pkg/ingester/limiter.go`. The caller knows the ring and so computes the limit that counts.

use std::fmt;
use std::sync::Arc;

use neocortex_model::labels::Labels;

use super::label_set_limits::LabelSetLimit;
use super::outcome::AppendErrorKind;

/// One limit as configured and as it counts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The configured local limit, 0 for none.
    pub local: u64,
    /// The configured global limit, 0 for none.
    pub global: u64,
    /// The limit that counts in this process: the smaller non-zero one of the local limit and this process's share of
    /// the global limit; Cortex's "no limit" is 2147483647.
    pub actual: u64,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self { local: 0, global: 0, actual: i32::MAX as u64 };

    /// A local limit alone; 0 means none.
    #[must_use]
    pub fn local(limit: u64) -> Self {
        Self { local: limit, actual: if limit == 0 { Self::NONE.actual } else { limit }, ..Self::NONE }
    }

    /// The smaller non-zero one of the configured limits, which the texts name first.
    fn configured(self) -> u64 {
        match (self.local, self.global) {
            (0, limit) | (limit, 0) => limit,
            (local, global) => local.min(global),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::NONE
    }
}

/// Limits that decide whether a new series may be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesLimits {
    /// `max_series_per_user`, `max_global_series_per_user`.
    pub per_user: Limit,
    /// `max_series_per_metric`, `max_global_series_per_metric`.
    pub per_metric: Limit,
    /// `max_native_histogram_series_per_user`, `max_global_native_histogram_series_per_user`.
    pub histograms_per_user: Limit,
    /// `limits_per_label_set`.
    pub per_label_set: Arc<[LabelSetLimit]>,
    /// `-ingester.admin-limit-message`.
    pub admin_message: String,
    /// What `-ingester.instance-limits.max-series` leaves for this request to create; a request that needs more is not
    /// taken at all. `None` for no limit.
    pub room: Option<u64>,
    /// `out_of_order_time_window` in milliseconds: how much older than the newest sample of the head a sample may be that is
    /// not in order. At most 0: none is taken.
    pub out_of_order_window_ms: i64,
}

/// Limits on metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataLimits {
    /// Metrics with metadata: `max_metadata_per_user`, `max_global_metadata_per_user`.
    pub per_user: Limit,
    /// Metadata of one metric: `max_metadata_per_metric`, `max_global_metadata_per_metric`.
    pub per_metric: Limit,
    /// `-ingester.admin-limit-message`.
    pub admin_message: String,
}

/// A limit on series that was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Which one.
    pub scope: LimitScope,
    /// Its numbers.
    pub limit: Limit,
    /// `-ingester.admin-limit-message`.
    pub admin_message: String,
}

/// What a limit on series counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// Series of the tenant.
    User,
    /// Series of the tenant with the same metric name.
    Metric,
    /// Active native histogram series of the tenant.
    UserHistograms,
    /// Series of the tenant with these labels.
    LabelSet(Labels),
}

impl LimitExceeded {
    pub(super) fn kind(&self) -> AppendErrorKind {
        match self.scope {
            LimitScope::User => AppendErrorKind::SeriesPerUser,
            LimitScope::Metric => AppendErrorKind::SeriesPerMetric,
            LimitScope::UserHistograms => AppendErrorKind::HistogramSeriesPerUser,
            LimitScope::LabelSet(_) => AppendErrorKind::SeriesPerLabelSet,
        }
    }

    /// Writes the text of `Limiter.FormatError`; all but those of the tenant name the series as well.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, series: &Labels) -> fmt::Result {
        let Self { limit, admin_message, .. } = self;
        let configured = limit.configured();
        match &self.scope {
            LimitScope::LabelSet(labels) => {
                return write!(
                    f,
                    "per-labelset series limit of {configured} exceeded (labelSet: {labels}, \
                     global limit: {} actual local limit: {}) for series {series}",
                    limit.global, limit.actual
                );
            }
            LimitScope::User => write!(f, "per-user series limit of {configured} exceeded, ")?,
            LimitScope::UserHistograms => {
                write!(f, "per-user native histogram series limit of {configured} exceeded, ")?;
            }
            LimitScope::Metric => {
                write!(f, "per-metric series limit of {configured} exceeded for metric {}, ", series.metric_name())?
            }
        }
        write!(
            f,
            "{admin_message} (local limit: {} global limit: {} actual local limit: {})",
            limit.local, limit.global, limit.actual
        )?;
        if self.scope == LimitScope::Metric {
            write!(f, " for series {series}")?;
        }
        Ok(())
    }
}
