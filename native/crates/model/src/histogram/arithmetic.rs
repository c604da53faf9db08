//! Sums, differences and multiples of histograms with float buckets.
//!
//! Two histograms with exponential buckets are first brought to the lower of their schemas and to a zero bucket wide
//! enough for both; two with custom buckets to the bounds that both have. Custom and exponential buckets do not mix.

use super::bounds::exponential_bound;
use super::buckets::{Layout, indexed};
use super::schema::reduce_side;
use super::{CounterReset, FloatHistogram, Span};
use crate::kahan;

/// Custom and exponential buckets cannot be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
pub struct IncompatibleSchemas;

/// What is worth a remark about a sum or difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// One histogram is known to follow a reset, the other is known not to.
    pub counter_reset_collision: bool,
    /// Custom bounds differed and were reduced to those that both have.
    pub bounds_reconciled: bool,
}

/// A count and what its compensated sum has lost so far.
#[derive(Clone, Copy, Default)]
struct Cell {
    count: f64,
    lost: f64,
}

impl Cell {
    fn add(&mut self, count: f64) {
        (self.count, self.lost) = kahan::add(count, self.count, self.lost);
    }

    fn merge(&mut self, other: Self) {
        self.add(other.count);
        if other.lost != 0.0 {
            self.add(other.lost);
        }
    }
}

/// How the counts of two buckets are put together.
#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Add,
    Sub,
    KahanAdd,
}

impl Operation {
    fn combine(self, cell: &mut Cell, other: Cell) {
        match self {
            Self::Add => cell.count += other.count,
            Self::Sub => cell.count -= other.count,
            Self::KahanAdd => cell.merge(other),
        }
    }

    /// Puts a plain number and its lost part together with another number.
    fn scalar(self, value: &mut f64, lost: &mut f64, other: f64) {
        let mut cell = Cell { count: *value, lost: *lost };
        self.combine(&mut cell, Cell { count: other, lost: 0.0 });
        (*value, *lost) = (cell.count, cell.lost);
    }
}

impl FloatHistogram {
    /// Multiplies all counts and the sum. A negative factor makes a gauge.
    pub fn mul(&mut self, factor: f64) {
        self.scale(|v| v * factor);
        if factor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    /// Divides all counts and the sum; a division by zero leaves no buckets. A negative divisor makes a gauge.
    pub fn div(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
        }
        self.scale(|v| v / divisor);
        if divisor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    fn scale(&mut self, f: impl Fn(f64) -> f64) {
        for v in [&mut self.zero_count, &mut self.count, &mut self.sum] {
            *v = f(*v);
        }
        for v in self.positive_buckets.iter_mut().chain(&mut self.negative_buckets) {
            *v = f(*v);
        }
    }

    /// Adds a histogram. The result may have empty buckets; see [`FloatHistogram::compact`].
    ///
    /// # Errors
    /// [`IncompatibleSchemas`]; nothing has changed then.
    pub fn add(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(other, Operation::Add, &mut None)
    }

    /// Subtracts a histogram, with the hint of resets adjusted as for a sum: whoever means a difference of gauges sets it.
    ///
    /// # Errors
    /// [`IncompatibleSchemas`]; nothing has changed then.
    pub fn sub(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(other, Operation::Sub, &mut None)
    }

    /// Adds a histogram with compensated sums. `compensation` begins as `None` and belongs to this histogram from then
    /// on: it has the same buckets, and what they have lost.
    ///
    /// # Errors
    /// [`IncompatibleSchemas`]; nothing has changed then.
    pub fn kahan_add(
        &mut self,
        other: &Self,
        compensation: &mut Option<Self>,
    ) -> Result<Combined, IncompatibleSchemas> {
        self.combine(other, Operation::KahanAdd, compensation)
    }

    fn combine(
        &mut self,
        other: &Self,
        operation: Operation,
        compensation: &mut Option<Self>,
    ) -> Result<Combined, IncompatibleSchemas> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let mut combined =
            Combined { counter_reset_collision: self.adjust_counter_reset(other), bounds_reconciled: false };
        if operation == Operation::KahanAdd && compensation.is_none() {
            *compensation = Some(self.without_counts());
        }
        let mut ignored = Self::default();
        let track = compensation.is_some();
        let lost = compensation.as_mut().unwrap_or(&mut ignored);

        if !self.uses_custom_buckets() {
            let zero_count = self.reconcile_zero_bucket(other, track.then_some(&mut *lost));
            operation.scalar(&mut self.zero_count, &mut lost.zero_count, zero_count);
        }
        operation.scalar(&mut self.count, &mut lost.count, other.count);
        operation.scalar(&mut self.sum, &mut lost.sum, other.sum);

        if self.uses_custom_buckets() {
            if self.custom_values == other.custom_values {
                self.combine_sides(other, operation, lost, track);
            } else {
                combined.bounds_reconciled = true;
                self.combine_custom(other, operation, lost);
            }
        } else {
            self.lower_schema(other.schema, track.then_some(&mut *lost));
            if other.schema > self.schema {
                let mut other = other.clone();
                let mut other_lost = other.without_counts();
                other.lower_schema(self.schema, track.then_some(&mut other_lost));
                self.combine_sides_with_loss(&other, &other_lost, operation, lost, track);
            } else {
                self.combine_sides(other, operation, lost, track);
            }
        }
        if track {
            lost.schema = self.schema;
            lost.zero_threshold = self.zero_threshold;
            lost.custom_values.clone_from(&self.custom_values);
            lost.positive_spans.clone_from(&self.positive_spans);
            lost.negative_spans.clone_from(&self.negative_spans);
        }
        Ok(combined)
    }

