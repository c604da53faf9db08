//! `max_over_time` and `min_over_time`: a queue of those that may still become the extreme.

use std::collections::VecDeque;

use super::FloatWindows;

/// `max_over_time`
pub(in crate::func) fn maximum(windows: &FloatWindows<'_>, out: &mut [f64]) {
    extremes(windows, out, |v, max| v > max);
}

/// `min_over_time`
pub(in crate::func) fn minimum(windows: &FloatWindows<'_>, out: &mut [f64]) {
    extremes(windows, out, |v, min| v < min);
}

/// Of equal extremes the first counts; NaN only where there is nothing else.
fn extremes(windows: &FloatWindows<'_>, out: &mut [f64], wins: impl Fn(f64, f64) -> bool) {
    let v = windows.v;
    // Ascending places; each value wins against all behind it, or is equal.
    let mut queue: VecDeque<usize> = VecDeque::new();
    let mut seen = 0;
    for extent in windows.extents {
        for i in seen.max(extent.from)..extent.to {
            if v[i].is_nan() {
                continue;
            }
            while queue.back().is_some_and(|last| wins(v[i], v[*last])) {
                queue.pop_back();
            }
            queue.push_back(i);
        }
        seen = extent.to;
        while queue.front().is_some_and(|first| *first < extent.from) {
            queue.pop_front();
        }
        out[extent.step] = queue.front().map_or(f64::NAN, |first| v[*first]);
    }
}
