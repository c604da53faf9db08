//! Where a sample goes by its time: after the others, among those that are out of order, or nowhere.
//!
//! Source: Prometheus `tsdb/head_append.go`: `appendableMinValidTime`, `memSeries.appendable` and what `Append` and `Commit`
//! make of it.

use super::kind::SampleKind;
use super::outcome::AppendCause;
use super::stats::DeltaHistogram;

/// Where a sample goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After all samples of its series.
    InOrder,
    /// Among the out-of-order samples of its series.
    OutOfOrder,
    /// Nowhere, and without an error: it is there already, or came after a newer one of its request.
    Nowhere,
}

/// Samples counted by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KindCounts {
    pub(super) floats: u64,
    pub(super) histograms: u64,
}

impl KindCounts {
    fn add(&mut self, kind: SampleKind) {
        if kind.is_histogram() {
            self.histograms += 1;
        } else {
            self.floats += 1;
        }
    }
}

/// Samples of a request that were not in order.
#[derive(Default)]
pub(super) struct Behind {
    /// Dropped or refused as out of order.
    pub(super) out_of_order: KindCounts,
    /// Dropped or refused as older than the out-of-order window.
    pub(super) too_old: u64,
    /// How far behind they were, taken or not; `None` when there were none.
    pub(super) delta: Option<Box<DeltaHistogram>>,
}

/// The newest times of a sample's series.
#[derive(Clone, Copy)]
pub(super) struct NewestTimes {
    /// Of its newest in-order sample at the start of the request.
    pub(super) stored: Option<i64>,
    /// Of the newest one that the request adds in order.
    pub(super) added: Option<i64>,
}

/// The times that bound what a request may add.
pub(super) struct Order {
    head_max_t: Option<i64>,
    /// What is before this is in blocks already.
    floor_t: i64,
    half_range_ms: i64,
    window_ms: i64,
    bounds: Option<Bounds>,
    pub(super) behind: Behind,
}

/// Known from the first sample on.
#[derive(Clone, Copy)]
struct Bounds {
    /// The newest sample of the head, of an empty one the first of the request: by it ages are told.
    base_t: i64,
    /// No sample before this is in order.
    min_valid_t: i64,
}

impl Order {
    /// `head_max_t` is `None` for an empty head, `window_ms` at most 0 when nothing is taken out of order.
    pub(super) fn new(head_max_t: Option<i64>, floor_t: i64, half_range_ms: i64, window_ms: i64) -> Self {
        Self { head_max_t, floor_t, half_range_ms, window_ms, bounds: None, behind: Behind::default() }
    }

    /// False for a sample that is too old to be in order; without an out-of-order window that is an error, before anything
    /// else is looked at.
    #[inline]
    pub(super) fn is_in_bounds(&mut self, t: i64) -> Result<bool, AppendCause> {
        if t >= self.bounds(t).min_valid_t {
            Ok(true)
        } else if self.window_ms > 0 {
            Ok(false)
        } else {
            Err(AppendCause::OutOfBounds { head_max_t: self.head_max_t })
        }
    }

    /// Where a sample goes. `check_duplicate` is asked about a sample of the time of the newest stored one.
    #[inline]
    pub(super) fn place(
        &mut self,
        newest: NewestTimes,
        t: i64,
        kind: SampleKind,
        in_bounds: bool,
        check_duplicate: impl FnOnce() -> Result<(), AppendCause>,
    ) -> Result<Place, AppendCause> {
        if in_bounds && newest.added.max(newest.stored).is_none_or(|newest| t > newest) {
            return Ok(Place::InOrder);
        }
        if !in_bounds || newest.stored.is_some_and(|stored| t < stored) {
            self.observe_delta(t);
            return self.check_window(t, kind).map(|()| Place::OutOfOrder);
        }
        if newest.stored == Some(t) {
            return check_duplicate().map(|()| Place::Nowhere);
        }
        if newest.added == Some(t) {
            return Ok(Place::Nowhere);
        }
        // Behind another sample of its request: Prometheus finds out when it has said already that it takes it.
        Ok(self.check_window(t, kind).map_or(Place::Nowhere, |()| Place::OutOfOrder))
    }

