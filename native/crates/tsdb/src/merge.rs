//! Samples of one series out of several places.

use std::sync::Arc;

use neocortex_model::histogram::CounterReset;
use neocortex_model::sample::Samples;

/// The samples of both, ascending; of samples of the same time `a`'s. Where one follows the other nothing is copied twice.
pub(crate) fn merge(a: Samples, b: Samples) -> Samples {
    let (Some(a_last), Some(b_first)) = (a.t.last(), b.t.first()) else { return if a.is_empty() { b } else { a } };
    if a_last < b_first {
        return appended(a, &b);
    }
    if b.t.last() < a.t.first() {
        return appended(b, &a);
    }
    let mut out = Samples::default();
    let (mut i, mut j) = (0, 0);
    let mut was_from_a = None;
    while i < a.len() || j < b.len() {
        let from_a = i < a.len() && (j >= b.len() || a.t[i] <= b.t[j]);
        // What a histogram says of a reset is about the sample before it in its own place.
        let follows = was_from_a == Some(from_a);
        was_from_a = Some(from_a);
        if from_a {
            j += usize::from(j < b.len() && a.t[i] == b.t[j]);
            push_from(&a, i, &mut out);
            i += 1;
        } else {
            push_from(&b, j, &mut out);
            j += 1;
        }
        if let (false, Some(Some(h))) = (follows, out.h.last_mut()) {
            forget_reset(&mut Arc::make_mut(h).counter_reset);
        }
    }
    out
}

/// The samples of all parts, ascending; of samples of the same time those of the first part.
pub(crate) fn merge_all(mut parts: Vec<Samples>) -> Samples {
    // Neighbours first, so that no sample is copied more often than there are levels.
    while parts.len() > 1 {
        let mut merged = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(a) = rest.next() {
            merged.push(match rest.next() {
                Some(b) => merge(a, b),
                None => a,
            });
        }
        parts = merged;
    }
    parts.pop().unwrap_or_default()
}

/// Leaves open whether a counter was reset; a gauge stays one.
pub(crate) fn forget_reset(reset: &mut CounterReset) {
    if *reset != CounterReset::Gauge {
        *reset = CounterReset::Unknown;
    }
}

fn appended(mut a: Samples, b: &Samples) -> Samples {
    a.append(b);
    a
}

/// Appends a sample of `from` to `out`.
pub(crate) fn push_from(from: &Samples, i: usize, out: &mut Samples) {
    match from.histogram(i) {
        Some(histogram) => out.push_histogram(from.t[i], Arc::clone(histogram)),
        None => out.push_float(from.t[i], from.v[i]),
    }
    out.set_last_start(from.start(i));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use neocortex_model::histogram::FloatHistogram;
    use proptest::prelude::*;

    use super::*;

    /// Even values are floats, odd ones histograms.
    fn samples(of: &BTreeMap<i64, u8>) -> Samples {
        let mut samples = Samples::default();
        for (t, v) in of {
            match v % 2 {
                0 => samples.push_float(*t, f64::from(*v)),
                _ => samples
                    .push_histogram(*t, Arc::new(FloatHistogram { sum: f64::from(*v), ..FloatHistogram::default() })),
            }
            samples.set_last_start(i64::from(v / 128));
        }
        samples
    }

    fn plain(samples: &Samples) -> Vec<(i64, f64, i64)> {
        let value = |i: usize| samples.histogram(i).map_or(samples.v[i], |h| h.sum);
        (0..samples.len()).map(|i| (samples.t[i], value(i), samples.start(i))).collect()
    }

    proptest! {
        #[test]
        fn as_maps_do(
            a in proptest::collection::btree_map(0..60i64, any::<u8>(), 0..30),
            b in proptest::collection::btree_map(0..90i64, any::<u8>(), 0..30),
            shift in prop_oneof![Just(0), Just(100), Just(-100), -60..60i64],
        ) {
            let b: BTreeMap<i64, u8> = b.into_iter().map(|(t, v)| (t + shift, v)).collect();
            let mut both = b.clone();
            both.extend(a.clone());
            prop_assert_eq!(plain(&merge(samples(&a), samples(&b))), plain(&samples(&both)));
        }
    }
}
