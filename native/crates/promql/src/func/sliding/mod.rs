//! Functions over all windows of a series at once, without looking at a sample anew for every window that it is in.
//!
//! Only for what is common: floats alone, without start timestamps, in ranges that are not extended. The values are those,
//! to the last bit, that the same function gives window by window.

mod change;
mod extremes;
mod lanes;
mod pairs;
mod plain;
mod sums;
mod trend;

pub(super) use change::{delta, idelta, increase, irate, rate};
pub(super) use extremes::{maximum, minimum};
pub(super) use pairs::{changes, resets};
pub(super) use plain::{count, last, present};
pub(super) use sums::{average, standard_deviation, sum, variance};
pub(super) use trend::{deriv, predict_linear};

/// The samples of a series that one step sees.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Number of the step.
    pub step: usize,
    /// First sample inside.
    pub from: usize,
    /// One past the last sample inside.
    pub to: usize,
    /// Right end of the window, inclusive, in milliseconds.
    pub end_ms: i64,
}

impl Extent {
    /// Number of samples.
    fn len(&self) -> usize {
        self.to - self.from
    }
}

/// A series of floats and the windows over it.
#[derive(Clone, Copy)]
pub struct FloatWindows<'a> {
    /// Times in milliseconds, ascending.
    pub t: &'a [i64],
    /// Values.
    pub v: &'a [f64],
    /// The windows that have samples, in the order of their steps; no end lies before that of the window before.
    pub extents: &'a [Extent],
    /// Length of each window in milliseconds.
    pub range_ms: i64,
    /// Times of the query's steps in milliseconds.
    pub steps: &'a [i64],
    /// The scalar argument of each step; empty without one.
    pub scalars: &'a [f64],
}

/// Sets the value of each step that has one.
pub type Sliding = fn(&FloatWindows<'_>, &mut [f64]);

#[cfg(test)]
mod tests {
    use neocortex_model::result::Value;
    use neocortex_model::sample::Samples;
    use proptest::prelude::*;

    use super::*;
    use crate::eval::annotate::Notes;
    use crate::eval::column::{absent, is_absent};
    use crate::func::{Implementation, Params, Window, lookup};
    use crate::parse::functions::FUNCTIONS;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => 0.0..1000.0_f64,
            8 => (0..20_i32).prop_map(f64::from),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
            1 => Just(-0.0),
            1 => Just(f64::MAX),
            1 => Just(1e-300),
        ]
    }

    /// Values that are the same number, or both none.
    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan() && is_absent(a) == is_absent(b))
    }

    proptest! {
        #[test]
        fn as_window_by_window(
            points in prop::collection::vec((1..40_i64, value()), 0..80),
            start in -50..500_i64,
            step in 1..200_i64,
            count in 1..40_usize,
            range_ms in 1..900_i64,
            scalar in -100.0..100.0_f64,
            unit in prop_oneof![Just(1), Just(1000)],
        ) {
            let (start, step, range_ms) = (start * unit, step * unit, range_ms * unit);
            let mut samples = Samples::default();
            let mut t = 0;
            for (delta, v) in points {
                t += delta * unit;
                samples.push_float(t, v);
            }
            let steps: Vec<i64> = (0..count as i64).map(|i| start + i * step).collect();
            let of = |step: usize, end_ms: i64| Extent {
                step,
                from: samples.t.partition_point(|t| *t <= end_ms - range_ms),
                to: samples.t.partition_point(|t| *t <= end_ms),
                end_ms,
            };
            let extents: Vec<Extent> =
                steps.iter().enumerate().map(|(i, t)| of(i, *t)).filter(|extent| extent.from < extent.to).collect();
            let scalars = vec![scalar; count];
            let notes = Notes::new();
            for function in FUNCTIONS {
                let Implementation::Range { apply, sliding: Some(sliding), .. } = lookup(function.name) else { continue };
                let mut found = vec![absent(); count];
                let windows =
                    FloatWindows { t: &samples.t, v: &samples.v, extents: &extents, range_ms, steps: &steps, scalars: &scalars };
                sliding(&windows, &mut found);
                let mut expected = vec![absent(); count];
                for extent in &extents {
                    let window = Window {
                        samples: &samples,
                        from: extent.from,
                        to: extent.to,
                        start_ms: extent.end_ms - range_ms,
                        end_ms: extent.end_ms,
                        step_ms: steps[extent.step],
                        metric: "m",
                    };
                    let params = Params { scalars: &scalars[..1], args: &[], notes: &notes };
                    if let Some(Value::Float(v)) = apply(&window, &params) {
                        expected[extent.step] = v;
                    }
                }
                let agree = found.iter().zip(&expected).all(|(a, b)| same(*a, *b));
                prop_assert!(agree, "{}: {:?} {:?}", function.name, found, expected);
            }
        }
    }
}
