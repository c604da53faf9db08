//! Lower resolutions: every bucket of a schema lies within one bucket of each lower schema.

use super::buckets::{Layout, absolute, deltas, index_in_schema, indexed};
use super::{FloatHistogram, Histogram, Span};

/// Merges the buckets of one side into those of a lower schema.
pub(super) fn reduce_side<T: Copy>(
    spans: &[Span],
    buckets: &[T],
    schema: i32,
    target: i32,
    mut merge: impl FnMut(&mut T, T),
) -> (Vec<Span>, Vec<T>) {
    let mut layout = Layout::default();
    let mut merged: Vec<T> = Vec::new();
    let mut last_index = None;
    for (index, count) in indexed(spans, buckets) {
        let index = index_in_schema(index, schema, target);
        match merged.last_mut() {
            Some(last) if last_index == Some(index) => merge(last, count),
            _ => {
                layout.push(index);
                merged.push(count);
                last_index = Some(index);
            }
        }
    }
    (layout.spans, merged)
}

impl FloatHistogram {
    /// Lowers the resolution; does nothing when the schema is as low already, or has custom buckets.
    pub fn reduce_resolution(&mut self, target: i32) {
        if self.uses_custom_buckets() || target >= self.schema {
            return;
        }
        let add = |count: &mut f64, more| *count += more;
        (self.positive_spans, self.positive_buckets) =
            reduce_side(&self.positive_spans, &self.positive_buckets, self.schema, target, add);
        (self.negative_spans, self.negative_buckets) =
            reduce_side(&self.negative_spans, &self.negative_buckets, self.schema, target, add);
        self.schema = target;
    }
}

impl Histogram {
    /// Lowers the resolution; does nothing when the schema is as low already, or has custom buckets.
    pub fn reduce_resolution(&mut self, target: i32) {
        if self.uses_custom_buckets() || target >= self.schema {
            return;
        }
        for (spans, buckets) in [
            (&mut self.positive_spans, &mut self.positive_buckets),
            (&mut self.negative_spans, &mut self.negative_buckets),
        ] {
            let add = |count: &mut i64, more| *count = count.wrapping_add(more);
            let (merged_spans, counts) = reduce_side(spans, &absolute(buckets), self.schema, target, add);
            *spans = merged_spans;
            *buckets = deltas(&counts);
        }
        self.schema = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_buckets_merge() {
        let mut h = Histogram {
            schema: 1,
            // Buckets 0, 1, 2, 3 and 7.
            positive_spans: vec![Span { offset: 0, length: 4 }, Span { offset: 3, length: 1 }],
            positive_buckets: vec![1, 1, 1, 1, 1],
            ..Default::default()
        };
        h.reduce_resolution(0);
        assert_eq!(h.schema, 0);
        // Bucket 0 of schema 0 holds -1 and 0; bucket 1 holds 1 and 2; bucket 2 holds 3; bucket 4 holds 7.
        assert_eq!(h.positive_spans, [Span { offset: 0, length: 3 }, Span { offset: 1, length: 1 }]);
        assert_eq!(absolute(&h.positive_buckets), [1, 5, 4, 5]);
    }
}
