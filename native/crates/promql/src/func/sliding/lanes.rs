//! Several windows side by side.
//!
//! A compensated sum is one long chain of additions, each waiting for the one before. The chains of different windows do
//! not wait for each other, so some of them are gone along at the same time; each still adds its samples in their order.

use super::Extent;

/// Windows that are gone along at once.
pub(super) const LANES: usize = 4;

/// Compensated sums, one a lane. Without the case of a sum that becomes infinite: see [`Sums::is_finite`].
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) sum: [f64; LANES],
    pub(super) lost: [f64; LANES],
}

impl Sums {
    pub(super) fn new(first: [f64; LANES]) -> Self {
        Self { sum: first, lost: [0.0; LANES] }
    }

    /// As [`neocortex_model::kahan::add`] in each lane, without a branch.
    #[inline(always)]
    pub(super) fn add(&mut self, terms: [f64; LANES]) {
        for ((sum, lost), term) in self.sum.iter_mut().zip(&mut self.lost).zip(terms) {
            let total = *sum + term;
            let (large, small) = if sum.abs() >= term.abs() { (*sum, term) } else { (term, *sum) };
            *lost += (large - total) + small;
            *sum = total;
        }
    }

    /// What was added, with what was lost.
    #[inline(always)]
    pub(super) fn totals(&self) -> [f64; LANES] {
        std::array::from_fn(|lane| self.sum[lane] + self.lost[lane])
    }

    /// False when the additions were possibly not those of [`neocortex_model::kahan::add`]. A sum that became infinite stays
    /// so, or becomes NaN.
    pub(super) fn is_finite(&self) -> bool {
        self.sum.iter().all(|sum| sum.is_finite())
    }
}

/// The first `common` values of each window, side by side.
#[inline(always)]
pub(super) fn rows<'a>(
    values: &'a [f64],
    group: &[Extent; LANES],
    common: usize,
) -> impl Iterator<Item = [f64; LANES]> + 'a {
    let lanes: [&[f64]; LANES] = std::array::from_fn(|lane| &values[group[lane].from..][..common]);
    (0..common).map(move |i| std::array::from_fn(|lane| lanes[lane][i]))
}

/// Calls `together` with windows side by side and the number of samples that all of them have, and `alone` with those that
/// are left over.
#[inline(always)]
pub(super) fn side_by_side(
    extents: &[Extent],
    mut together: impl FnMut(&[Extent; LANES], usize),
    mut alone: impl FnMut(&Extent),
) {
    let (groups, rest) = extents.as_chunks::<LANES>();
    for group in groups {
        together(group, group.iter().map(Extent::len).min().unwrap_or(0));
    }
    rest.iter().for_each(&mut alone);
}
