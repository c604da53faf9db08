//! `changes` and `resets`: neighbours are compared once, their count in a window is a difference.

use super::FloatWindows;
use crate::func::resets::{is_change, is_reset};

/// `changes`
pub(in crate::func) fn changes(windows: &FloatWindows<'_>, out: &mut [f64]) {
    count_pairs(windows, out, is_change);
}

/// `resets`
pub(in crate::func) fn resets(windows: &FloatWindows<'_>, out: &mut [f64]) {
    count_pairs(windows, out, is_reset);
}

fn count_pairs(windows: &FloatWindows<'_>, out: &mut [f64], counts: impl Fn(f64, f64) -> bool) {
    let mut count = 0;
    // Pairs up to each sample as the later one.
    let mut up_to: Vec<u32> = Vec::with_capacity(windows.v.len());
    up_to.push(0);
    up_to.extend(windows.v.windows(2).map(|pair| {
        count += u32::from(counts(pair[0], pair[1]));
        count
    }));
    for extent in windows.extents {
        out[extent.step] = f64::from(up_to[extent.to - 1] - up_to[extent.from]);
    }
}
