//! `deriv` and `predict_linear`.

use neocortex_model::wide::wide;

use super::lanes::{LANES, Sums, rows, side_by_side};
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
    let seconds = Seconds::of(t);
    let together = |group: &[Extent; LANES], common: usize| {
        let at: [i64; LANES] = std::array::from_fn(|lane| at_ms(&group[lane]));
        let whole = seconds.as_ref().and_then(|seconds| seconds.sums(group, common, &at, v));
        let sums = whole.or_else(|| sums(group, common, &at, t, v));
        for (lane, extent) in group.iter().enumerate() {
            let sums = sums.as_ref().filter(|_| extent.len() == common);
            found(extent, sums.map_or_else(|| slow(extent), |sums| sums[lane].line(common)));
        }
    };
    wide(|| side_by_side(&slanted, together, |extent| others.push(*extent)));
    others.iter().for_each(|extent| found(extent, slow(extent)));
}

/// The sums over the first `common` samples of each window; `None` when they are not finite.
#[inline(always)]
fn sums(group: &[Extent; LANES], common: usize, at: &[i64; LANES], t: &[i64], v: &[f64]) -> Option<[LineSums; LANES]> {
    let times: [&[i64]; LANES] = std::array::from_fn(|lane| &t[group[lane].from..][..common]);
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Sums::new([0.0; LANES]); 4];
    for (i, y) in rows(v, group, common).enumerate() {
        let x: [f64; LANES] = std::array::from_fn(|lane| (times[lane][i] - at[lane]) as f64 / 1e3);
        x_sum.add(x);
        y_sum.add(y);
        xy_sum.add(std::array::from_fn(|lane| x[lane] * y[lane]));
        xx_sum.add(x.map(|x| x * x));
    }
    let finite = [x_sum, y_sum, xy_sum, xx_sum].iter().all(Sums::is_finite);
    let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|sums| sums.totals());
    let of = |lane: usize| LineSums { x: x[lane], y: y[lane], xy: xy[lane], xx: xx[lane] };
    finite.then(|| std::array::from_fn(of))
}

/// Times that are whole seconds apart. Seen from another such time they are whole numbers, whose sums and sums of squares
/// are exact, as long as they are not too large, and so can be differences of running sums.
struct Seconds {
    first_ms: i64,
    /// Seconds since the first.
    since: Vec<f64>,
    /// Sums over those before, and over their squares.
    before: Vec<(i128, i128)>,
}

/// Whole numbers up to here are exact.
const EXACT: i128 = 1 << 53;

impl Seconds {
    fn of(t: &[i64]) -> Option<Self> {
        let first_ms = *t.first()?;
        if t.iter().any(|t| (t - first_ms) % 1000 != 0) {
            return None;
        }
        let since: Vec<f64> = t.iter().map(|t| ((t - first_ms) / 1000) as f64).collect();
        let mut sums = (0, 0);
        let mut before = Vec::with_capacity(t.len() + 1);
        before.push(sums);
        before.extend(since.iter().map(|s| {
            let s = *s as i128;
            sums = (sums.0 + s, sums.1 + s * s);
            sums
        }));
        Some(Self { first_ms, since, before })
    }

    /// As [`sums`]; `None` also when a time that is seen from is not whole seconds away.
    fn sums(&self, group: &[Extent; LANES], common: usize, at: &[i64; LANES], v: &[f64]) -> Option<[LineSums; LANES]> {
        if at.iter().any(|at| (at - self.first_ms) % 1000 != 0) {
            return None;
        }
        let at_s = at.map(|at| ((at - self.first_ms) / 1000) as f64);
        let [mut y_sum, mut xy_sum] = [Sums::new([0.0; LANES]); 2];
        for (y, since) in rows(v, group, common).zip(rows(&self.since, group, common)) {
            y_sum.add(y);
            xy_sum.add(std::array::from_fn(|lane| (since[lane] - at_s[lane]) * y[lane]));
        }
        let (y, xy) = (y_sum.totals(), xy_sum.totals());
        let x_and_xx = |lane: usize| self.x_and_xx(&group[lane], common, at_s[lane]);
        let of = |lane: usize| x_and_xx(lane).map(|(x, xx)| LineSums { x, y: y[lane], xy: xy[lane], xx });
        let all: Option<Vec<LineSums>> = (0..LANES).map(of).collect();
        all?.try_into().ok().filter(|_| y_sum.is_finite() && xy_sum.is_finite())
    }

    /// The sum of the first times of a window, seen from a time that is not between them, and that of their squares; `None`
    /// when they are too large to be exact.
    fn x_and_xx(&self, extent: &Extent, common: usize, at_s: f64) -> Option<(f64, f64)> {
        let (from, to) = (self.before[extent.from], self.before[extent.from + common]);
        let (sum, squares) = (to.0 - from.0, to.1 - from.1);
        let (n, at) = (common as i128, at_s as i128);
        let (x, xx) = (sum - n * at, squares - 2 * at * sum + n * at * at);
        (xx < EXACT).then_some((x as f64, xx as f64))
    }
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
