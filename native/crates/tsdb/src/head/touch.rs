//! When each series last got a sample, by the wall clock, and whether it was seen in the present request.

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
    by_series: Vec<Touch>,
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
        let touch = self.touch(id);
        std::mem::replace(&mut touch.request, request) != request
    }

    /// Marks a series as active.
    pub(super) fn see(&mut self, id: SeriesId, now_ms: i64, histograms: bool) {
        let touch = self.touch(id);
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
        for touch in self.by_series.iter_mut().filter(|touch| touch.seen != 0 && touch.seen | HISTOGRAM < since) {
            self.active.total -= 1;
            self.active.histograms -= u64::from(touch.seen & HISTOGRAM);
            touch.seen = 0;
        }
    }

    /// Gives the series their new numbers, of which there are `series`; those that have none are no longer active.
    pub(super) fn renumber(&mut self, new_id: impl Fn(SeriesId) -> Option<SeriesId>, series: usize) {
        let before = std::mem::take(&mut self.by_series);
        self.by_series = vec![Touch::default(); series];
        for (id, touch) in before.into_iter().enumerate() {
            match new_id(id as SeriesId) {
                Some(id) => self.by_series[id as usize] = touch,
                None if touch.seen != 0 => {
                    self.active.total -= 1;
                    self.active.histograms -= u64::from(touch.seen & HISTOGRAM);
                }
                None => {}
            }
        }
    }

    fn touch(&mut self, id: SeriesId) -> &mut Touch {
        let index = id as usize;
        if index >= self.by_series.len() {
            if index >= self.by_series.capacity() {
                self.by_series.reserve_exact(index + 1 - self.by_series.len() + index / 8);
            }
            self.by_series.resize(index + 1, Touch::default());
        }
        &mut self.by_series[index]
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
