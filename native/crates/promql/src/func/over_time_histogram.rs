//! `sum_over_time` and `avg_over_time` of native histograms.

use std::sync::Arc;

use neocortex_model::histogram::{Combined, CounterReset, FloatHistogram, IncompatibleSchemas};
use neocortex_model::result::Value;

use super::{Params, Window};
use crate::eval::annotate::{HistogramOperation, Note};

/// What is to be remarked about a series of additions.
#[derive(Default)]
struct Remarks {
    reset_seen: bool,
    not_reset_seen: bool,
    bounds_reconciled: bool,
}

impl Remarks {
    fn see(&mut self, h: &FloatHistogram) {
        self.reset_seen |= h.counter_reset == CounterReset::Reset;
        self.not_reset_seen |= h.counter_reset == CounterReset::NotReset;
    }

    fn combined(&mut self, combined: Combined) {
        self.bounds_reconciled |= combined.bounds_reconciled;
    }

    fn note(&self, params: &Params<'_>) {
        let operation = HistogramOperation::Aggregation;
        if self.reset_seen && self.not_reset_seen {
            params.notes.add(Note::CounterResetCollision(operation), params.at());
        }
        if self.bounds_reconciled {
            params.notes.add(Note::MismatchedCustomBuckets(operation), params.at());
        }
    }
}

fn finish(
    window: &Window<'_>,
    params: &Params<'_>,
    remarks: &Remarks,
    result: Result<FloatHistogram, IncompatibleSchemas>,
) -> Option<Value> {
    match result {
        Ok(h) => {
            remarks.note(params);
            Some(Value::Histogram(Arc::new(h)))
        }
        Err(IncompatibleSchemas) => {
            params.notes.add(Note::MixedExponentialCustomHistograms { metric: window.metric }, params.at());
            None
        }
    }
}

/// `sum_over_time` of a window with histograms only.
pub(super) fn sum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let mut histograms = window.histograms().into_iter().map(|(_, h)| h);
    let mut sum = FloatHistogram::clone(histograms.next()?);
    let mut remarks = Remarks::default();
    remarks.see(&sum);
    let mut lost = None;
    let add_all = || {
        for h in histograms {
            remarks.see(h);
            remarks.combined(sum.kahan_add(h, &mut lost)?);
        }
        if let Some(lost) = lost {
            remarks.combined(sum.add(&lost)?);
        }
        Ok(())
    };
    let result = add_all();
    finish(window, params, &remarks, result.map(|()| sum))
}

/// `avg_over_time` of a window with histograms only.
pub(super) fn average(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let histograms = window.histograms();
    let mut remarks = Remarks::default();
    let result = mean(histograms.iter().map(|(_, h)| h.as_ref()), &mut remarks)?;
    finish(window, params, &remarks, result)
}

/// The mean as the sum divided by the count; from the first overflow on by incremental means.
fn mean<'a>(
    mut histograms: impl Iterator<Item = &'a FloatHistogram>,
    remarks: &mut Remarks,
) -> Option<Result<FloatHistogram, IncompatibleSchemas>> {
    let mut sum = histograms.next()?.clone();
    remarks.see(&sum);
    let mut lost: Option<FloatHistogram> = None;
    let mut seen = 1.0;
    let mut incremental = false;
    let add_all = || {
        for h in histograms {
            remarks.see(h);
            if !incremental {
                let (mut next, mut next_lost) = (sum.clone(), lost.clone());
                remarks.combined(next.kahan_add(h, &mut next_lost)?);
                if !next.has_overflow() {
                    (sum, lost) = (next, next_lost);
                    seen += 1.0;
                    continue;
                }
                incremental = true;
                sum.div(seen);
                if let Some(lost) = &mut lost {
                    lost.div(seen);
                }
            }
            seen += 1.0;
            let keep = (seen - 1.0) / seen;
            sum.mul(keep);
            if let Some(lost) = &mut lost {
                lost.mul(keep);
            }
            let mut part = h.clone();
            part.div(seen);
            remarks.combined(sum.kahan_add(&part, &mut lost)?);
        }
        if !incremental {
            sum.div(seen);
            if let Some(lost) = &mut lost {
                lost.div(seen);
            }
        }
        if let Some(lost) = &lost {
            sum.add(lost)?;
        }
        Ok(())
    };
    let result = add_all();
    Some(result.map(|()| sum))
}
