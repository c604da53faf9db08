//! Start timestamps: when the counting behind a sample began. They show resets that values do not show.

use super::{Params, Window};
use crate::eval::annotate::Note;

/// A sample's start timestamp, 0 when it is not known, and its time, both in milliseconds.
type Times = (i64, i64);

/// True when counting began anew between two samples.
///
/// A start at the very time of the sample before means deltas if that sample's start is known and valid; else it is a
/// counter whose start is not known.
fn is_reset((start_before, before): Times, (start, now): Times) -> bool {
    if start == 0 || start >= now || start < before {
        return false;
    }
    start > before || (start_before != 0 && start_before < before)
}

/// True when the start lies before the sample before, whose own start is another one.
fn overlaps((start_before, before): Times, (start, _): Times) -> bool {
    start != 0 && start < before && start != start_before
}

impl Window<'_> {
    fn times(&self, i: usize) -> Times {
        (self.samples.start(i), self.time(i))
    }

    /// True when the start timestamp of a sample shows a reset since the sample before.
    pub(super) fn started_anew(&self, i: usize) -> bool {
        !self.samples.st.is_empty() && is_reset(self.times(i - 1), self.times(i))
    }

    /// Notes samples that began before the sample before them.
    pub(super) fn note_overlaps(&self, params: &Params<'_>) {
        if self.samples.st.is_empty() {
            return;
        }
        if (self.from + 1..self.to).any(|i| overlaps(self.times(i - 1), self.times(i))) {
            params.notes.add(Note::StartTimeOverlap { metric: self.metric }, params.at());
        }
    }

    /// When the counting of the first sample began, if that is inside of the window and before the sample.
    pub(super) fn start_inside(&self) -> Option<i64> {
        let start = self.samples.start(self.from);
        (start != 0 && start > self.start_ms && start < self.time(self.from)).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets() {
        assert!(is_reset((0, 10), (15, 20)));
        assert!(is_reset((5, 10), (10, 20)), "deltas");
        assert!(!is_reset((0, 10), (10, 20)), "start not known");
        assert!(!is_reset((10, 10), (10, 20)), "start not known");
        assert!(!is_reset((11, 10), (10, 20)), "invalid start");
        assert!(!is_reset((5, 10), (5, 20)), "the same counter");
        assert!(!is_reset((5, 10), (20, 20)), "no start");
        assert!(overlaps((1, 10), (5, 20)));
        assert!(!overlaps((5, 10), (5, 20)));
    }
}
