//! What the checks found.

use crate::batch::Counts;

/// Why something was discarded: the label `reason` of Cortex's `cortex_discarded_*_total` metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiscardReason {
    /// No metric name, or an empty one.
    MissingMetricName,
    /// A metric name that is not allowed.
    MetricNameInvalid,
    /// Too many labels.
    MaxLabelNamesPerSeries,
    /// A label name that is not allowed.
    LabelInvalid,
    /// A label name is too long.
    LabelNameTooLong,
    /// A label value is too long.
    LabelValueTooLong,
    /// A label name comes twice.
    DuplicateLabelNames,
    /// The labels are too large together.
    LabelsSizeBytesExceeded,
    /// A sample is too old.
    GreaterThanMaxSampleAge,
    /// A sample is too new.
    TooFarInFuture,
    /// Relabelling left no label.
    RelabelConfiguration,
    /// Dropping labels left no label.
    UserLabelRemoval,
    /// A native histogram has too many buckets.
    NativeHistogramBucketsExceeded,
    /// A native histogram has a schema that does not exist.
    NativeHistogramInvalidSchema,
    /// A native histogram is too large.
    NativeHistogramSampleSizeBytesExceeded,
    /// A native histogram contradicts itself.
    NativeHistogramInvalid,
    /// An exemplar has no labels.
    ExemplarLabelsMissing,
    /// An exemplar's labels are too long.
    ExemplarLabelsTooLong,
    /// An exemplar has no time.
    ExemplarTimestampInvalid,
    /// A metadata's name is too long.
    MetadataMetricNameTooLong,
    /// A metadata's help is too long.
    MetadataHelpTooLong,
    /// A metadata's unit is too long.
    MetadataUnitTooLong,
}

impl DiscardReason {
    /// The value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingMetricName => "missing_metric_name",
            Self::MetricNameInvalid => "metric_name_invalid",
            Self::MaxLabelNamesPerSeries => "max_label_names_per_series",
            Self::LabelInvalid => "label_invalid",
            Self::LabelNameTooLong => "label_name_too_long",
            Self::LabelValueTooLong => "label_value_too_long",
            Self::DuplicateLabelNames => "duplicate_label_names",
            Self::LabelsSizeBytesExceeded => "labels_size_bytes_exceeded",
            Self::GreaterThanMaxSampleAge => "greater_than_max_sample_age",
            Self::TooFarInFuture => "too_far_in_future",
            Self::RelabelConfiguration => "relabel_configuration",
            Self::UserLabelRemoval => "user_label_removal_configuration",
            Self::NativeHistogramBucketsExceeded => "native_histogram_buckets_exceeded",
            Self::NativeHistogramInvalidSchema => "native_histogram_invalid_schema",
            Self::NativeHistogramSampleSizeBytesExceeded => "native_histogram_sample_size_bytes_exceeded",
            Self::NativeHistogramInvalid => "native_histogram_invalid",
            Self::ExemplarLabelsMissing => "exemplar_labels_missing",
            Self::ExemplarLabelsTooLong => "exemplar_labels_too_long",
            Self::ExemplarTimestampInvalid => "exemplar_timestamp_invalid",
            Self::MetadataMetricNameTooLong => "metric_name_too_long",
            Self::MetadataHelpTooLong => "help_too_long",
            Self::MetadataUnitTooLong => "unit_too_long",
        }
    }
}

/// What kind of thing was discarded: which of the metrics counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Discarded {
    /// `cortex_discarded_samples_total`
    Samples,
    /// `cortex_discarded_exemplars_total`
    Exemplars,
    /// `cortex_discarded_metadata_total`
    Metadata,
}

/// Counts of what was discarded, by kind and reason. As in Cortex, a series with a bad label or value counts as one
/// sample, a series without a good metric name as all of its samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discard {
    counts: Vec<(Discarded, DiscardReason, u64)>,
}

impl Discard {
    pub(super) fn add(&mut self, kind: Discarded, reason: Option<DiscardReason>, count: u64) {
        let Some(reason) = reason else { return };
        if count == 0 {
            return;
        }
        match self.counts.iter_mut().find(|(k, r, _)| *k == kind && *r == reason) {
            Some((_, _, total)) => *total += count,
            None => self.counts.push((kind, reason, count)),
        }
    }

    /// The counts that are not zero, in the order in which they came up.
    pub fn iter(&self) -> impl Iterator<Item = (Discarded, DiscardReason, u64)> + '_ {
        self.counts.iter().copied()
    }
}

/// A series, sample or metadata was refused; answered with status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ValidationError {
    /// What it counts as; `None` for the whole request.
    pub reason: Option<DiscardReason>,
    /// Cortex's text.
    pub text: String,
}

/// What the checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validated {
    /// What was accepted: what rate limits and the headers of remote write 2.0 count.
    pub accepted: Counts,
    /// What was discarded.
    pub discarded: Discard,
    /// Native histograms whose resolution was reduced.
    pub reduced_histograms: u64,
    /// The latest time of a sample in milliseconds, accepted or not; 0 when there is none after the epoch.
    pub latest_sample_ms: i64,
    /// The first refusal; what was accepted is written nevertheless, unless `refused`.
    pub first_error: Option<ValidationError>,
    /// The whole request is refused: nothing may be written. The batch is empty then.
    pub refused: bool,
}