    /// The same layout with all counts and the sum zero.
    fn without_counts(&self) -> Self {
        Self {
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            positive_buckets: vec![0.0; self.positive_buckets.len()],
            negative_buckets: vec![0.0; self.negative_buckets.len()],
            ..self.clone()
        }
    }

    /// Sets the hint of a sum; true when the hints contradict each other.
    fn adjust_counter_reset(&mut self, other: &Self) -> bool {
        use CounterReset::{Gauge, Unknown};
        match (self.counter_reset, other.counter_reset) {
            (a, b) if a == b => {}
            (Gauge, _) | (Unknown, _) if other.counter_reset != Gauge || self.counter_reset == Gauge => {}
            (_, Gauge) => self.counter_reset = Gauge,
            (_, Unknown) => self.counter_reset = Unknown,
            _ => {
                self.counter_reset = Unknown;
                return true;
            }
        }
        false
    }

    fn lower_schema(&mut self, target: i32, lost: Option<&mut Self>) {
        if target >= self.schema {
            return;
        }
        let Some(lost) = lost else {
            self.reduce_resolution(target);
            return;
        };
        for (spans, buckets, lost) in [
            (&mut self.positive_spans, &mut self.positive_buckets, &mut lost.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets, &mut lost.negative_buckets),
        ] {
            let (merged_spans, merged) = reduce_side(spans, &cells(buckets, lost), self.schema, target, Cell::merge);
            *spans = merged_spans;
            (*buckets, *lost) = merged.into_iter().map(|cell| (cell.count, cell.lost)).unzip();
        }
        self.schema = target;
    }

    fn combine_sides(&mut self, other: &Self, operation: Operation, lost: &mut Self, track: bool) {
        if !track && self.positive_spans == other.positive_spans && self.negative_spans == other.negative_spans {
            let outside_zero = |spans: &[Span]| {
                self.uses_custom_buckets()
                    || spans.first().is_none_or(|s| exponential_bound(s.offset, self.schema) > self.zero_threshold)
            };
            if outside_zero(&other.positive_spans) && outside_zero(&other.negative_spans) {
                let sign = if operation == Operation::Sub { -1.0 } else { 1.0 };
                for (count, more) in self.positive_buckets.iter_mut().zip(&other.positive_buckets) {
                    *count += sign * more;
                }
                for (count, more) in self.negative_buckets.iter_mut().zip(&other.negative_buckets) {
                    *count += sign * more;
                }
                return;
            }
        }
        self.combine_sides_with_loss(other, &Self::default(), operation, lost, track);
    }