    fn check_window(&mut self, t: i64, kind: SampleKind) -> Result<(), AppendCause> {
        if self.window_ms <= 0 {
            self.behind.out_of_order.add(kind);
            return Err(AppendCause::OutOfOrder);
        }
        if t < self.bounds(t).base_t.saturating_sub(self.window_ms) {
            self.behind.too_old += 1;
            return Err(AppendCause::TooOld);
        }
        Ok(())
    }

    fn observe_delta(&mut self, t: i64) {
        let delta_ms = self.bounds(t).base_t.saturating_sub(t);
        if delta_ms > 0 {
            self.behind.delta.get_or_insert_default().observe(delta_ms);
        }
    }

    fn bounds(&mut self, t: i64) -> Bounds {
        *self.bounds.get_or_insert_with(|| {
            let base_t = self.head_max_t.unwrap_or(t);
            Bounds { base_t, min_valid_t: base_t.saturating_sub(self.half_range_ms).max(self.floor_t) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_RANGE_MS: i64 = 100;

    /// Where a float of a time goes, in a head whose newest sample is of 1000 and whose blocks end at 850.
    fn place(window_ms: i64, stored: Option<i64>, added: Option<i64>, t: i64) -> Result<Place, AppendCause> {
        let mut order = Order::new(Some(1000), 850, HALF_RANGE_MS, window_ms);
        let in_bounds = order.is_in_bounds(t)?;
        let differs = || Err(AppendCause::DuplicateHistogram);
        order.place(NewestTimes { stored, added }, t, SampleKind::Float, in_bounds, differs)
    }

    #[test]
    fn without_a_window() {
        let out_of_bounds = Err(AppendCause::OutOfBounds { head_max_t: Some(1000) });
        for (stored, added, t, expected) in [
            (None, None, 900, Ok(Place::InOrder)),
            (None, None, 899, out_of_bounds),
            (Some(950), None, 951, Ok(Place::InOrder)),
            (Some(950), None, 950, Err(AppendCause::DuplicateHistogram)),
            (Some(950), None, 949, Err(AppendCause::OutOfOrder)),
            (Some(950), Some(960), 960, Ok(Place::Nowhere)),
            (Some(950), Some(960), 955, Ok(Place::Nowhere)),
        ] {
            assert_eq!(place(0, stored, added, t), expected, "{stored:?} {added:?} {t}");
        }
    }

    #[test]
    fn with_a_window() {
        // In order is what may be in order, however small the window.
        assert_eq!(place(10, None, None, 900), Ok(Place::InOrder));
        for (stored, added, t, expected) in [
            (None, None, 899, Ok(Place::OutOfOrder)),
            (None, None, 700, Ok(Place::OutOfOrder)),
            (None, None, 699, Err(AppendCause::TooOld)),
            (Some(950), None, 950, Err(AppendCause::DuplicateHistogram)),
            (Some(950), None, 949, Ok(Place::OutOfOrder)),
            (Some(950), Some(960), 955, Ok(Place::OutOfOrder)),
        ] {
            assert_eq!(place(300, stored, added, t), expected, "{stored:?} {added:?} {t}");
        }
        assert_eq!(place(10, Some(999), Some(1001), 1000), Ok(Place::OutOfOrder));
        assert_eq!(place(10, Some(950), Some(960), 955), Ok(Place::Nowhere), "too old, and nobody is told");
    }

    #[test]
    fn the_first_sample_of_an_empty_head_sets_the_bounds() {
        let mut order = Order::new(None, i64::MIN, HALF_RANGE_MS, 0);
        assert_eq!(order.is_in_bounds(500), Ok(true));
        assert_eq!(order.is_in_bounds(400), Ok(true));
        assert_eq!(order.is_in_bounds(399), Err(AppendCause::OutOfBounds { head_max_t: None }));
    }
}
