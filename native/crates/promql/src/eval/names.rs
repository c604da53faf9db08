//! Names: dropping them, and what happens when series become equal by it.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use neocortex_model::labels::Labels;

use super::column::{Column, is_absent};
use super::error::EvalError;
use crate::func::METADATA_LABELS;

/// Marks the column as renamed, and drops the name at once unless that is left to the end.
pub(super) fn drop_name(column: &mut Column, delayed: bool) {
    column.drop_name = true;
    if !delayed {
        column.labels = column.labels.without(&METADATA_LABELS);
    }
}

/// Drops the names that were left to the end.
///
/// # Errors
/// [`EvalError::Execution`] when two series become equal and have values at the same step.
pub(super) fn drop_delayed(mut columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
    for column in columns.iter_mut().filter(|column| column.drop_name) {
        column.labels = column.labels.without(&METADATA_LABELS);
    }
    merge_equal(columns)
}

/// Joins columns of equal labels, at the place of the first.
///
/// # Errors
/// [`EvalError::Execution`] when two have values at the same step.
pub(super) fn merge_equal(columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
    if columns.len() < 2 {
        return Ok(columns);
    }
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        match places.entry(column.labels.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(merged.len());
                merged.push(column);
            }
            Entry::Occupied(entry) => merge_into(&mut merged[*entry.get()], &column)?,
        }
    }
    Ok(merged)
}

fn merge_into(into: &mut Column, from: &Column) -> Result<(), EvalError> {
    for step in 0..from.floats.len() {
        let Some(value) = from.get(step) else { continue };
        if has_value(into, step) {
            return Err(EvalError::duplicate_labels());
        }
        into.set(step, Some(value));
    }
    Ok(())
}

/// True when the column has a value at the step.
pub(super) fn has_value(column: &Column, step: usize) -> bool {
    !is_absent(column.floats[step]) || column.histograms.get(step).is_some_and(Option::is_some)
}