    fn combine_sides_with_loss(
        &mut self,
        other: &Self,
        other_lost: &Self,
        operation: Operation,
        lost: &mut Self,
        track: bool,
    ) {
        let inside_zero =
            |index| !other.uses_custom_buckets() && exponential_bound(index, other.schema) <= self.zero_threshold;
        for (spans, buckets, lost, other_spans, other_buckets, other_lost) in [
            (
                &mut self.positive_spans,
                &mut self.positive_buckets,
                &mut lost.positive_buckets,
                &other.positive_spans,
                &other.positive_buckets,
                &other_lost.positive_buckets,
            ),
            (
                &mut self.negative_spans,
                &mut self.negative_buckets,
                &mut lost.negative_buckets,
                &other.negative_spans,
                &other.negative_buckets,
                &other_lost.negative_buckets,
            ),
        ] {
            let mine = cells(buckets, lost);
            let theirs = cells(other_buckets, other_lost);
            let theirs = indexed(other_spans, &theirs).skip_while(|(index, _)| inside_zero(*index));
            let (merged_spans, merged) = merge_sides(indexed(spans, &mine), theirs, operation);
            *spans = merged_spans;
            if track {
                (*buckets, *lost) = merged.into_iter().map(|cell| (cell.count, cell.lost)).unzip();
            } else {
                *buckets = merged.into_iter().map(|cell| cell.count).collect();
            }
        }
    }

    /// Maps both histograms to the bounds that both have. Sums are compensated throughout, since many buckets may fall
    /// into one.
    fn combine_custom(&mut self, other: &Self, operation: Operation, lost: &mut Self) {
        let bounds = common_bounds(&self.custom_values, &other.custom_values);
        let mut target = vec![Cell::default(); bounds.len() + 1];
        let mine = cells(&self.positive_buckets, &lost.positive_buckets);
        for (index, cell) in indexed(&self.positive_spans, &mine) {
            let slot = slot_in(&bounds, &self.custom_values, index);
            target[slot].add(cell.count);
            target[slot].add(cell.lost);
        }
        let sign = if operation == Operation::Sub { -1.0 } else { 1.0 };
        for (index, count) in indexed(&other.positive_spans, &other.positive_buckets) {
            target[slot_in(&bounds, &other.custom_values, index)].add(sign * count);
        }
        let mut layout = Layout::default();
        (self.positive_buckets, lost.positive_buckets) = (0..)
            .zip(target)
            .filter(|(_, cell)| cell.count != 0.0 || cell.lost != 0.0)
            .map(|(index, cell)| {
                layout.push(index);
                (cell.count, cell.lost)
            })
            .unzip();
        self.positive_spans = layout.spans;
        self.custom_values = bounds;
    }

    /// Widens this histogram's zero bucket until it covers the other's and ends in no populated bucket of either;
    /// returns the zero count that the other has with that zero bucket.
    fn reconcile_zero_bucket(&mut self, other: &Self, mut lost: Option<&mut Self>) -> f64 {
        let (mut other_count, mut other_threshold) = (other.zero_count, other.zero_threshold);
        while other_threshold != self.zero_threshold {
            if self.zero_threshold > other_threshold {
                (other_count, other_threshold, _) = other.zero_count_within(self.zero_threshold, None);
            }
            if other_threshold > self.zero_threshold {
                let (count, threshold, lost_count) = self.zero_count_within(other_threshold, lost.as_deref());
                (self.zero_count, self.zero_threshold) = (count, threshold);
                if let Some(lost) = lost.as_deref_mut() {
                    lost.zero_count = lost_count;
                }
                self.drop_buckets_in_zero_bucket(lost.as_deref_mut());
            }
            if other_threshold.is_nan() || self.zero_threshold.is_nan() {
                break;
            }
        }
        other_count
    }

