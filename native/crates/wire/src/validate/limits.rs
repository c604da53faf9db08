//! Limits of a tenant that the checks look at.

use neocortex_model::labels::{is_legacy_label_name, is_legacy_metric_name};
use neocortex_model::sample::Metadata;

use super::outcome::{DiscardReason, ValidationError};
use super::text::quote200;

/// Which metric and label names are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameValidation {
    /// ASCII letters, digits, underscores (and colons in metric names).
    #[default]
    Legacy,
    /// Any text that is not empty.
    Utf8,
}

impl NameValidation {
    pub(super) fn is_metric_name(self, name: &str) -> bool {
        match self {
            Self::Legacy => is_legacy_metric_name(name),
            Self::Utf8 => is_utf8_name(name),
        }
    }

    pub(super) fn is_label_name(self, name: &str) -> bool {
        match self {
            Self::Legacy => is_legacy_label_name(name),
            Self::Utf8 => is_utf8_name(name),
        }
    }
}

/// U+FFFD is what bytes that are not UTF-8 became when they were decoded; a name cannot tell it from the character.
fn is_utf8_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::REPLACEMENT_CHARACTER)
}

/// Limits of a tenant; the fields are named as in the configuration, with Cortex's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationLimits {
    /// A series must have a metric name.
    pub enforce_metric_name: bool,
    /// Metadata must have a metric name.
    pub enforce_metadata_metric_name: bool,
    /// Most labels of a series.
    pub max_label_names_per_series: usize,
    /// Most bytes of a label's name.
    pub max_label_name_length: usize,
    /// Most bytes of a label's value.
    pub max_label_value_length: usize,
    /// Most bytes of a series' labels as protobuf counts them; 0 is no limit.
    pub max_labels_size_bytes: usize,
    /// Most bytes of a metadata's name, help or unit.
    pub max_metadata_length: usize,
    /// Whether samples can be too old.
    pub reject_old_samples: bool,
    /// Age in milliseconds from which samples are too old.
    pub reject_old_samples_max_age_ms: i64,
    /// How far in the future samples may be, in milliseconds.
    pub creation_grace_period_ms: i64,
    /// Most buckets of a native histogram; 0 is no limit. Histograms are reduced in resolution where that helps.
    pub max_native_histogram_buckets: usize,
    /// Most encoded bytes of a native histogram; 0 is no limit.
    pub max_native_histogram_sample_size_bytes: usize,
    /// Which names are allowed.
    pub name_validation: NameValidation,
    /// Label names are not checked at all.
    pub skip_label_name_validation: bool,
}

impl Default for ValidationLimits {
    fn default() -> Self {
        Self {
            enforce_metric_name: true,
            enforce_metadata_metric_name: true,
            max_label_names_per_series: 30,
            max_label_name_length: 1024,
            max_label_value_length: 2048,
            max_labels_size_bytes: 0,
            max_metadata_length: 1024,
            reject_old_samples: false,
            reject_old_samples_max_age_ms: 14 * 24 * 3600 * 1000,
            creation_grace_period_ms: 10 * 60 * 1000,
            max_native_histogram_buckets: 0,
            max_native_histogram_sample_size_bytes: 0,
            name_validation: NameValidation::Legacy,
            skip_label_name_validation: false,
        }
    }
}

impl ValidationLimits {
    pub(super) fn check_metadata(&self, metadata: &Metadata) -> Result<(), ValidationError> {
        if self.enforce_metadata_metric_name && metadata.metric.is_empty() {
            let text = "metadata missing metric name".to_owned();
            return Err(ValidationError { reason: Some(DiscardReason::MissingMetricName), text });
        }
        let parts = [
            (&metadata.metric, "METRIC_NAME", DiscardReason::MetadataMetricNameTooLong),
            (&metadata.help, "HELP", DiscardReason::MetadataHelpTooLong),
            (&metadata.unit, "UNIT", DiscardReason::MetadataUnitTooLong),
        ];
        match parts.into_iter().find(|(text, ..)| text.len() > self.max_metadata_length) {
            None => Ok(()),
            Some((cause, part, reason)) => {
                let (cause, metric) = (quote200(cause), quote200(&metadata.metric));
                let text = format!("metadata '{part}' value too long: {cause} metric {metric}");
                Err(ValidationError { reason: Some(reason), text })
            }
        }
    }
}
