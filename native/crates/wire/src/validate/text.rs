//! Label sets within error texts.

use neocortex_model::float::go_quote;
use neocortex_model::labels::is_legacy_label_name;

use crate::batch::Pair;

/// Go's `%.200q`: at most 200 characters, quoted.
pub(super) fn quote200(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => go_quote(&text[..end]),
        None => go_quote(text),
    }
}

/// `name{a="b", c="d"}` in the order of the labels, repeated ones included.
pub(super) fn series(pairs: &[Pair<'_>]) -> String {
    let name_at = pairs.iter().position(|(name, value)| name == "__name__" && !value.is_empty());
    let labels: Vec<String> = pairs
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != name_at)
        .map(|(_, (name, value))| format!("{name}={}", go_quote(value)))
        .collect();
    let name = name_at.map_or("", |at| pairs[at].1.as_ref());
    match (labels.is_empty(), name_at) {
        (true, Some(_)) => name.to_owned(),
        (true, None) => "{}".to_owned(),
        (false, _) => format!("{name}{{{}}}", labels.join(", ")),
    }
}

/// The text of [`series`] with the labels in the order of their text, of a repeated name only the last: how Go prints
/// a `model.Metric`.
pub(super) fn metric(pairs: &[Pair<'_>]) -> String {
    let last = |name: &str| pairs.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_ref());
    let mut labels: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| name != "__name__")
        .map(|(name, _)| format!("{name}={}", go_quote(last(name).unwrap_or_default())))
        .collect();
    labels.sort_unstable();
    labels.dedup();
    match (labels.is_empty(), last("__name__")) {
        (true, Some(name)) => name.to_owned(),
        (true, None) => "{}".to_owned(),
        (false, name) => format!("{}{{{}}}", name.unwrap_or_default(), labels.join(", ")),
    }
}

/// `{__name__="name", a="b"}`: how Go prints `labels.Labels`.
pub(super) fn label_set(pairs: &[Pair<'_>]) -> String {
    let labels: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let name = if is_legacy_label_name(name) { name.to_string() } else { go_quote(name) };
            format!("{name}={}", go_quote(value))
        })
        .collect();
    format!("{{{}}}", labels.join(", "))
}
