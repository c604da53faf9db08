//! Sums, means and variances.

use neocortex_model::kahan::KahanSum;
use neocortex_model::wide::wide;

use super::lanes::{LANES, Sums, rows, side_by_side};
use super::{Extent, FloatWindows};
use crate::func::over_time::{mean_of, sum_of, variance_of};

/// `sum_over_time`
pub(in crate::func) fn sum(windows: &FloatWindows<'_>, out: &mut [f64]) {
    sums(windows, out, 0, |sum, _| sum.value(), sum_of);
}

/// `avg_over_time`
pub(in crate::func) fn average(windows: &FloatWindows<'_>, out: &mut [f64]) {
    // The first value is what the others are added to.
    let mean = |sum: KahanSum, count: usize| sum.sum / count as f64 + sum.compensation / count as f64;
    sums(windows, out, 1, mean, mean_of);
}

/// `from_first` values of each window are the sum that the others are added to: none or one. `slow` is for sums that are
/// not finite.
fn sums(
    windows: &FloatWindows<'_>,
    out: &mut [f64],
    from_first: usize,
    finish: impl Fn(KahanSum, usize) -> f64,
    slow: fn(&[f64]) -> f64,
) {
    let values = |extent: &Extent| &windows.v[extent.from..extent.to];
    let mut alone: Vec<Extent> = Vec::new();
    let together = |group: &[Extent; LANES], common: usize| {
        let mut sums = Sums::new(if from_first == 0 { [0.0; LANES] } else { group.map(|extent| values(&extent)[0]) });
        rows(windows.v, group, common).skip(from_first).for_each(|row| sums.add(row));
        for (lane, extent) in group.iter().enumerate() {
            let mut sum = KahanSum { sum: sums.sum[lane], compensation: sums.lost[lane] };
            values(extent)[common..].iter().for_each(|v| sum.add(*v));
            let finite = sums.sum[lane].is_finite() && sum.sum.is_finite();
            out[extent.step] = if finite { finish(sum, extent.len()) } else { slow(values(extent)) };
        }
    };
    wide(|| side_by_side(windows.extents, together, |extent| alone.push(*extent)));
    alone.iter().for_each(|extent| out[extent.step] = slow(values(extent)));
}

/// `stdvar_over_time`
pub(in crate::func) fn variance(windows: &FloatWindows<'_>, out: &mut [f64]) {
    variances(windows, out, |variance| variance);
}

/// `stddev_over_time`
pub(in crate::func) fn standard_deviation(windows: &FloatWindows<'_>, out: &mut [f64]) {
    variances(windows, out, f64::sqrt);
}

fn variances(windows: &FloatWindows<'_>, out: &mut [f64], finish: fn(f64) -> f64) {
    let values = |extent: &Extent| &windows.v[extent.from..extent.to];
    let mut alone: Vec<Extent> = Vec::new();
    let together = |group: &[Extent; LANES], common: usize| {
        let (mut mean, mut squares) = (Sums::new([0.0; LANES]), Sums::new([0.0; LANES]));
        for (i, v) in rows(windows.v, group, common).enumerate() {
            let n = (i + 1) as f64;
            let before = mean.totals();
            let distance: [f64; LANES] = std::array::from_fn(|lane| v[lane] - before[lane]);
            mean.add(distance.map(|distance| distance / n));
            let after = mean.totals();
            squares.add(std::array::from_fn(|lane| distance[lane] * (v[lane] - after[lane])));
        }
        let finite = mean.is_finite() && squares.is_finite();
        for (lane, extent) in group.iter().enumerate() {
            let of_all = extent.len() == common && finite;
            let variance = if of_all { squares.totals()[lane] / common as f64 } else { variance_of(values(extent)) };
            out[extent.step] = finish(variance);
        }
    };
    wide(|| side_by_side(windows.extents, together, |extent| alone.push(*extent)));
    alone.iter().for_each(|extent| out[extent.step] = finish(variance_of(values(extent))));
}
