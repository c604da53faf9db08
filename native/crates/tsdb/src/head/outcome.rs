//! What became of the samples of a request, and the texts in which Cortex says so.
//!
//! Source: Cortex `pkg/ingester/ingester.go` (`Push`, `wrappedTSDBIngestErr` and its kin), `pkg/ingester/errors.go`,
//! Prometheus `storage/errors.go` and `storage/interface.go`.

use std::fmt;
use std::time::Duration;

use neocortex_model::float::go_g;
use neocortex_model::labels::Labels;

use super::limits::LimitExceeded;
use super::rfc3339::rfc3339_nano;

/// Why a sample or an exemplar was refused, without the details: the key of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum AppendErrorKind {
    /// Older than the newest sample of its series.
    OutOfOrder,
    /// Older than the head accepts.
    OutOfBounds,
    /// Older than the out-of-order window.
    TooOld,
    /// Another value for a time that the series already has.
    DuplicateSample,
    /// The tenant has as many series as it may.
    SeriesPerUser,
    /// The metric has as many series as it may.
    SeriesPerMetric,
    /// The tenant has as many native histogram series as it may.
    HistogramSeriesPerUser,
    /// The label set has as many series as it may.
    SeriesPerLabelSet,
    /// The exemplar's series is not there.
    ExemplarUnknownSeries,
    /// The exemplar is older than the newest of its series.
    ExemplarOutOfOrder,
    /// The exemplar's labels are longer than 128 characters.
    ExemplarLabelsTooLong,
}

impl AppendErrorKind {
    /// The kind of a cause.
    #[must_use]
    pub fn of(cause: &AppendCause) -> Self {
        match cause {
            AppendCause::OutOfOrder => Self::OutOfOrder,
            AppendCause::OutOfBounds { .. } => Self::OutOfBounds,
            AppendCause::TooOld => Self::TooOld,
            AppendCause::DuplicateFloat { .. } | AppendCause::DuplicateHistogram => Self::DuplicateSample,
            AppendCause::Limit(limit) => limit.kind(),
            AppendCause::ExemplarUnknownSeries { .. } => Self::ExemplarUnknownSeries,
            AppendCause::ExemplarOutOfOrder { .. } => Self::ExemplarOutOfOrder,
            AppendCause::ExemplarLabelsTooLong { .. } => Self::ExemplarLabelsTooLong,
        }
    }

    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::OutOfOrder,
        Self::OutOfBounds,
        Self::TooOld,
        Self::DuplicateSample,
        Self::SeriesPerUser,
        Self::SeriesPerMetric,
        Self::HistogramSeriesPerUser,
        Self::SeriesPerLabelSet,
        Self::ExemplarUnknownSeries,
        Self::ExemplarOutOfOrder,
        Self::ExemplarLabelsTooLong,
    ];

    /// The label `reason` of `cortex_discarded_samples_total`; `None` for kinds that Cortex does not count there.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::OutOfOrder => Some("sample-out-of-order"),
            Self::OutOfBounds => Some("sample-out-of-bounds"),
            Self::TooOld => Some("sample-too-old"),
            Self::DuplicateSample => Some("new-value-for-timestamp"),
            Self::SeriesPerUser => Some("per_user_series_limit"),
            Self::SeriesPerMetric => Some("per_metric_series_limit"),
            Self::HistogramSeriesPerUser => Some("per_user_native_histogram_series_limit"),
            Self::SeriesPerLabelSet => Some("per_labelset_series_limit"),
            Self::ExemplarUnknownSeries | Self::ExemplarOutOfOrder | Self::ExemplarLabelsTooLong => None,
        }
    }
}

/// Why a sample or an exemplar was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum AppendCause {
    /// Older than the newest sample of its series.
    OutOfOrder,
    /// Older than the head accepts. `head_max_t` is `None` when the head was empty at the start of the request.
    OutOfBounds {
        /// Time of the newest sample of the head in milliseconds.
        head_max_t: Option<i64>,
    },
    /// Older than the out-of-order window.
    TooOld,
    /// Another float for a time that the series already has.
    DuplicateFloat {
        /// The stored value; `None` when a histogram is stored.
        existing: Option<f64>,
        /// The refused value.
        new: f64,
    },
    /// Another histogram for a time that the series already has.
    DuplicateHistogram,
    /// A limit on series.
    Limit(LimitExceeded),
    /// The exemplar's series is not there.
    ExemplarUnknownSeries {
        /// The exemplar's labels.
        exemplar: Labels,
    },
    /// The exemplar is older than the newest of its series.
    ExemplarOutOfOrder {
        /// The exemplar's labels.
        exemplar: Labels,
    },
    /// The exemplar's labels are longer than 128 characters.
    ExemplarLabelsTooLong {
        /// The exemplar's labels.
        exemplar: Labels,
    },
}

/// The first thing that went wrong in a request. Its text is Cortex's, without the leading `user=<tenant>: `.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendError {
    /// The series.
    pub series: Labels,
    /// Time of the sample or exemplar in milliseconds.
    pub t: i64,
    /// What was wrong with it.
    pub cause: AppendCause,
}

