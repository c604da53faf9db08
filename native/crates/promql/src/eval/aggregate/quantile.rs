//! `quantile`

use super::fold::note_histograms;
use super::{Context, Fold};
use crate::eval::annotate::{Note, Notes};
use crate::eval::column::{Column, is_absent};
use crate::func::quantile;
use crate::parse::ast::Span;

/// The values of a group at each step.
pub(super) struct Quantile<'p> {
    params: &'p [f64],
    values: Vec<Vec<f64>>,
}

impl<'p> Quantile<'p> {
    /// `params` is the quantile at each step.
    pub fn new(params: &'p [f64]) -> Self {
        Self { params, values: vec![Vec::new(); params.len()] }
    }
}

impl Fold for Quantile<'_> {
    fn add(&mut self, column: &Column, context: &Context<'_>) {
        note_histograms(column, context);
        for (values, v) in self.values.iter_mut().zip(&column.floats).filter(|(_, v)| !is_absent(**v)) {
            values.push(*v);
        }
    }

    fn finish(self, column: &mut Column, _: &Context<'_>) {
        let slots = column.floats.iter_mut().zip(self.params).zip(self.values);
        for ((slot, q), mut values) in slots.filter(|(_, values)| !values.is_empty()) {
            *slot = quantile(*q, &mut values);
        }
    }
}

/// Says which quantiles are none: the largest, the smallest, any NaN.
pub(super) fn note_invalid(params: &[f64], at: Span, notes: &Notes) {
    let (max, min) = super::rank::bounds(params);
    if params.iter().any(|q| q.is_nan()) {
        notes.add(Note::InvalidQuantile(f64::NAN), at);
    }
    if max > 1.0 {
        notes.add(Note::InvalidQuantile(max), at);
    }
    if min < 0.0 {
        notes.add(Note::InvalidQuantile(min), at);
    }
}
