//! `quantile`

use super::fold::note_histograms;
use super::{Context, Fold};
use crate::eval::annotate::{Note, Notes};
use crate::eval::column::{Column, is_absent};
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

/// The quantile of values, which are sorted on the way, NaN before all others; interpolated between neighbours.
fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = rank.floor() as usize;
    let upper = last.min(lower + 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}