impl AppendError {
    /// The kind, for counting.
    #[must_use]
    pub fn kind(&self) -> AppendErrorKind {
        AppendErrorKind::of(&self.cause)
    }
}

impl std::error::Error for AppendError {}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { series, t, cause } = self;
        let time = || rfc3339_nano(*t);
        match cause {
            AppendCause::OutOfOrder => write!(f, "err: out of order sample. timestamp={}, series={series}", time()),
            AppendCause::OutOfBounds { head_max_t } => {
                write!(f, "err: out of bounds. timestamp={}", time())?;
                if let Some(head_max_t) = head_max_t {
                    write!(f, ", tsdbHeadMaxTimestamp={}", rfc3339_nano(*head_max_t))?;
                }
                write!(f, ", series={series}")
            }
            AppendCause::TooOld => write!(f, "err: too old sample. timestamp={}, series={series}", time()),
            AppendCause::DuplicateFloat { .. } | AppendCause::DuplicateHistogram if *t == 0 => {
                write!(f, "err: duplicate sample for timestamp. series={series}")
            }
            AppendCause::DuplicateFloat { existing, new } => {
                write!(f, "err: duplicate sample for timestamp {t}; overrides not allowed: existing ")?;
                match existing {
                    Some(existing) => f.write_str(&go_g(*existing))?,
                    None => f.write_str("is a histogram")?,
                }
                write!(f, ", new value {}. series={series}", go_g(*new))
            }
            AppendCause::DuplicateHistogram => write!(f, "err: duplicate sample for timestamp. series={series}"),
            AppendCause::Limit(limit) => limit.write(f, series),
            AppendCause::ExemplarUnknownSeries { exemplar } => write!(
                f,
                "err: exemplars not ingested because series not already present. timestamp={}, series={series}, \
                 exemplar={exemplar}",
                time()
            ),
            AppendCause::ExemplarOutOfOrder { exemplar } => {
                write!(f, "err: out of order exemplar. timestamp={}, series={series}, exemplar={exemplar}", time())
            }
            AppendCause::ExemplarLabelsTooLong { exemplar } => write!(
                f,
                "err: label length for exemplar exceeds maximum of 128 UTF-8 characters. timestamp={}, \
                 series={series}, exemplar={exemplar}",
                time()
            ),
        }
    }
}

/// What became of a request. Counts are Cortex's: a sample that is silently dropped, being older than another one of the
/// same request or equal to the stored one, counts as taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Appended {
    /// Floats taken.
    pub samples: u64,
    /// Native histograms taken.
    pub histograms: u64,
    /// Exemplars taken.
    pub exemplars: u64,
    /// Floats refused.
    pub failed_samples: u64,
    /// Native histograms refused.
    pub failed_histograms: u64,
    /// Exemplars refused.
    pub failed_exemplars: u64,
    /// Native histograms dropped without an error because the tenant does not take them
    /// (reason `native-histogram-sample`).
    pub ignored_histograms: u64,
    /// Series created.
    pub new_series: u64,
    /// The first refusal; the answer's text.
    pub first_error: Option<AppendError>,
    /// Refused samples and exemplars by kind.
    pub discarded: Discarded,
    /// Buckets that the native histograms taken have.
    pub buckets: BucketCounts,
    /// How long it took to decide what is taken.
    pub planning: Duration,
    /// How long it took to log and apply that.
    pub committing: Duration,
}

/// How many buckets native histograms have, positive and negative together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketCounts {
    counts: [u64; Self::BOUNDS.len() + 1],
    sum: u64,
}

impl BucketCounts {
    /// Upper bounds, inclusive. Those of `cortex_ingester_ingested_histogram_buckets`.
    pub const BOUNDS: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

    /// Histograms by the bounds of [`Self::BOUNDS`], each without those before, and those above.
    #[must_use]
    pub fn counts(&self) -> [u64; Self::BOUNDS.len() + 1] {
        self.counts
    }

    /// Buckets of all.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    pub(super) fn observe(&mut self, buckets: usize) {
        self.counts[Self::BOUNDS.partition_point(|bound| *bound < buckets)] += 1;
        self.sum += buckets as u64;
    }
}

/// Refusals by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discarded([u64; AppendErrorKind::ALL.len()]);

impl Discarded {
    /// Refusals of one kind.
    #[must_use]
    pub fn of(&self, kind: AppendErrorKind) -> u64 {
        self.0[kind as usize]
    }

    /// Kinds with at least one refusal.
    pub fn iter(&self) -> impl Iterator<Item = (AppendErrorKind, u64)> + '_ {
        AppendErrorKind::ALL.into_iter().map(|kind| (kind, self.of(kind))).filter(|(_, n)| *n > 0)
    }

    pub(super) fn add(&mut self, kind: AppendErrorKind, n: u64) {
        self.0[kind as usize] += n;
    }
}

/// What became of the metadata of a request; metadata over a limit is dropped, the request stays good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetadataOutcome {
    /// Entries taken, known ones included.
    pub accepted: u64,
    /// Entries that were not known before.
    pub created: u64,
    /// Dropped, reason `per_user_metadata_limit`.
    pub over_user_limit: u64,
    /// Dropped, reason `per_metric_metadata_limit`.
    pub over_metric_limit: u64,
}
