//! Equality of data, and counter resets.

use super::arithmetic::{common_bounds, slot_in};
use super::bounds::exponential_bound;
use super::buckets::{index_in_schema, indexed};
use super::{CounterReset, FloatHistogram, Histogram, Span};

impl FloatHistogram {
    /// True when both have the same buckets with the same counts, empty ones included, bit by bit; the hint of resets and
    /// spans without buckets do not matter.
    #[must_use]
    pub fn same_data(&self, other: &Self) -> bool {
        let same_bits = |a: &[f64], b: &[f64]| a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()));
        self.schema == other.schema
            && same_bits(&[self.count, self.sum, self.zero_count], &[other.count, other.sum, other.zero_count])
            && (!self.uses_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && same_spans(&self.negative_spans, &other.negative_spans)
            && same_bits(&self.negative_buckets, &other.negative_buckets)
            && same_spans(&self.positive_spans, &other.positive_spans)
            && same_bits(&self.positive_buckets, &other.positive_buckets)
    }

    /// True when the counter behind this histogram must have been reset since `previous`: a count went down, a populated
    /// bucket vanished, the resolution rose or the zero bucket shrank. A hint of reset or no reset decides at once.
    ///
    /// A lower resolution or a wider zero bucket alone are no reset: the previous histogram is compared as if it had them.
    #[must_use]
    pub fn detect_reset(&self, previous: &Self) -> bool {
        match self.counter_reset {
            CounterReset::Reset => return true,
            CounterReset::NotReset => return false,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.uses_custom_buckets() {
            if !previous.uses_custom_buckets() {
                return true;
            }
            if self.custom_values != previous.custom_values {
                return self.custom_bucket_went_down(previous);
            }
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (zero_count, threshold, _) = previous.zero_count_within(self.zero_threshold, None);
        if threshold != self.zero_threshold || self.zero_count < zero_count {
            return true;
        }
        let went_down = |(spans, buckets): (&[Span], &[f64]), (previous_spans, previous_buckets): (&[Span], &[f64])| {
            if self.schema == previous.schema
                && self.zero_threshold == previous.zero_threshold
                && spans == previous_spans
                && buckets.len() == previous_buckets.len()
            {
                return buckets.iter().zip(previous_buckets).any(|(now, before)| now < before);
            }
            let now = self.side_outside_zero(spans, buckets, self.schema);
            let before = self.side_outside_zero(previous_spans, previous_buckets, previous.schema);
            any_went_down(&now, &before)
        };
        went_down(
            (&self.positive_spans, &self.positive_buckets),
            (&previous.positive_spans, &previous.positive_buckets),
        ) || went_down(
            (&self.negative_spans, &self.negative_buckets),
            (&previous.negative_spans, &previous.negative_buckets),
        )
    }

    /// The buckets of a side of some schema as buckets of this histogram's schema, without those in its zero bucket.
    fn side_outside_zero(&self, spans: &[Span], buckets: &[f64], schema: i32) -> Vec<(i32, f64)> {
        let mut merged: Vec<(i32, f64)> = Vec::with_capacity(buckets.len());
        for (index, count) in indexed(spans, buckets) {
            let index = if self.uses_custom_buckets() { index } else { index_in_schema(index, schema, self.schema) };
            match merged.last_mut() {
                Some((last, sum)) if *last == index => *sum += count,
                _ => merged.push((index, count)),
            }
        }
        if !self.uses_custom_buckets() && self.zero_threshold > 0.0 {
            let inside = |(index, _): &(i32, f64)| exponential_bound(*index, self.schema) <= self.zero_threshold;
            let first = merged.iter().position(|b| !inside(b)).unwrap_or(merged.len());
            merged.drain(..first);
        }
        merged
    }

    /// Compares two histograms with different custom bounds by the bounds that both have.
    fn custom_bucket_went_down(&self, previous: &Self) -> bool {
        let bounds = common_bounds(&self.custom_values, &previous.custom_values);
        let counts = |h: &Self| {
            let mut counts = vec![0.0; bounds.len() + 1];
            for (index, count) in indexed(&h.positive_spans, &h.positive_buckets) {
                counts[slot_in(&bounds, &h.custom_values, index)] += count;
            }
            counts
        };
        counts(self).iter().zip(counts(previous)).any(|(now, before)| *now < before)
    }
}

impl Histogram {
    /// True when both have the same buckets with the same counts, empty ones included; the hint of resets and spans
    /// without buckets do not matter.
    #[must_use]
    pub fn same_data(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.count == other.count
            && self.sum.to_bits() == other.sum.to_bits()
            && (!self.uses_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && self.zero_count == other.zero_count
            && same_spans(&self.negative_spans, &other.negative_spans)
            && self.negative_buckets == other.negative_buckets
            && same_spans(&self.positive_spans, &other.positive_spans)
            && self.positive_buckets == other.positive_buckets
    }
}

/// True when both name the same buckets.
fn same_spans(a: &[Span], b: &[Span]) -> bool {
    a == b || populated_spans(a).eq(populated_spans(b))
}

/// Spans as absolute stretches, empty ones left out and adjacent ones joined.
fn populated_spans(spans: &[Span]) -> impl Iterator<Item = (i64, i64)> {
    let mut end = 0_i64;
    let mut stretches: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for span in spans {
        let start = end + i64::from(span.offset);
        end = start + i64::from(span.length);
        match stretches.last_mut() {
            _ if span.length == 0 => {}
            Some(last) if last.1 == start => last.1 = end,
            _ => stretches.push((start, end)),
        }
    }
    stretches.into_iter()
}

/// True when a bucket has a lower count now, or was populated and is missing now. Both ascend in index.
fn any_went_down(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|(index, count)| {
        while now.next_if(|(i, _)| i < index).is_some() {}
        match now.peek() {
            Some((i, present)) if i == index => present < count,
            _ => *count != 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::CUSTOM_BUCKETS_SCHEMA;
    use super::*;

    fn histogram(spans: &[(i32, u32)], buckets: &[f64]) -> FloatHistogram {
        FloatHistogram {
            count: buckets.iter().sum(),
            positive_spans: spans.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect(),
            positive_buckets: buckets.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn growth_is_no_reset() {
        let before = histogram(&[(0, 2)], &[1.0, 2.0]);
        assert!(!histogram(&[(0, 2)], &[1.0, 3.0]).detect_reset(&before));
        assert!(!histogram(&[(-1, 4)], &[1.0, 1.0, 2.0, 0.0]).detect_reset(&before));
        assert!(histogram(&[(0, 2)], &[0.0, 9.0]).detect_reset(&before));
        assert!(histogram(&[(1, 1)], &[9.0]).detect_reset(&before));
        assert!(histogram(&[(0, 2)], &[1.0, 1.0]).detect_reset(&before));
    }

    #[test]
    fn hints_decide() {
        let before = histogram(&[(0, 1)], &[5.0]);
        let not_reset = FloatHistogram { counter_reset: CounterReset::NotReset, ..Default::default() };
        assert!(!not_reset.detect_reset(&before));
        let reset = FloatHistogram { counter_reset: CounterReset::Reset, ..histogram(&[(0, 1)], &[9.0]) };
        assert!(reset.detect_reset(&before));
    }

    #[test]
    fn lower_resolution_and_wider_zero_bucket_are_no_reset() {
        let before = FloatHistogram { schema: 1, ..histogram(&[(1, 2)], &[1.0, 2.0]) };
        assert!(!histogram(&[(1, 1)], &[3.0]).detect_reset(&before));
        assert!(histogram(&[(1, 1)], &[2.0]).detect_reset(&before));
        assert!(FloatHistogram { schema: 2, ..before.clone() }.detect_reset(&before));
        let before = histogram(&[(0, 2)], &[1.0, 2.0]);
        let wide = FloatHistogram { zero_threshold: 1.0, zero_count: 1.0, count: 3.0, ..histogram(&[(1, 1)], &[2.0]) };
        assert!(!wide.detect_reset(&before));
        assert!(before.detect_reset(&wide));
        assert!(FloatHistogram { zero_threshold: 1.5, ..wide }.detect_reset(&before));
    }

    #[test]
    fn custom_bounds_are_compared_where_they_meet() {
        let custom = |bounds: &[f64], buckets: &[f64]| FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: bounds.to_vec(),
            ..histogram(&[(0, buckets.len() as u32)], buckets)
        };
        let before = custom(&[1.0, 2.0], &[1.0, 1.0, 1.0]);
        assert!(!custom(&[2.0], &[2.0, 1.0]).detect_reset(&before));
        assert!(custom(&[2.0], &[1.0, 2.0]).detect_reset(&before));
    }

    #[test]
    fn same_data_ignores_empty_spans() {
        let a = histogram(&[(0, 2), (1, 1)], &[1.0, 2.0, 3.0]);
        let b = histogram(&[(0, 2), (0, 0), (1, 1)], &[1.0, 2.0, 3.0]);
        assert!(a.same_data(&b));
        assert!(!a.same_data(&histogram(&[(0, 3)], &[1.0, 2.0, 3.0])));
    }
}
