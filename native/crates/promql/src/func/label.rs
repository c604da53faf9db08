//! `label_replace` and `label_join`: new labels from old ones.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use neocortex_model::labels::{Labels, LabelsBuilder, METRIC_NAME};
use neocortex_model::regex::AnchoredRegex;

use super::{Argument, Call};
use crate::eval::column::{Column, is_absent};
use crate::eval::error::EvalError;

/// `label_replace(v, dst, replacement, src, regex)`
pub(super) fn replace(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let mut columns = args.next().map(Argument::into_vector).unwrap_or_default();
    let mut text = || args.next().map(Argument::into_string).unwrap_or_default();
    let (target, replacement, source, pattern) = (text(), text(), text(), text());
    let regex = AnchoredRegex::new(&pattern)
        .map_err(|_| EvalError::execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    if target.is_empty() {
        return Err(EvalError::execution(format!("invalid destination label name in label_replace(): {target}")));
    }
    for column in &mut columns {
        let value = column.labels.get(&source).unwrap_or("");
        if let Some(value) = regex.expand(value, &replacement) {
            set(column, &target, &value);
        }
    }
    merge_same_labels(columns)
}

/// `label_join(v, dst, separator, src…)`
pub(super) fn join(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let mut columns = args.next().map(Argument::into_vector).unwrap_or_default();
    let target = args.next().map(Argument::into_string).unwrap_or_default();
    let separator = args.next().map(Argument::into_string).unwrap_or_default();
    let sources: Vec<String> = args.map(Argument::into_string).collect();
    if let Some(source) = sources.iter().find(|source| source.is_empty()) {
        return Err(EvalError::execution(format!("invalid source label name in label_join(): {source}")));
    }
    if target.is_empty() {
        return Err(EvalError::execution(format!("invalid destination label name in label_join(): {target}")));
    }
    for column in &mut columns {
        let values: Vec<&str> = sources.iter().map(|source| column.labels.get(source).unwrap_or("")).collect();
        let value = values.join(&separator);
        set(column, &target, &value);
    }
    merge_same_labels(columns)
}

/// Sets a label; a new metric name is not dropped any more.
fn set(column: &mut Column, name: &str, value: &str) {
    let mut labels = LabelsBuilder::from_labels(&column.labels);
    labels.set(name, value);
    column.labels = labels.finish();
    if name == METRIC_NAME {
        column.drop_name = false;
    }
}

/// Joins series that have become the same. The order of first appearance stays.
fn merge_same_labels(columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    let mut by_labels: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    for column in columns {
        match by_labels.entry(column.labels.clone()) {
            Entry::Vacant(slot) => {
                slot.insert(merged.len());
                merged.push(column);
            }
            Entry::Occupied(slot) => merge(&mut merged[*slot.get()], &column)?,
        }
    }
    Ok(merged)
}

/// Moves the values of a column into another of the same labels.
///
/// # Errors
/// When both have a value at the same step.
fn merge(into: &mut Column, column: &Column) -> Result<(), EvalError> {
    for step in 0..column.floats.len() {
        let value = column.get(step);
        if value.is_none() {
            continue;
        }
        if !is_absent(into.floats[step]) || into.histograms.get(step).is_some_and(Option::is_some) {
            return Err(EvalError::duplicate_labels());
        }
        into.set(step, value);
    }
    Ok(())
}
