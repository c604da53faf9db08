//! Checks of a label set.

use super::limits::ValidationLimits;
use super::outcome::{DiscardReason, ValidationError};
use super::text::{metric, quote200, series};
use crate::batch::Pair;

/// Checks the metric name, before labels with empty values are removed.
pub(super) fn check_metric_name(limits: &ValidationLimits, pairs: &[Pair<'_>]) -> Result<(), ValidationError> {
    if !limits.enforce_metric_name {
        return Ok(());
    }
    let Some((_, name)) = pairs.iter().find(|(name, _)| name == "__name__") else {
        let text = "sample missing metric name".to_owned();
        return Err(ValidationError { reason: Some(DiscardReason::MissingMetricName), text });
    };
    if limits.name_validation.is_metric_name(name) {
        return Ok(());
    }
    let text = format!("sample invalid metric name: {}", quote200(name));
    Err(ValidationError { reason: Some(DiscardReason::MetricNameInvalid), text })
}

/// Removes labels with empty values and sorts by name.
pub(super) fn normalise(pairs: &mut Vec<Pair<'_>>) {
    pairs.retain(|(_, value)| !value.is_empty());
    if !pairs.is_sorted_by(|a, b| a.0 <= b.0) {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

/// Checks sorted labels without empty values.
pub(super) fn check(limits: &ValidationLimits, pairs: &[Pair<'_>]) -> Result<(), ValidationError> {
    let refuse = |reason, text| Err(ValidationError { reason: Some(reason), text });
    if pairs.len() > limits.max_label_names_per_series {
        let text = format!(
            "series has too many labels (actual: {}, limit: {}) series: '{}'",
            pairs.len(),
            limits.max_label_names_per_series,
            metric(pairs)
        );
        return refuse(DiscardReason::MaxLabelNamesPerSeries, text);
    }
    let shown = || quote200(&series(pairs));
    let mut last_name = "";
    let mut size = 0;
    for (name, value) in pairs {
        if !limits.skip_label_name_validation && !limits.name_validation.is_label_name(name) {
            let text = format!("sample invalid label: {} metric {}", quote200(name), shown());
            return refuse(DiscardReason::LabelInvalid, text);
        }
        if name.len() > limits.max_label_name_length {
            let text = format!(
                "label name too long for metric (actual: {}, limit: {}) metric: {} label name: {}",
                name.len(),
                limits.max_label_name_length,
                shown(),
                quote200(name)
            );
            return refuse(DiscardReason::LabelNameTooLong, text);
        }
        if value.len() > limits.max_label_value_length {
            let text = format!(
                "label value too long for metric (actual: {}, limit: {}) metric: {} label name: {} label value: {}",
                value.len(),
                limits.max_label_value_length,
                shown(),
                quote200(name),
                quote200(value)
            );
            return refuse(DiscardReason::LabelValueTooLong, text);
        }
        // An empty name that was not checked equals the one before the first, as in Cortex.
        if last_name == name {
            let text = format!("duplicate label name: {} metric {}", quote200(name), shown());
            return refuse(DiscardReason::DuplicateLabelNames, text);
        }
        last_name = name;
        size += encoded_len(name) + encoded_len(value);
    }
    if limits.max_labels_size_bytes > 0 && size > limits.max_labels_size_bytes {
        let text = format!(
            "labels size bytes exceeded for metric (actual: {size}, limit: {}) metric: {}",
            limits.max_labels_size_bytes,
            shown()
        );
        return refuse(DiscardReason::LabelsSizeBytesExceeded, text);
    }
    Ok(())
}

/// Bytes of a protobuf field with this text; an empty one is not written.
fn encoded_len(text: &str) -> usize {
    match text.len() {
        0 => 0,
        len => 1 + (len.ilog2() as usize / 7 + 1) + len,
    }
}
