//! The operators `</` and `>/`: only the observations below, or above, a value.
//!
//! Counts inside of the bucket that holds the value are interpolated; the sum is estimated from the middles of buckets.

use super::{Bucket, FloatHistogram};

/// Which side of the value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// `</`: observations at or below.
    Below,
    /// `>/`: observations above.
    Above,
}

impl FloatHistogram {
    /// Removes the observations on the other side of `value`. A histogram that loses nothing keeps its exact sum.
    pub fn trim(&mut self, value: f64, keep: Keep) {
        let linear = self.uses_custom_buckets();
        let mut kept = Kept::default();
        let positive: Vec<_> = self.positive().collect();
        let negative: Vec<_> = self.negative().collect();
        for (bucket, count) in positive.iter().zip(&mut self.positive_buckets) {
            kept.bucket(count, bucket, value, keep, &|low, high| middle(low, high, true, linear), linear);
        }
        for (bucket, count) in negative.iter().zip(&mut self.negative_buckets) {
            kept.bucket(count, bucket, value, keep, &|low, high| middle(low, high, false, linear), linear);
        }
        if self.zero_count > 0.0 {
            let populated = |side: &[Bucket]| side.iter().any(|b| b.count != 0.0);
            let (part, at) = zero_part(self.zero_bucket(), value, keep, populated(&negative), populated(&positive));
            kept.set(&mut self.zero_count, part, at);
        }
        if kept.trimmed {
            (self.count, self.sum) = (kept.count, kept.sum);
            self.compact();
        }
    }
}

#[derive(Default)]
struct Kept {
    count: f64,
    sum: f64,
    trimmed: bool,
}

impl Kept {
    /// Counts `part` of a bucket as observations at `at`.
    fn set(&mut self, count: &mut f64, part: f64, at: f64) {
        self.trimmed |= *count != part;
        *count = part;
        self.count += part;
        self.sum += at * part;
    }

    fn bucket(
        &mut self,
        count: &mut f64,
        bucket: &Bucket,
        value: f64,
        keep: Keep,
        middle: &dyn Fn(f64, f64) -> f64,
        linear: bool,
    ) {
        if bucket.count == 0.0 {
            return;
        }
        let (whole, cut) = match keep {
            Keep::Below => (bucket.upper <= value, bucket.lower < value),
            Keep::Above => (bucket.lower >= value, bucket.upper > value),
        };
        if whole {
            self.set(count, bucket.count, middle(bucket.lower, bucket.upper));
        } else if !cut {
            *count = 0.0;
            self.trimmed = true;
        } else if bucket.lower.is_infinite() || bucket.upper.is_infinite() {
            let (part, at) = endless_part(bucket, value, keep);
            self.set(count, part, at);
        } else {
            let below = bucket.count * if value <= bucket.lower { 0.0 } else { bucket.fraction_below(value, linear) };
            match keep {
                Keep::Below => self.set(count, below, middle(bucket.lower, value)),
                Keep::Above => self.set(count, bucket.count - below, middle(value, bucket.upper)),
            }
        }
    }
}

/// Part and middle of a bucket that has an infinite bound and holds the value. How observations spread there is not
/// known: the bucket goes as a whole, unless it is the first of custom buckets, which is taken to begin at zero.
fn endless_part(bucket: &Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let finite = |bound: f64| if bound.is_infinite() { 0.0 } else { bound };
    let (lower, upper, count) = (bucket.lower, bucket.upper, bucket.count);
    if lower == f64::NEG_INFINITY {
        return match keep {
            Keep::Below if value >= upper => (count, 0.0),
            Keep::Below if value > 0.0 && upper.is_finite() => (count * value / upper, value / 2.0),
            Keep::Below if upper <= 0.0 => (count, value),
            Keep::Above if value <= lower => (count, 0.0),
            Keep::Above if value >= 0.0 && upper > value && upper.is_finite() => {
                (count * (1.0 - value / upper), (value + upper) / 2.0)
            }
            Keep::Below | Keep::Above => (0.0, finite(upper)),
        };
    }
    match keep {
        Keep::Above if value >= lower => (count, value),
        Keep::Below | Keep::Above => (0.0, finite(lower)),
    }
}

/// Part and middle of the zero bucket, which ends at zero on a side without observations.
fn zero_part(bucket: Bucket, value: f64, keep: Keep, negative: bool, positive: bool) -> (f64, f64) {
    let upper = if negative && !positive { 0.0 } else { bucket.upper };
    let lower = if positive && !negative { 0.0 } else { bucket.lower };
    match keep {
        Keep::Below if value <= lower => (0.0, 0.0),
        Keep::Above if value >= upper && value > lower => (0.0, 0.0),
        Keep::Below if value >= upper => (bucket.count, (lower + upper) / 2.0),
        Keep::Above if value <= lower => (bucket.count, (lower + upper) / 2.0),
        Keep::Below => (bucket.count * ((value - lower) / (upper - lower)), (lower + value) / 2.0),
        Keep::Above => (bucket.count * ((upper - value) / (upper - lower)), (value + upper) / 2.0),
    }
}

/// Where the observations between two bounds are taken to be: the arithmetic middle in custom buckets, the geometric one
/// in exponential buckets.
fn middle(low: f64, high: f64, positive: bool, linear: bool) -> f64 {
    match (low.is_infinite(), high.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if high > 0.0 => high / 2.0,
        (true, false) => high,
        (false, true) => low,
        (false, false) if linear => (low + high) / 2.0,
        (false, false) => (low * high).abs().sqrt() * if positive { 1.0 } else { -1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CUSTOM_BUCKETS_SCHEMA, Span};
    use super::*;

    fn custom() -> FloatHistogram {
        FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: vec![10.0, 20.0],
            count: 12.0,
            sum: 100.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![4.0, 6.0, 2.0],
            ..Default::default()
        }
    }

    #[test]
    fn below_cuts_inside_a_bucket() {
        let mut h = custom();
        h.trim(15.0, Keep::Below);
        assert_eq!((h.count, h.sum, h.positive_buckets), (7.0, 4.0 * 5.0 + 3.0 * 12.5, vec![4.0, 3.0]));
    }

    #[test]
    fn above_keeps_the_endless_bucket() {
        let mut h = custom();
        h.trim(15.0, Keep::Above);
        assert_eq!((h.count, h.sum, h.positive_buckets), (5.0, 3.0 * 17.5 + 2.0 * 20.0, vec![3.0, 2.0]));
    }

    #[test]
    fn nothing_lost_keeps_the_sum() {
        let mut h = custom();
        h.trim(f64::INFINITY, Keep::Below);
        assert_eq!(h, custom());
    }
}