    /// The zero count and what it lost, had the zero bucket this larger threshold. A threshold inside of a populated
    /// bucket is raised to the bucket's end; the second value is the threshold that holds.
    pub(super) fn zero_count_within(&self, mut threshold: f64, lost: Option<&Self>) -> (f64, f64, f64) {
        let lost_zero = lost.map_or(0.0, |lost| lost.zero_count);
        if threshold <= self.zero_threshold {
            return (self.zero_count, self.zero_threshold, lost_zero);
        }
        'widened: loop {
            let mut zero = Cell { count: self.zero_count, lost: lost_zero };
            for (i, bucket) in self.positive().enumerate() {
                if bucket.lower >= threshold {
                    break;
                }
                zero.add(bucket.count);
                zero.add(lost.and_then(|l| l.positive_buckets.get(i)).copied().unwrap_or(0.0));
                if bucket.upper > threshold {
                    if bucket.count != 0.0 {
                        threshold = bucket.upper;
                    }
                    break;
                }
            }
            for (i, bucket) in self.negative().enumerate() {
                if bucket.upper <= -threshold {
                    break;
                }
                zero.add(bucket.count);
                zero.add(lost.and_then(|l| l.negative_buckets.get(i)).copied().unwrap_or(0.0));
                if bucket.lower < -threshold {
                    if bucket.count != 0.0 {
                        // The positive buckets were counted with a threshold that no longer holds.
                        threshold = -bucket.lower;
                        continue 'widened;
                    }
                    break;
                }
            }
            return (zero.count, threshold, zero.lost);
        }
    }

    /// Empties the buckets inside of the zero bucket, whose count has them already, and removes empty buckets.
    fn drop_buckets_in_zero_bucket(&mut self, lost: Option<&mut Self>) {
        let positive = self.positive().take_while(|b| b.lower < self.zero_threshold).count();
        let negative = self.negative().take_while(|b| b.upper > -self.zero_threshold).count();
        self.positive_buckets[..positive].fill(0.0);
        self.negative_buckets[..negative].fill(0.0);
        let Some(lost) = lost else {
            self.compact();
            return;
        };
        let fill = |buckets: &mut [f64], n: usize| buckets.iter_mut().take(n).for_each(|b| *b = 0.0);
        fill(&mut lost.positive_buckets, positive);
        fill(&mut lost.negative_buckets, negative);
        for (spans, buckets, lost) in [
            (&mut self.positive_spans, &mut self.positive_buckets, &mut lost.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets, &mut lost.negative_buckets),
        ] {
            let mut layout = Layout::default();
            let all = cells(buckets, lost);
            (*buckets, *lost) = indexed(spans, &all)
                .filter(|(_, cell)| cell.count != 0.0 || cell.lost != 0.0)
                .map(|(index, cell)| {
                    layout.push(index);
                    (cell.count, cell.lost)
                })
                .unzip();
            *spans = layout.spans;
        }
    }
}

/// Counts with their lost parts; where `lost` is shorter, nothing is lost.
fn cells(counts: &[f64], lost: &[f64]) -> Vec<Cell> {
    let lost = lost.iter().copied().chain(std::iter::repeat(0.0));
    counts.iter().zip(lost).map(|(count, lost)| Cell { count: *count, lost }).collect()
}

