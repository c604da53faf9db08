//! Compensated summation, so that sums do not depend on the size and order of their terms more than they must.
//!
//! Kahan's algorithm with Neumaier's improvement, as Prometheus's `util/kahansum`.

/// Adds `term` to `sum`, whose lost low bits are in `compensation`; returns both anew.
///
/// The sum so far is `sum + compensation`; once the sum is infinite, nothing is compensated.
#[must_use]
#[inline]
pub fn add(term: f64, sum: f64, compensation: f64) -> (f64, f64) {
    // Without branches, so that loops over many sums can be vectorised.
    let total = sum + term;
    let (large, small) = if sum.abs() >= term.abs() { (sum, term) } else { (term, sum) };
    let lost = compensation + ((large - total) + small);
    (total, if total.is_infinite() { 0.0 } else { lost })
}

/// A running compensated sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct KahanSum {
    /// The sum without what was lost.
    pub sum: f64,
    /// What was lost.
    pub compensation: f64,
}

impl KahanSum {
    /// Adds a term.
    pub fn add(&mut self, term: f64) {
        (self.sum, self.compensation) = add(term, self.sum, self.compensation);
    }

    /// The sum.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.compensation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let mut sum = KahanSum::default();
        for term in [1.0, 1e100, 1.0, -1e100] {
            sum.add(term);
        }
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn infinity_stays() {
        let mut sum = KahanSum::default();
        for term in [1.0, f64::INFINITY, 1.0] {
            sum.add(term);
        }
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
