//! `sort` and its relatives. The order matters to instant queries alone; a matrix is always sorted by labels.

use std::cmp::Ordering;

use super::{Argument, Call};
use crate::eval::column::Column;
use crate::eval::error::EvalError;

/// Columns with floats, by their value at the first step; NaN comes last.
fn by_value(args: Vec<Argument>, descending: bool) -> Vec<Column> {
    let mut columns = args.into_iter().next().map(Argument::into_vector).unwrap_or_default();
    for column in &mut columns {
        column.histograms = Vec::new();
    }
    columns.retain(|column| !column.is_empty());
    let value = |column: &Column| column.floats.first().copied().unwrap_or(f64::NAN);
    columns.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        match (a.is_nan(), b.is_nan()) {
            (false, false) if descending => b.total_cmp(&a),
            (false, false) => a.total_cmp(&b),
            (a, b) => a.cmp(&b),
        }
    });
    columns
}

/// `sort`
pub(super) fn ascending(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(by_value(args, false))
}

/// `sort_desc`
pub(super) fn descending(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(by_value(args, true))
}

/// By the values of labels in natural order, then by all labels.
fn sorted_by_label(args: Vec<Argument>) -> Vec<Column> {
    let mut args = args.into_iter();
    let mut columns = args.next().map(Argument::into_vector).unwrap_or_default();
    let names: Vec<String> = args.map(Argument::into_string).collect();
    columns.sort_by(|a, b| {
        names
            .iter()
            .map(|name| natural(a.labels.get(name).unwrap_or(""), b.labels.get(name).unwrap_or("")))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| a.labels.cmp(&b.labels))
    });
    columns
}

/// `sort_by_label`
pub(super) fn by_label(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(sorted_by_label(args))
}

/// `sort_by_label_desc`
pub(super) fn by_label_descending(_: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut columns = sorted_by_label(args);
    columns.reverse();
    Ok(columns)
}

/// Natural order: stretches of digits compare as numbers, everything else as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        match (rest_a.is_empty(), rest_b.is_empty()) {
            (false, false) => {}
            // Numbers may be equal and their texts not, as 1 and 01.
            (true, true) => return a.cmp(b),
            (a, b) => return b.cmp(&a),
        }
        let (chunk_a, chunk_b) = (next_chunk(&mut rest_a), next_chunk(&mut rest_b));
        let ordering = match (chunk_a.parse::<i64>(), chunk_b.parse::<i64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => chunk_a.cmp(chunk_b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

/// Takes digits, or what is no digit, from the front.
fn next_chunk<'a>(rest: &mut &'a str) -> &'a str {
    let digits = rest.starts_with(|c: char| c.is_ascii_digit());
    let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
    let (chunk, behind) = rest.split_at(end);
    *rest = behind;
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let mut list = vec!["a10", "a9", "b1", "a", "10", "9", "", "a10b", "a9-2", "a9-10"];
        list.sort_by(|a, b| natural(a, b));
        assert_eq!(list, ["", "9", "10", "a", "a9", "a9-2", "a9-10", "a10", "a10b", "b1"]);
    }
}
