//! The family of `rate`: the samples at both ends, and the resets in between, which are found once.

use super::FloatWindows;
use crate::func::instant_rate::float_change;
use crate::func::rate::{DELTA, INCREASE, Kind, RATE, Stretch};
use crate::func::resets::is_reset;

/// `rate`
pub(in crate::func) fn rate(windows: &FloatWindows<'_>, out: &mut [f64]) {
    change(windows, out, RATE);
}

/// `increase`
pub(in crate::func) fn increase(windows: &FloatWindows<'_>, out: &mut [f64]) {
    change(windows, out, INCREASE);
}

/// `delta`
pub(in crate::func) fn delta(windows: &FloatWindows<'_>, out: &mut [f64]) {
    change(windows, out, DELTA);
}

fn change(windows: &FloatWindows<'_>, out: &mut [f64], kind: Kind) {
    let FloatWindows { t, v, extents, range_ms, .. } = *windows;
    let resets = if kind.counter { resets_of(v) } else { Vec::new() };
    let mut next = 0;
    let mut known = Stretch { to_start: 0, to_end: 0, sampled: 0, samples: 0 };
    let mut spans = known.spans(range_ms);
    for extent in extents.iter().filter(|extent| extent.len() > 1) {
        let (first, last) = (extent.from, extent.to - 1);
        let mut change = v[last] - v[first];
        while resets.get(next).is_some_and(|reset| *reset <= first) {
            next += 1;
        }
        // One after the other: what is too large for the sum of the resets may fit into the result.
        for reset in resets[next..].iter().take_while(|reset| **reset <= last) {
            change += v[reset - 1];
        }
        let stretch = Stretch {
            to_start: t[first] - extent.end_ms.saturating_sub(range_ms),
            to_end: extent.end_ms - t[last],
            sampled: t[last] - t[first],
            samples: extent.len(),
        };
        // Where samples are as regular as steps, this is the same in every window.
        if stretch != known {
            (known, spans) = (stretch, stretch.spans(range_ms));
        }
        out[extent.step] = change * spans.extrapolation(kind, None, v[first], change);
    }
}

/// Places of the values that are after a reset.
fn resets_of(v: &[f64]) -> Vec<usize> {
    // To count them takes less time than to look for one; and mostly there is none.
    let count = v.windows(2).filter(|pair| is_reset(pair[0], pair[1])).count();
    if count == 0 {
        return Vec::new();
    }
    (1..v.len()).filter(|i| is_reset(v[i - 1], v[*i])).collect()
}

/// `irate`
pub(in crate::func) fn irate(windows: &FloatWindows<'_>, out: &mut [f64]) {
    last_change(windows, out, true);
}

/// `idelta`
pub(in crate::func) fn idelta(windows: &FloatWindows<'_>, out: &mut [f64]) {
    last_change(windows, out, false);
}

fn last_change(windows: &FloatWindows<'_>, out: &mut [f64], is_rate: bool) {
    for extent in windows.extents.iter().filter(|extent| extent.len() > 1) {
        let (before, now) = (extent.to - 2, extent.to - 1);
        let interval_s = (windows.t[now] - windows.t[before]) as f64 / 1000.0;
        if interval_s != 0.0 {
            let change = float_change(windows.v[before], windows.v[now], is_rate, false);
            out[extent.step] = if is_rate { change / interval_s } else { change };
        }
    }
}
