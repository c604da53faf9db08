//! Loops over numbers, with the widest vectors that the processor has.
//!
//! Programs are built for any 64-bit x86, which has vectors of two numbers; those of four are asked for when the program
//! runs. Results do not depend on it: every number is computed by the same operations.

/// Does the work, compiled once for vectors of two numbers and once for vectors of four. Worth it for long loops only, since
/// what is called in them must be inlined to gain.
#[inline]
pub fn wide<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kahan;

    #[test]
    fn gives_what_the_work_gives() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) * 0.1).collect();
        let sum = || values.iter().fold((0.0, 0.0), |(sum, lost), v| kahan::add(*v, sum, lost));
        assert_eq!(wide(sum), sum());
    }
}