/// Merges two sides, each ascending in index.
fn merge_sides(
    mine: impl Iterator<Item = (i32, Cell)>,
    theirs: impl Iterator<Item = (i32, Cell)>,
    operation: Operation,
) -> (Vec<Span>, Vec<Cell>) {
    let (mut mine, mut theirs) = (mine.peekable(), theirs.peekable());
    let mut layout = Layout::default();
    let mut merged = Vec::new();
    loop {
        let next = match (mine.peek().map(|(i, _)| *i), theirs.peek().map(|(i, _)| *i)) {
            (None, None) => return (layout.spans, merged),
            (Some(a), b) if b.is_none_or(|b| a <= b) => a,
            (_, Some(b)) => b,
            (Some(a), None) => a,
        };
        let held = mine.next_if(|(i, _)| *i == next).map(|(_, cell)| cell);
        let added = theirs.next_if(|(i, _)| *i == next).map(|(_, cell)| cell);
        let cell = match (held, added) {
            (Some(mut cell), added) => {
                if let Some(other) = added {
                    operation.combine(&mut cell, other);
                }
                cell
            }
            (None, Some(other)) if operation == Operation::Sub => Cell { count: -other.count, lost: -other.lost },
            (None, other) => other.unwrap_or_default(),
        };
        layout.push(next);
        merged.push(cell);
    }
}

/// The bounds that two ascending lists share.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut b = b.iter().copied().peekable();
    a.iter()
        .copied()
        .filter(|bound| {
            while b.next_if(|other| other < bound).is_some() {}
            b.next_if(|other| other == bound).is_some()
        })
        .collect()
}

