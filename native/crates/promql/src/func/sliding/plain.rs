//! What needs no look at the values in between.

use super::FloatWindows;

/// `count_over_time`
pub(in crate::func) fn count(windows: &FloatWindows<'_>, out: &mut [f64]) {
    windows.extents.iter().for_each(|extent| out[extent.step] = extent.len() as f64);
}

/// `present_over_time`
pub(in crate::func) fn present(windows: &FloatWindows<'_>, out: &mut [f64]) {
    windows.extents.iter().for_each(|extent| out[extent.step] = 1.0);
}

/// `last_over_time`
pub(in crate::func) fn last(windows: &FloatWindows<'_>, out: &mut [f64]) {
    windows.extents.iter().for_each(|extent| out[extent.step] = windows.v[extent.to - 1]);
}
