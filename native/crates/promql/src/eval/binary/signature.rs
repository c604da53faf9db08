//! By what the elements of two vectors are matched.

use hashbrown::HashMap;
use neocortex_model::labels::{Labels, METRIC_NAME};

use crate::eval::column::Column;
use crate::parse::ast::VectorMatching;

/// The series of both sides, grouped by the labels that are matched.
pub(super) struct Matched {
    /// In the order in which they are met, left before right.
    pub groups: Vec<Group>,
    /// The group of each left series.
    pub left: Vec<usize>,
    /// The group of each right series.
    pub right: Vec<usize>,
}

/// Indices of the series with equal matched labels.
#[derive(Default)]
pub(super) struct Group {
    pub left: Vec<usize>,
    pub right: Vec<usize>,
}

impl Matched {
    pub fn new(matching: &VectorMatching, left: &[Column], right: &[Column]) -> Self {
        let mut places = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut place = |column: &Column| {
            *places.entry(signature(matching, &column.labels)).or_insert_with(|| {
                groups.push(Group::default());
                groups.len() - 1
            })
        };
        let left: Vec<_> = left.iter().map(&mut place).collect();
        let right: Vec<_> = right.iter().map(&mut place).collect();
        left.iter().enumerate().for_each(|(i, group)| groups[*group].left.push(i));
        right.iter().enumerate().for_each(|(i, group)| groups[*group].right.push(i));
        Self { groups, left, right }
    }
}

/// The labels that are matched.
pub(super) fn signature(matching: &VectorMatching, labels: &Labels) -> Labels {
    let mut names: Vec<&str> = matching.labels.iter().map(String::as_str).collect();
    if matching.on {
        labels.only(&names)
    } else {
        names.push(METRIC_NAME);
        labels.without(&names)
    }
}
