//! `irate` and `idelta`: the change between the last two samples.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::result::Value;

use super::resets::is_reset;
use super::window::Sample;
use super::{Params, Window};
use crate::eval::annotate::{HistogramOperation, Note};

/// `irate`
pub(super) fn irate(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    last_change(window, params, true)
}

/// `idelta`
pub(super) fn idelta(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    last_change(window, params, false)
}

fn last_change(window: &Window<'_>, params: &Params<'_>, is_rate: bool) -> Option<Value> {
    if window.len() < 2 {
        return None;
    }
    let (before, now) = (window.to - 2, window.to - 1);
    let reset = is_rate && window.started_anew(now);
    let interval_s = (window.time(now) - window.time(before)) as f64 / 1000.0;
    if interval_s == 0.0 {
        return None;
    }
    match (window.sample(before), window.sample(now)) {
        (Sample::Float(before), Sample::Float(now)) => {
            let change = float_change(before, now, is_rate, reset);
            Some(Value::Float(if is_rate { change / interval_s } else { change }))
        }
        (Sample::Histogram(before), Sample::Histogram(now)) => {
            let mut change = histogram_change(window, params, is_rate, reset, before, now)?;
            if is_rate {
                change.div(interval_s);
            }
            Some(Value::Histogram(Arc::new(change)))
        }
        _ => {
            params.notes.add(Note::MixedFloatsHistograms { metric: window.metric }, params.at());
            None
        }
    }
}

/// The change between two values; a counter may have been `reset` even where the values do not show it.
pub(super) fn float_change(before: f64, now: f64, is_counter: bool, reset: bool) -> f64 {
    if reset || (is_counter && is_reset(before, now)) { now } else { now - before }
}

fn histogram_change(
    window: &Window<'_>,
    params: &Params<'_>,
    is_rate: bool,
    reset: bool,
    before: &FloatHistogram,
    now: &FloatHistogram,
) -> Option<FloatHistogram> {
    let gauges = [before, now].map(|h| h.counter_reset == CounterReset::Gauge);
    let metric = window.metric;
    if is_rate && gauges != [false, false] {
        params.notes.add(Note::NativeHistogramNotCounter { metric }, params.at());
    }
    if !is_rate && gauges != [true, true] {
        params.notes.add(Note::NativeHistogramNotGauge { metric }, params.at());
    }
    let mut change = now.clone();
    if !is_rate || !(reset || now.detect_reset(before)) {
        match change.sub(before) {
            Err(_) => {
                params.notes.add(Note::MixedExponentialCustomHistograms { metric }, params.at());
                return None;
            }
            Ok(combined) if combined.bounds_reconciled => {
                params.notes.add(Note::MismatchedCustomBuckets(HistogramOperation::Subtraction), params.at());
            }
            Ok(_) => {}
        }
    }
    change.counter_reset = CounterReset::Gauge;
    change.compact();
    Some(change)
}
