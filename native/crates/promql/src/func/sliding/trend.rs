//! `deriv` and `predict_linear`.

use super::lanes::{LANES, Sums, side_by_side};
use super::{Extent, FloatWindows};
use crate::func::deriv::{Line, LineSums, linear_regression};

/// `deriv`
pub(in crate::func) fn deriv(windows: &FloatWindows<'_>, out: &mut [f64]) {
    lines(windows, |extent| windows.t[extent.from], |extent, line| out[extent.step] = line.slope);
}

/// `predict_linear`
pub(in crate::func) fn predict_linear(windows: &FloatWindows<'_>, out: &mut [f64]) {
    let value = |extent: &Extent, line: Line| out[extent.step] = line.at_s(windows.scalars[extent.step]);
    lines(windows, |extent| windows.steps[extent.step], value);
}

/// The line of each window with two samples or more, as seen from a time of the window.
fn lines(windows: &FloatWindows<'_>, at_ms: impl Fn(&Extent) -> i64, mut found: impl FnMut(&Extent, Line)) {
    let FloatWindows { t, v, .. } = *windows;
    let runs = runs(v);
    let is_constant = |extent: &Extent| runs[extent.to - 1] <= extent.from;
    let slow =
        |extent: &Extent| linear_regression(&t[extent.from..extent.to], &v[extent.from..extent.to], at_ms(extent));
    let (mut slanted, mut others) = (Vec::with_capacity(windows.extents.len()), Vec::new());
    for extent in windows.extents.iter().filter(|extent| extent.len() > 1) {
        if is_constant(extent) { others.push(*extent) } else { slanted.push(*extent) }
    }
    let together = |group: &[Extent; LANES], common: usize| {
        let at: [i64; LANES] = std::array::from_fn(|lane| at_ms(&group[lane]));
        let times: [&[i64]; LANES] = std::array::from_fn(|lane| &t[group[lane].from..][..common]);
        let values: [&[f64]; LANES] = std::array::from_fn(|lane| &v[group[lane].from..][..common]);
        let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Sums::new([0.0; LANES]); 4];
        for i in 0..common {
            let x: [f64; LANES] = std::array::from_fn(|lane| (times[lane][i] - at[lane]) as f64 / 1e3);
            let y: [f64; LANES] = std::array::from_fn(|lane| values[lane][i]);
            x_sum.add(x);
            y_sum.add(y);
            xy_sum.add(std::array::from_fn(|lane| x[lane] * y[lane]));
            xx_sum.add(x.map(|x| x * x));
        }
        let finite = [x_sum, y_sum, xy_sum, xx_sum].iter().all(Sums::is_finite);
        let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|sums| sums.totals());
        for (lane, extent) in group.iter().enumerate() {
            let sums = LineSums { x: x[lane], y: y[lane], xy: xy[lane], xx: xx[lane] };
            let line = if finite && extent.len() == common { sums.line(common) } else { slow(extent) };
            found(extent, line);
        }
    };
    side_by_side(&slanted, together, |extent| others.push(*extent));
    others.iter().for_each(|extent| found(extent, slow(extent)));
}

/// Where the run of equal values begins that each value is in.
fn runs(v: &[f64]) -> Vec<usize> {
    let mut start = 0;
    let begin = |i: usize| {
        if i > 0 && v[i] != v[i - 1] {
            start = i;
        }
        start
    };
    (0..v.len()).map(begin).collect()
}
