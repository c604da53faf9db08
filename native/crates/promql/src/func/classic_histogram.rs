//! Quantiles and fractions of classic histograms: cumulative buckets by upper bound.

/// The difference between the counts of two buckets that is taken for rounding: relative to the counts.
const TOLERANCE: f64 = 1e-12;

/// A cumulative bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ClassicBucket {
    /// The `le` label.
    pub(super) upper: f64,
    /// Observations at or below.
    pub(super) count: f64,
}

/// A quantile, and whether buckets had to be corrected for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ClassicQuantile {
    pub(super) value: f64,
    /// Counts went down with rising bounds by more than rounding explains.
    pub(super) forced_monotonic: bool,
}

/// The φ-quantile, interpolated within the bucket; buckets come in any order and are changed. NaN without a +Inf bucket,
/// with fewer than two buckets, or without observations.
pub(super) fn quantile(phi: f64, buckets: &mut Vec<ClassicBucket>) -> ClassicQuantile {
    let of = |value| ClassicQuantile { value, forced_monotonic: false };
    if phi.is_nan() {
        return of(f64::NAN);
    }
    if phi < 0.0 {
        return of(f64::NEG_INFINITY);
    }
    if phi > 1.0 {
        return of(f64::INFINITY);
    }
    if !sort_and_merge(buckets) {
        return of(f64::NAN);
    }
    let forced_monotonic = make_monotonic(buckets);
    let of = |value| ClassicQuantile { value, forced_monotonic };
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return of(f64::NAN);
    }
    let mut rank = phi * observations;
    // A NaN rank is reached by no bucket.
    let at = buckets[..last].iter().position(|bucket| bucket.count >= rank).unwrap_or(last);
    if at == last {
        return of(buckets[last - 1].upper);
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return of(buckets[0].upper);
    }
    let (mut lower, mut count) = (0.0, buckets[at].count);
    if at > 0 {
        lower = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    of(lower + (buckets[at].upper - lower) * (rank / count))
}

/// The fraction of observations between two values, interpolated within buckets.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<ClassicBucket>) -> f64 {
    if !sort_and_merge(buckets) {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (mut rank, mut lower_rank, mut upper_rank) = (0.0, None, None);
    // Without negative bounds there are no negative observations.
    let mut low = if buckets[0].upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    for bucket in buckets.iter() {
        let high = bucket.upper;
        let at = |v: f64| {
            if low >= v {
                Some(rank)
            } else if high <= v {
                None
            } else if low == f64::NEG_INFINITY {
                // Nothing is known of where observations lie in an endless bucket.
                Some(bucket.count)
            } else {
                Some(rank + (bucket.count - rank) * (v - low) / (high - low))
            }
        };
        lower_rank = lower_rank.or_else(|| at(lower));
        upper_rank = upper_rank.or_else(|| at(upper));
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank = bucket.count;
        low = high;
    }
    let within = |rank: Option<f64>| rank.map_or(count, |rank| if rank > count { count } else { rank });
    (within(upper_rank) - within(lower_rank)) / count
}

/// Sorts by bound and adds up buckets of the same bound; false without a +Inf bucket.
fn sort_and_merge(buckets: &mut Vec<ClassicBucket>) -> bool {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(std::cmp::Ordering::Equal));
    if buckets.last().is_none_or(|bucket| bucket.upper != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    true
}

/// Removes differences that are only rounding, and decreases; true when there were decreases.
fn make_monotonic(buckets: &mut [ClassicBucket]) -> bool {
    let mut forced = false;
    let mut previous = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if almost_equal(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            forced = true;
        } else {
            previous = count;
        }
    }
    forced
}

/// True when two counts differ by less than [`TOLERANCE`] of their sum, or are both NaN.
fn almost_equal(a: f64, b: f64) -> bool {
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(list: &[(f64, f64)]) -> Vec<ClassicBucket> {
        list.iter().map(|(upper, count)| ClassicBucket { upper: *upper, count: *count }).collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn interpolates_within_the_bucket() {
        let of = |phi| quantile(phi, &mut buckets(&[(INF, 10.0), (1.0, 2.0), (2.0, 6.0)])).value;
        assert_eq!(of(0.1), 0.5);
        assert_eq!(of(0.4), 1.5);
        assert_eq!(of(0.9), 2.0);
        assert_eq!(of(-1.0), f64::NEG_INFINITY);
    }

    #[test]
    fn decreases_are_removed() {
        let mut decreasing = buckets(&[(1.0, 5.0), (2.0, 4.0), (INF, 10.0)]);
        assert!(quantile(0.5, &mut decreasing).forced_monotonic);
        assert_eq!(decreasing[1].count, 5.0);
        let mut rounding = buckets(&[(1.0, 5.0), (2.0, 5.0 - 1e-15), (INF, 10.0)]);
        assert!(!quantile(0.5, &mut rounding).forced_monotonic);
    }

    #[test]
    fn needs_the_infinite_bucket() {
        assert!(quantile(0.5, &mut buckets(&[(1.0, 5.0), (2.0, 6.0)])).value.is_nan());
        assert!(fraction(0.0, 1.0, &mut buckets(&[(1.0, 5.0)])).is_nan());
    }

    #[test]
    fn fractions() {
        let of = |low, high| fraction(low, high, &mut buckets(&[(1.0, 2.0), (2.0, 6.0), (INF, 10.0)]));
        assert_eq!(of(0.0, 1.0), 0.2);
        assert_eq!(of(0.5, 1.5), 0.3);
        assert_eq!(of(2.0, INF), 0.4);
        assert_eq!(of(1.0, 1.0), 0.0);
    }
}
