//! When each series last got a sample, by the wall clock, and whether it was seen in the present request.

use super::by_series::BySeries;
use super::label_sets::SeriesId;
use super::stats::ActiveSeries;

#[derive(Clone, Copy, Default)]
struct Touch {
    /// The last request that had the series.
    request: u32,
    /// The time as [`steps`] gives it, 0 for a series that is not active; the lowest bit is [`HISTOGRAM`].
    seen: u32,
}

/// Set when the series had native histograms when it became active, which is what Cortex counts.
const HISTOGRAM: u32 = 1;

/// Marks of all series, owned by the appender.
#[derive(Default)]
pub(super) struct Touches {
    by_series: BySeries<Touch>,
    request: u32,
    active: ActiveSeries,
}

impl Touches {
    /// Begins a request.
    pub(super) fn next_request(&mut self) {
        self.request = self.request.wrapping_add(1);
    }

    /// True the first time that it is asked for a series in a request. After 2^32 requests it may say false for a
    /// series that was not seen, which costs the caller a look and nothing else.
    pub(super) fn first_in_request(&mut self, id: SeriesId) -> bool {
        let request = self.request;
        self.touch(id).is_some_and(|touch| std::mem::replace(&mut touch.request, request) != request)
    }

    /// Marks a series as active.
    pub(super) fn see(&mut self, id: SeriesId, now_ms: i64, histograms: bool) {
        let Some(touch) = self.touch(id) else { return };
        let flag = if touch.seen == 0 { u32::from(histograms) } else { touch.seen & HISTOGRAM };
        let becomes_active = touch.seen == 0;
        touch.seen = steps(now_ms) | flag;
        if becomes_active {
            self.active.total += 1;
            self.active.histograms += u64::from(flag);
        }
    }

    /// Active series, as of the last [`Self::expire`].
    pub(super) fn active(&self) -> ActiveSeries {
        self.active
    }

    /// Ends the activity of series that were not seen since a time.
    pub(super) fn expire(&mut self, since_ms: i64) {
        let since = steps(since_ms);
        for touch in self.by_series.values_mut().filter(|touch| touch.seen != 0 && touch.seen | HISTOGRAM < since) {
            self.active.total -= 1;
            self.active.histograms -= u64::from(touch.seen & HISTOGRAM);
            touch.seen = 0;
        }
    }

    /// Forgets a series that is gone.
    pub(super) fn forget(&mut self, id: SeriesId) {
        if let Some(touch) = self.by_series.remove(id).filter(|touch| touch.seen != 0) {
            self.active.total -= 1;
            self.active.histograms -= u64::from(touch.seen & HISTOGRAM);
        }
    }

    fn touch(&mut self, id: SeriesId) -> Option<&mut Touch> {
        while self.by_series.next() <= id {
            self.by_series.push(Touch::default());
        }
        self.by_series.get_mut(id)
    }
}

/// A time in steps of two seconds, which 31 bits count until the year 2106, shifted past the flag; never 0.
fn steps(t_ms: i64) -> u32 {
    u32::try_from(t_ms / 2000).unwrap_or(if t_ms < 0 { 0 } else { u32::MAX >> 1 }).max(1) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_come_and_go() {
        let mut touches = Touches::default();
        let start = 1_700_000_000_000;
        touches.see(0, start, false);
        touches.see(5, start, true);
        touches.see(5, start + 60_000, false);
        assert_eq!(touches.active(), ActiveSeries { total: 2, histograms: 1 });
        touches.expire(start);
        assert_eq!(touches.active(), ActiveSeries { total: 2, histograms: 1 });
        touches.expire(start + 30_000);
        assert_eq!(touches.active(), ActiveSeries { total: 1, histograms: 1 });
        touches.see(0, start + 70_000, true);
        assert_eq!(touches.active(), ActiveSeries { total: 2, histograms: 2 });
        touches.expire(start + 100_000);
        assert_eq!(touches.active(), ActiveSeries::default());
    }

    #[test]
    fn a_series_is_first_once_in_a_request() {
        let mut touches = Touches::default();
        touches.next_request();
        assert!(touches.first_in_request(3));
        assert!(!touches.first_in_request(3));
        touches.next_request();
        assert!(touches.first_in_request(3));
    }
}
