//! Buckets one by one, and back to spans.

use super::bounds::upper_bound;
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};
use crate::go_math::log2;

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// The lower bound belongs to the bucket.
    pub lower_inclusive: bool,
    /// The upper bound belongs to the bucket.
    pub upper_inclusive: bool,
    /// Observations in the bucket, not cumulative.
    pub count: f64,
    /// Index within the schema; without meaning for the zero bucket.
    pub index: i32,
}

impl Bucket {
    /// A bucket of the positive or negative side.
    #[must_use]
    pub fn new(index: i32, count: f64, positive: bool, schema: i32, custom_values: &[f64]) -> Self {
        let outer = upper_bound(index, schema, custom_values);
        let inner = upper_bound(index.wrapping_sub(1), schema, custom_values);
        let (lower, upper) = if positive { (inner, outer) } else { (-outer, -inner) };
        let custom = schema == CUSTOM_BUCKETS_SCHEMA;
        Self {
            lower,
            upper,
            lower_inclusive: if custom { index == 0 } else { lower < 0.0 },
            upper_inclusive: custom || upper > 0.0,
            count,
            index,
        }
    }

    /// Which bounds belong to the bucket, as the query API numbers it: 0 for `(]`, 1 for `[)`, 2 for `()`, 3 for `[]`.
    #[must_use]
    pub fn bounds(&self) -> u8 {
        match (self.lower_inclusive, self.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        }
    }

    /// The part of the bucket's width at or below `v`, which lies strictly inside of finite bounds: linear, or on a
    /// logarithmic scale as exponential buckets want it.
    #[must_use]
    pub fn fraction_below(&self, v: f64, linear: bool) -> f64 {
        if linear {
            return (v - self.lower) / (self.upper - self.lower);
        }
        let (lower, upper, v_log) = (log2(self.lower.abs()), log2(self.upper.abs()), log2(v.abs()));
        if v > 0.0 { (v_log - lower) / (upper - lower) } else { 1.0 - (v_log - upper) / (lower - upper) }
    }
}

/// Walks over the buckets of one side: index and stored count. Ends with the shorter of spans and buckets.
#[derive(Clone)]
pub struct Indexed<'a, T> {
    spans: std::slice::Iter<'a, Span>,
    buckets: std::slice::Iter<'a, T>,
    next_index: i32,
    left_in_span: u32,
}

/// The buckets of one side with their indexes, ascending in index when the histogram is valid.
pub fn indexed<'a, T: Copy>(spans: &'a [Span], buckets: &'a [T]) -> Indexed<'a, T> {
    Indexed { spans: spans.iter(), buckets: buckets.iter(), next_index: 0, left_in_span: 0 }
}

impl<T: Copy> Iterator for Indexed<'_, T> {
    type Item = (i32, T);

    fn next(&mut self) -> Option<(i32, T)> {
        while self.left_in_span == 0 {
            let span = self.spans.next()?;
            self.next_index = self.next_index.wrapping_add(span.offset);
            self.left_in_span = span.length;
        }
        let count = *self.buckets.next()?;
        let index = self.next_index;
        self.next_index = index.wrapping_add(1);
        self.left_in_span -= 1;
        Some((index, count))
    }
}

/// Collects buckets in ascending order of index into spans.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) spans: Vec<Span>,
    next_index: i32,
}

impl Layout {
    /// Appends a bucket.
    pub(super) fn push(&mut self, index: i32) {
        match self.spans.last_mut() {
            Some(span) if index == self.next_index => span.length += 1,
            Some(_) => self.spans.push(Span { offset: index.wrapping_sub(self.next_index), length: 1 }),
            None => self.spans.push(Span { offset: index, length: 1 }),
        }
        self.next_index = index.wrapping_add(1);
    }
}

/// The index in a lower-resolution schema of the bucket that contains the bucket `index` of `schema`.
pub(super) fn index_in_schema(index: i32, schema: i32, target: i32) -> i32 {
    let shift = schema.saturating_sub(target).clamp(0, 63);
    (((i64::from(index) - 1) >> shift) + 1) as i32
}

impl FloatHistogram {
    /// The zero bucket.
    #[must_use]
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// Positive buckets, from zero upwards.
    pub fn positive(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.positive_spans, &self.positive_buckets)
            .map(|(index, count)| Bucket::new(index, count, true, self.schema, &self.custom_values))
    }

    /// Negative buckets, from zero downwards.
    pub fn negative(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.negative_spans, &self.negative_buckets)
            .map(|(index, count)| Bucket::new(index, count, false, self.schema, &[]))
    }

    /// All buckets from the lowest to the highest, the zero bucket among them when it is populated. A bucket that the
    /// zero bucket overlaps begins or ends at the zero threshold.
    #[must_use]
    pub fn ascending(&self) -> Vec<Bucket> {
        let mut all: Vec<Bucket> = self.negative().map(|b| self.outside_zero(b)).collect();
        all.reverse();
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive().map(|b| self.outside_zero(b)));
        all
    }

    /// The bucket, cut at the zero threshold.
    fn outside_zero(&self, mut bucket: Bucket) -> Bucket {
        if bucket.upper < 0.0 && bucket.upper > -self.zero_threshold {
            bucket.upper = -self.zero_threshold;
        } else if bucket.lower > 0.0 && bucket.lower < self.zero_threshold {
            bucket.lower = self.zero_threshold;
        }
        bucket
    }

    /// Removes empty buckets and joins adjacent spans.
    pub fn compact(&mut self) {
        compact_side(&mut self.positive_spans, &mut self.positive_buckets);
        compact_side(&mut self.negative_spans, &mut self.negative_buckets);
    }
}

