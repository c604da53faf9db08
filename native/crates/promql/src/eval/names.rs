//! Names: dropping them, and what happens when series become equal by it.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use neocortex_model::labels::Labels;

use super::column::{Column, is_absent};
use super::error::EvalError;
use crate::func::METADATA_LABELS;

/// Whether those who take columns look at metric name, type and unit of them. If not, these need not be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Seen,
    Unseen,
}

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
pub(crate) fn merge_equal(columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
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

#[cfg(test)]
mod tests {
    use super::super::column::absent;
    use super::*;

    fn column(name: &str, floats: [f64; 2]) -> Column {
        let labels = Labels::from_pairs([("__name__", name), ("a", "1")]);
        Column { labels, drop_name: false, floats: floats.to_vec(), histograms: Vec::new() }
    }

    #[test]
    fn equal_columns_join_where_they_do_not_overlap() {
        let mut columns = vec![column("x", [1.0, absent()]), column("y", [absent(), 2.0])];
        columns.iter_mut().for_each(|column| drop_name(column, false));
        let merged = merge_equal(columns).expect("they do not overlap");
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].floats, [1.0, 2.0]);
    }

    #[test]
    fn equal_columns_with_values_at_the_same_step_are_refused() {
        let mut columns = vec![column("x", [1.0, 3.0]), column("y", [absent(), 2.0])];
        columns.iter_mut().for_each(|column| drop_name(column, true));
        assert_eq!(columns[0].labels.metric_name(), "x");
        assert_eq!(drop_delayed(columns).map(|merged| merged.len()), Err(EvalError::duplicate_labels()));
    }
}
