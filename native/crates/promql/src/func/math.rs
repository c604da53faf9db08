//! Arithmetic on single values: rounding, clamping, angles.

use super::{Argument, Call};
use crate::eval::column::{Column, is_absent};
use crate::eval::error::EvalError;

/// `deg`
pub(super) fn degrees(v: f64) -> f64 {
    v * 180.0 / std::f64::consts::PI
}

/// `rad`
pub(super) fn radians(v: f64) -> f64 {
    v * std::f64::consts::PI / 180.0
}

/// `sgn`: -1, 1, or the value itself when it is zero or NaN.
pub(super) fn sign(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if v > 0.0 {
        1.0
    } else {
        v
    }
}

/// Replaces every float by a function of it and of its step; histograms go. `None` leaves no value.
fn map_floats(call: &Call<'_>, columns: Vec<Column>, f: impl Fn(usize, f64) -> Option<f64>) -> Vec<Column> {
    let map = |mut column: Column| {
        column.histograms = Vec::new();
        for (step, v) in column.floats.iter_mut().enumerate() {
            if !is_absent(*v) {
                *v = f(step, *v).unwrap_or_else(crate::eval::column::absent);
            }
        }
        call.drop_name(&mut column);
        column
    };
    columns.into_iter().map(map).filter(|column| !column.is_empty()).collect()
}

/// Go's `math.Max`: NaN wins, but for +Inf.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// Go's `math.Min`: NaN wins, but for -Inf.
fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

fn clamp_between(
    call: &Call<'_>,
    vector: Argument,
    low: impl Fn(usize) -> f64,
    high: impl Fn(usize) -> f64,
) -> Vec<Column> {
    map_floats(call, vector.into_vector(), |step, v| {
        let (low, high) = (low(step), high(step));
        if high < low { None } else { Some(go_max(low, go_min(high, v))) }
    })
}

/// `clamp(v, min, max)`: no value where `max < min`.
pub(super) fn clamp(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(vector), Some(low), Some(high)) = (args.next(), args.next(), args.next()) else { return Ok(Vec::new()) };
    Ok(clamp_between(call, vector, |step| low.scalar(step), |step| high.scalar(step)))
}

/// `clamp_max(v, max)`
pub(super) fn clamp_max(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(vector), Some(high)) = (args.next(), args.next()) else { return Ok(Vec::new()) };
    Ok(clamp_between(call, vector, |_| f64::NEG_INFINITY, |step| high.scalar(step)))
}

/// `clamp_min(v, min)`
pub(super) fn clamp_min(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(vector), Some(low)) = (args.next(), args.next()) else { return Ok(Vec::new()) };
    Ok(clamp_between(call, vector, |step| low.scalar(step), |_| f64::INFINITY))
}

/// `round(v, to_nearest)`: ties go up.
pub(super) fn round(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let vector = args.next().map(Argument::into_vector).unwrap_or_default();
    let nearest = args.next();
    Ok(map_floats(call, vector, |step, v| {
        // Multiplying by the inverse gives fewer rounding errors than dividing.
        let inverse = 1.0 / nearest.as_ref().map_or(1.0, |nearest| nearest.scalar(step));
        Some((v * inverse + 0.5).floor() / inverse)
    }))
}

#[cfg(test)]
mod tests {
    use neocortex_model::labels::Labels;

    use super::*;
    use crate::eval::annotate::Notes;

    fn run(f: fn(&Call<'_>, Vec<Argument>) -> Result<Vec<Column>, EvalError>, v: f64, scalars: &[f64]) -> Option<f64> {
        let call = Call {
            steps: &[0],
            args: &[],
            notes: &Notes::new(),
            delayed_name_removal: false,
            newer_messages: false,
            max_label_bytes: 0,
        };
        let mut column = Column::new(Labels::from_pairs([("__name__", "x"), ("a", "b")]), 1);
        column.floats[0] = v;
        let mut args = vec![Argument::Vector(vec![column])];
        args.extend(scalars.iter().map(|s| Argument::Scalar(vec![*s])));
        let result = f(&call, args).unwrap();
        result.first().map(|column| {
            assert_eq!(column.labels.to_string(), "{a=\"b\"}");
            column.floats[0]
        })
    }

    #[test]
    fn clamps() {
        assert_eq!(run(clamp, 7.0, &[1.0, 5.0]), Some(5.0));
        assert_eq!(run(clamp, 7.0, &[5.0, 1.0]), None);
        assert_eq!(run(clamp_min, 7.0, &[9.0]), Some(9.0));
        assert!(run(clamp_max, 7.0, &[f64::NAN]).unwrap().is_nan());
        assert!(run(clamp_max, f64::NAN, &[7.0]).unwrap().is_nan());
        assert_eq!(run(clamp_min, f64::NAN, &[f64::INFINITY]), Some(f64::INFINITY));
        assert_eq!(run(clamp_max, f64::NAN, &[f64::NEG_INFINITY]), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn rounds_ties_up() {
        assert_eq!(run(round, -2.5, &[]), Some(-2.0));
        assert_eq!(run(round, 2.5, &[]), Some(3.0));
        assert_eq!(run(round, 17.0, &[5.0]), Some(15.0));
    }
}
