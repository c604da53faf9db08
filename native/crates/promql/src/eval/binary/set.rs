//! `and`, `or`, `unless`.

use super::signature::Matched;
use crate::eval::column::Column;
use crate::eval::names::has_value;
use crate::parse::ast::{Binary, BinaryOp};

/// Keeps or drops elements by whether the other side has a match at the step.
pub(super) fn apply(binary: &Binary, mut left: Vec<Column>, mut right: Vec<Column>) -> Vec<Column> {
    let matching = binary.matching.clone().unwrap_or_default();
    let matched = Matched::new(&matching, &left, &right);
    if binary.op == BinaryOp::Or {
        let present = presence(&matched.groups.iter().map(|group| &group.left[..]).collect::<Vec<_>>(), &left);
        filter(&mut right, &matched.right, &present, false);
        left.append(&mut right);
    } else {
        let present = presence(&matched.groups.iter().map(|group| &group.right[..]).collect::<Vec<_>>(), &right);
        filter(&mut left, &matched.left, &present, binary.op == BinaryOp::And);
    }
    left
}

/// For each group whether one of its series has a value, step by step; empty for a group without series.
fn presence(groups: &[&[usize]], columns: &[Column]) -> Vec<Vec<bool>> {
    let of_group = |members: &&[usize]| {
        let Some(first) = members.first() else { return Vec::new() };
        let steps = columns[*first].floats.len();
        (0..steps).map(|step| members.iter().any(|i| has_value(&columns[*i], step))).collect()
    };
    groups.iter().map(of_group).collect()
}

/// Keeps the values at steps where the presence of their group is `wanted`.
fn filter(columns: &mut Vec<Column>, group_of: &[usize], present: &[Vec<bool>], wanted: bool) {
    for (column, group) in columns.iter_mut().zip(group_of) {
        for step in 0..column.floats.len() {
            if present[*group].get(step).copied().unwrap_or(false) != wanted {
                column.set(step, None);
            }
        }
    }
    columns.retain(|column| !column.is_empty());
}