impl Histogram {
    /// Removes empty buckets and joins adjacent spans.
    pub fn compact(&mut self) {
        for (spans, buckets) in [
            (&mut self.positive_spans, &mut self.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets),
        ] {
            let mut counts = absolute(buckets);
            compact_side(spans, &mut counts);
            *buckets = deltas(&counts);
        }
    }
}

/// Counts from deltas.
pub(super) fn absolute(buckets: &[i64]) -> Vec<i64> {
    let mut count = 0_i64;
    buckets
        .iter()
        .map(|delta| {
            count = count.wrapping_add(*delta);
            count
        })
        .collect()
}

/// Deltas from counts.
pub(super) fn deltas(counts: &[i64]) -> Vec<i64> {
    let mut last = 0_i64;
    counts.iter().map(|count| count.wrapping_sub(std::mem::replace(&mut last, *count))).collect()
}

fn compact_side<T: Copy + Default + PartialEq>(spans: &mut Vec<Span>, buckets: &mut Vec<T>) {
    let empty = T::default();
    let in_order =
        spans.iter().skip(1).all(|s| s.offset > 0 && s.length > 0) && spans.first().is_none_or(|s| s.length > 0);
    if in_order && !buckets.contains(&empty) {
        return;
    }
    let mut layout = Layout::default();
    let mut kept = Vec::with_capacity(buckets.len());
    for (index, count) in indexed(spans, buckets) {
        if count != empty {
            layout.push(index);
            kept.push(count);
        }
    }
    *spans = layout.spans;
    *buckets = kept;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(offset: i32, length: u32) -> Span {
        Span { offset, length }
    }

    #[test]
    fn compact_drops_empty_buckets_and_splits_spans() {
        let mut h = FloatHistogram {
            positive_spans: vec![span(-2, 3), span(0, 0), span(0, 3)],
            positive_buckets: vec![0.0, 1.0, 2.0, 0.0, 3.0, 0.0],
            ..Default::default()
        };
        h.compact();
        assert_eq!(h.positive_spans, [span(-1, 2), span(1, 1)]);
        assert_eq!(h.positive_buckets, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn ascending_cuts_at_the_zero_threshold() {
        let h = FloatHistogram {
            zero_threshold: 0.75,
            zero_count: 1.0,
            positive_spans: vec![span(0, 2)],
            positive_buckets: vec![2.0, 3.0],
            negative_spans: vec![span(0, 1)],
            negative_buckets: vec![4.0],
            ..Default::default()
        };
        let bounds: Vec<_> = h.ascending().iter().map(|b| (b.lower, b.upper, b.count)).collect();
        assert_eq!(bounds, [(-1.0, -0.75, 4.0), (-0.75, 0.75, 1.0), (0.75, 1.0, 2.0), (1.0, 2.0, 3.0)]);
    }

    #[test]
    fn buckets_end_with_the_shorter_list() {
        let spans = [span(i32::MAX, u32::MAX), span(5, u32::MAX)];
        assert_eq!(indexed(&spans, &[1.0, 2.0]).count(), 2);
        assert_eq!(indexed(&[span(0, 1)], &[1.0, 2.0]).count(), 1);
    }

    proptest! {
        #[test]
        fn compact_keeps_populated_buckets(
            spans in prop::collection::vec((0..3_i32, 0..4_u32), 0..6),
            counts in prop::collection::vec(0..3_i64, 24),
        ) {
            let spans: Vec<_> = spans.into_iter().map(|(offset, length)| span(offset, length)).collect();
            let total = spans.iter().map(|s| s.length as usize).sum::<usize>();
            let counts = &counts[..total];
            let mut h = Histogram { positive_spans: spans, positive_buckets: deltas(counts), ..Default::default() };
            let populated = |h: &Histogram| -> Vec<(i32, i64)> {
                indexed(&h.positive_spans, &absolute(&h.positive_buckets)).filter(|(_, c)| *c != 0).collect()
            };
            let before = populated(&h);
            h.compact();
            prop_assert_eq!(before.len(), h.positive_buckets.len());
            prop_assert_eq!(before, populated(&h));
        }
    }
}