/// The bucket among `target` bounds into which bucket `index` of `bounds` falls.
pub(super) fn slot_in(target: &[f64], bounds: &[f64], index: i32) -> usize {
    match usize::try_from(index).ok().and_then(|i| bounds.get(i)) {
        Some(bound) => target.partition_point(|t| t < bound),
        None => target.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::CUSTOM_BUCKETS_SCHEMA;
    use super::*;

    fn spans(list: &[(i32, u32)]) -> Vec<Span> {
        list.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
    }

    fn custom(bounds: &[f64], buckets: &[f64]) -> FloatHistogram {
        FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: bounds.to_vec(),
            count: buckets.iter().sum(),
            positive_spans: spans(&[(0, buckets.len() as u32)]),
            positive_buckets: buckets.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn buckets_are_interleaved() {
        let mut a = FloatHistogram {
            positive_spans: spans(&[(-2, 2), (1, 2)]),
            positive_buckets: vec![1.0, 2.0, 3.0, 4.0],
            ..Default::default()
        };
        let b = FloatHistogram {
            positive_spans: spans(&[(-3, 1), (2, 2), (2, 1)]),
            positive_buckets: vec![10.0, 20.0, 30.0, 40.0],
            ..Default::default()
        };
        a.add(&b).unwrap();
        assert_eq!(a.positive_spans, spans(&[(-3, 6), (1, 1)]));
        assert_eq!(a.positive_buckets, [10.0, 1.0, 2.0, 20.0, 33.0, 4.0, 40.0]);
    }

    #[test]
    fn zero_buckets_are_widened() {
        let mut narrow = FloatHistogram {
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive_spans: spans(&[(-1, 3)]),
            positive_buckets: vec![1.0, 2.0, 3.0],
            ..Default::default()
        };
        let wide = FloatHistogram { zero_threshold: 0.75, zero_count: 10.0, ..Default::default() };
        narrow.add(&wide).unwrap();
        // 0.75 lies in the bucket (0.5, 1], which is populated: the threshold moves to its end.
        assert_eq!((narrow.zero_threshold, narrow.zero_count), (1.0, 14.0));
        assert_eq!((narrow.positive_spans, narrow.positive_buckets), (spans(&[(1, 1)]), vec![3.0]));
    }

    #[test]
    fn custom_bounds_are_intersected() {
        let mut a = custom(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]);
        let b = custom(&[2.0, 4.0], &[10.0, 20.0, 30.0]);
        assert!(a.add(&b).unwrap().bounds_reconciled);
        assert_eq!(a.custom_values, [2.0]);
        assert_eq!(a.positive_buckets, [13.0, 57.0]);
    }

    #[test]
    fn mixed_schemas_are_refused() {
        let mut a = custom(&[1.0], &[1.0]);
        assert_eq!(a.add(&FloatHistogram::default()), Err(IncompatibleSchemas));
    }

    #[test]
    fn hints_of_a_sum() {
        use CounterReset::{Gauge, NotReset, Reset, Unknown};
        for (a, b, result, collision) in [
            (Gauge, Reset, Gauge, false),
            (Reset, Gauge, Gauge, false),
            (Unknown, Gauge, Gauge, false),
            (Unknown, Reset, Unknown, false),
            (NotReset, Unknown, Unknown, false),
            (NotReset, Reset, Unknown, true),
        ] {
            let mut sum = FloatHistogram { counter_reset: a, ..Default::default() };
            let other = FloatHistogram { counter_reset: b, ..Default::default() };
            assert_eq!(sum.add(&other).unwrap().counter_reset_collision, collision, "{a:?} + {b:?}");
            assert_eq!(sum.counter_reset, result, "{a:?} + {b:?}");
        }
    }

    #[test]
    fn compensation_keeps_small_counts() {
        let of = |v: f64| FloatHistogram {
            count: v,
            positive_spans: spans(&[(0, 1)]),
            positive_buckets: vec![v],
            ..Default::default()
        };
        let (mut sum, mut lost) = (of(1.0), None);
        for v in [1e100, 1.0, -1e100] {
            sum.kahan_add(&of(v), &mut lost).unwrap();
        }
        sum.add(&lost.unwrap()).unwrap();
        assert_eq!((sum.count, sum.positive_buckets), (2.0, vec![2.0]));
    }

    fn histogram() -> impl Strategy<Value = FloatHistogram> {
        let side = || prop::collection::vec((0..4_i32, 1..4_u32), 0..4);
        (-2..3_i32, 0..4_usize, 0..9_u8, side(), side(), prop::collection::vec(0..9_u8, 24)).prop_map(
            |(schema, threshold, zero, positive, negative, counts)| {
                let take = |side: &[(i32, u32)]| -> Vec<f64> {
                    let total: u32 = side.iter().map(|(_, length)| length).sum();
                    counts.iter().map(|c| f64::from(*c)).take(total as usize).collect()
                };
                let mut h = FloatHistogram {
                    schema,
                    // Bounds of every schema here, as the thresholds of real histograms mostly are.
                    zero_threshold: [0.0, 1.0 / 16.0, 1.0, 16.0][threshold],
                    zero_count: f64::from(zero),
                    positive_spans: spans(&positive),
                    negative_spans: spans(&negative),
                    positive_buckets: take(&positive),
                    negative_buckets: take(&negative),
                    ..Default::default()
                };
                // No observation is in a bucket and in the zero bucket as well.
                h.drop_buckets_in_zero_bucket(None);
                h.count = observations(&h);
                h
            },
        )
    }

    fn observations(h: &FloatHistogram) -> f64 {
        h.zero_count + h.positive_buckets.iter().chain(&h.negative_buckets).sum::<f64>()
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_the_order(a in histogram(), b in histogram()) {
            let (mut ab, mut ba) = (a.clone(), b.clone());
            ab.add(&b).unwrap();
            ba.add(&a).unwrap();
            ab.compact();
            ba.compact();
            prop_assert_eq!(&ab, &ba);
            prop_assert_eq!(ab.count, observations(&ab));
        }

        #[test]
        fn compensated_sums_of_small_integers_are_plain_sums(a in histogram(), b in histogram()) {
            let (mut plain, mut kahan, mut lost) = (a.clone(), a, None);
            plain.add(&b).unwrap();
            kahan.kahan_add(&b, &mut lost).unwrap();
            prop_assert_eq!(plain, kahan);
        }
    }
}
