//! Range selectors and subqueries: the series that windows slide over.

use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::sample::Samples;

use super::engine::Frame;
use super::error::EvalError;
use super::source::Selected;
use super::windows::{Extension, Windows};
use crate::parse::ast::TimeShift;
use crate::plan::tree::{Node, Op};

/// The series that windows slide over.
pub(super) enum Ranges<'s> {
    /// Of a selector.
    Selected(&'s Selected),
    /// Of a subquery.
    Computed(Vec<ComputedSeries>),
}

/// A series that a subquery computed.
pub(super) struct ComputedSeries {
    pub labels: Labels,
    pub drop_name: bool,
    pub samples: Arc<Samples>,
}

/// A range selector or subquery, ready for windows.
pub(super) struct RangeVector<'s> {
    pub ranges: Ranges<'s>,
    pub range_ms: i64,
    pub shift: &'s TimeShift,
    pub extension: Extension,
}

impl Ranges<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Selected(selected) => selected.len(),
            Self::Computed(series) => series.len(),
        }
    }

    /// True when metric name, type and unit of all series are known to be the same.
    pub fn have_one_name(&self) -> bool {
        match self {
            Self::Selected(selected) => selected.have_one_name(),
            Self::Computed(_) => false,
        }
    }

    /// Labels, whether their name is to be dropped, and samples without staleness markers.
    pub fn series(&self, i: usize) -> Result<(&Labels, bool, Arc<Samples>), EvalError> {
        match self {
            Self::Selected(selected) => Ok((selected.labels(i), false, selected.samples(i)?)),
            Self::Computed(series) => {
                let series = &series[i];
                Ok((&series.labels, series.drop_name, series.samples.clone()))
            }
        }
    }
}

impl RangeVector<'_> {
    /// The windows of each of its series.
    pub fn windows<'f>(&'f self, frame: &'f Frame<'_>) -> Windows<'f> {
        let ends = (0..frame.steps.count()).map(|step| frame.reference_ms(self.shift, step)).collect();
        Windows { frame, ends, range_ms: self.range_ms, extension: self.extension }
    }
}

impl Frame<'_> {
    /// The series of a range selector or subquery, its range and its shift.
    pub(super) fn ranges<'s>(&'s self, node: &'s Node<'_>) -> Result<RangeVector<'s>, EvalError> {
        match &node.op {
            Op::Range { matrix, selection } => {
                let lookback = self.query.options.lookback_delta_ms;
                let (anchored, smoothed) = (matrix.selector.anchored, matrix.selector.smoothed);
                Ok(RangeVector {
                    ranges: Ranges::Selected(self.query.selected(*selection)?),
                    range_ms: matrix.range_ms,
                    shift: &matrix.selector.shift,
                    extension: Extension {
                        left_ms: if anchored || smoothed { lookback } else { 0 },
                        right_ms: if smoothed { lookback } else { 0 },
                    },
                })
            }
            Op::Subquery { subquery, step_ms, inner } => Ok(RangeVector {
                ranges: Ranges::Computed(self.subquery_series(subquery, *step_ms, inner)?),
                range_ms: subquery.range_ms,
                shift: &subquery.shift,
                extension: Extension::default(),
            }),
            Op::Once(inner) | Op::Keep(inner) => self.ranges(inner),
            _ => Err(EvalError::execution("expression is not a range vector")),
        }
    }
}
