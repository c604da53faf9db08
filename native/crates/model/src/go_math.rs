//! Logarithms, hyperbolic and area functions and powers of two as Go computes them, bit by bit.
//!
//! Go's `math` package follows FreeBSD's `e_log.c` and `e_exp.c`; the C library behind Rust's functions rounds some results
//! differently. Answers show all digits of a float, so the last bit is seen.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E, LOG10_E};

/// High and low part of ln 2.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Splits a positive finite number into a fraction in [0.5, 1) and a power of two.
fn fraction_and_exponent(x: f64) -> (f64, i32) {
    let (x, subnormal) = if x < f64::MIN_POSITIVE { (x * 2_f64.powi(52), 52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022 - subnormal;
    (f64::from_bits(bits & !(0x7ff << 52) | (1022 << 52)), exponent)
}

/// The natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 7] = [
        0.6666666666666735,
        0.3999999999940942,
        0.2857142874366239,
        0.22222198432149784,
        0.1818357216161805,
        0.15313837699209373,
        0.14798198605106586,
    ];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut fraction, mut exponent) = fraction_and_exponent(x);
    if fraction < FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let [c1, c2, c3, c4, c5, c6, c7] = COEFFICIENTS;
    let odd = s2 * (c1 + s4 * (c3 + s4 * (c5 + s4 * c7)));
    let even = s4 * (c2 + s4 * (c4 + s4 * c6));
    let half_square = 0.5 * f * f;
    k * LN_2_HIGH - ((half_square - (s * (half_square + (odd + even)) + k * LN_2_LOW)) - f)
}

/// The logarithm to base 2, exact for powers of two.
#[must_use]
pub fn log2(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 || x == f64::INFINITY {
        return ln(x);
    }
    let (fraction, exponent) = fraction_and_exponent(x);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    ln(fraction) * LOG2_E + f64::from(exponent)
}

/// The logarithm to base 10.
#[must_use]
pub fn log10(x: f64) -> f64 {
    ln(x) * LOG10_E
}

/// Below its inverse an area function is its argument; above it, the logarithm of twice its argument.
const FAR: f64 = (1_u32 << 28) as f64;

/// The inverse hyperbolic cosine; finite for every finite number from 1 on.
#[must_use]
pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        f64::NAN
    } else if x >= FAR {
        ln(x) + LN_2
    } else if x > 2.0 {
        ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()))
    } else {
        let above = x - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    }
}

/// The inverse hyperbolic sine; finite for every finite number.
#[must_use]
pub fn asinh(x: f64) -> f64 {
    let size = x.abs();
    let result = if !x.is_finite() || size < 1.0 / FAR {
        size
    } else if size > FAR {
        ln(size) + LN_2
    } else if size > 2.0 {
        ln(2.0 * size + 1.0 / ((size * size + 1.0).sqrt() + size))
    } else {
        (size + size * size / (1.0 + (1.0 + size * size).sqrt())).ln_1p()
    };
    result.copysign(x)
}

/// The inverse hyperbolic tangent.
#[must_use]
pub fn atanh(x: f64) -> f64 {
    let size = x.abs();
    let result = if size > 1.0 || x.is_nan() {
        return f64::NAN;
    } else if size < 1.0 / FAR {
        size
    } else if size < 0.5 {
        let double = size + size;
        0.5 * (double + double * size / (1.0 - size)).ln_1p()
    } else {
        0.5 * ((size + size) / (1.0 - size)).ln_1p()
    };
    result.copysign(x)
}

/// The hyperbolic cosine, which overflows with the exponential function.
#[must_use]
pub fn cosh(x: f64) -> f64 {
    let power = x.abs().exp();
    if x.abs() > 21.0 { power * 0.5 } else { (power + 1.0 / power) * 0.5 }
}

/// The hyperbolic sine, which overflows with the exponential function.
#[must_use]
pub fn sinh(x: f64) -> f64 {
    if x.abs() > 21.0 { (x.abs().exp() * 0.5).copysign(x) } else { x.sinh() }
}

/// Two to the power of a number.
#[must_use]
pub fn exp2(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] = [
        0.16666666666666666,
        -0.0027777777777015593,
        6.613756321437934e-05,
        -1.6533902205465252e-06,
        4.1381367970572385e-08,
    ];
    if x.is_nan() {
        return x;
    }
    if x > 1.023_999_999_999_999_9e3 {
        return f64::INFINITY;
    }
    if x < -1074.0 {
        return 0.0;
    }
    let k = if x > 0.0 { (x + 0.5) as i32 } else { (x - 0.5) as i32 };
    let t = x - f64::from(k);
    let (high, low) = (t * LN_2_HIGH, -t * LN_2_LOW);
    let r = high - low;
    let rr = r * r;
    let [c1, c2, c3, c4, c5] = COEFFICIENTS;
    let c = r - rr * (c1 + rr * (c2 + rr * (c3 + rr * (c4 + rr * c5))));
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    // In two steps, so that subnormal results are rounded once.
    let half = k / 2;
    y * 2_f64.powi(half) * 2_f64.powi(k - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.26 prints the bits on amd64: x, ln x, log2 x, log10 x, y, 2^y.
    #[rustfmt::skip]
    const COMPUTED_BY_GO: [[u64; 6]; 12] = [
        [0x3fed679087915380, 0xbfb5a77622fa204f, 0xbfbf3d863d5daf05, 0xbfa2cefd4cef3bd4, 0x400639e0d3e2d0cd, 0x401b70e501def8bb],
        [0x408c7c7f5546ecd7, 0x401b42b94058e238, 0x4023aa15c20ccda5, 0x4007ada46ff82e00, 0x407b41e421d66aab, 0x5b315db458274f10],
        [0x3fc11294d8783ece, 0xc0001dcfbc26ef53, 0xc0074049a950c172, 0xbfebff44c3a02671, 0x4010b459646758aa, 0x403213d63473366d],
        [0x4070728d90958043, 0x40164a81bda2cf7a, 0x4020145fe13acd95, 0x40035c9bdc2b0dfa, 0x4077318539ec8a7f, 0x572116dfe4b0e8af],
        [0x3fed236444be64da, 0xbfb7fbb019b0fefc, 0xbfc14cd94049cca0, 0xbfa4d4dd7a1786d4, 0x3ff5e67f07f2f2af, 0x4004a8fa95b367da],
        [0x408ae87a8d166521, 0x401b085c24e4e925, 0x40237ffc07005460, 0x40077af2c1abb693, 0xc0532a4a9a16d156, 0x3b243da72406a463],
        [0x3fe193a68a8d1694, 0xbfe32c4e16ea4a59, 0xbfeba92ff545350c, 0xbfd0a74cb1af9631, 0xbff98b35cfb67191, 0x3fd529e1ac9e1846],
        [0x40791f042403f17a, 0x4017fc35d61443a7, 0x40214d39b89f27ec, 0x4004d551a370c304, 0x408bc5f827f171a0, 0x777ad65c1a9cd577],
        [0x3fd8753dde8e4fca, 0xbfeec81a921d6780, 0xbff6344b17c168a4, 0xbfdabc92395696e3, 0x400ec32842ec465f, 0x402cbefce3658719],
        [0x408372ab4e9b8192, 0x4019bbe139e9328d, 0x4022902697a55289, 0x40065a28e0d06bb5, 0x4090478cea426761, 0x7ff0000000000000],
        [0x3fe1ff072d492e0b, 0xbfe26b1c774f492a, 0xbfea9277b0a31d05, 0xbfcffefcb243ba06, 0xbfd12f3c29af5b92, 0x3fea90d0ba066a14],
        [0x4039ab885958231e, 0x4009f66ce89d6266, 0x4012ba61eb807f47, 0x3ff68d030384557c, 0x405b069b8ec52d87, 0x46b12fde2d8785b2],
    ];

    #[test]
    fn bits_are_those_of_go() {
        let same = |a: f64, bits: u64| a.to_bits() == bits || (a.is_nan() && f64::from_bits(bits).is_nan());
        for [x, e, two, ten, y, power] in COMPUTED_BY_GO {
            let (x, y) = (f64::from_bits(x), f64::from_bits(y));
            assert!(same(ln(x), e) && same(log2(x), two) && same(log10(x), ten), "{x:e}");
            assert!(same(exp2(y), power), "{y:e}");
        }
    }

    #[test]
    fn area_functions() {
        assert_eq!([acosh(f64::MAX), asinh(-f64::MAX)], [710.4758600739439, -710.4758600739439]);
        assert_eq!([acosh(1.0), asinh(-0.0), atanh(1.0), atanh(1e-300)], [0.0, 0.0, f64::INFINITY, 1e-300]);
        assert_eq!([acosh(f64::INFINITY), asinh(f64::NEG_INFINITY)], [f64::INFINITY, f64::NEG_INFINITY]);
        assert!(
            asinh(-0.0).is_sign_negative() && acosh(0.5).is_nan() && atanh(-1.5).is_nan() && asinh(f64::NAN).is_nan()
        );
        for x in [1e-9, 0.25, 0.75, 1.5, 3.0, 1e5, 1e10] {
            assert!((asinh(x) - x.asinh()).abs() <= 1e-14 * x.asinh());
            assert!(x < 1.0 || (acosh(x) - x.acosh()).abs() <= 1e-14 * x.acosh());
            assert!(x >= 1.0 || (atanh(-x) - (-x).atanh()).abs() <= 1e-14 * x.atanh());
        }
    }

    #[test]
    fn hyperbolic_functions() {
        assert_eq!(
            [cosh(0.0), cosh(-710.0), sinh(710.0), sinh(-710.0)],
            [1.0, f64::INFINITY, f64::INFINITY, -f64::INFINITY]
        );
        assert!(cosh(f64::NAN).is_nan() && sinh(f64::NAN).is_nan());
        for x in [0.1, 1.0, 20.0, 22.0, 709.0] {
            assert!((cosh(-x) - x.cosh()).abs() <= 1e-15 * x.cosh() && (sinh(x) - x.sinh()).abs() <= 1e-15 * x.sinh());
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!([ln(0.0), log2(0.0), ln(f64::INFINITY)], [f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY]);
        assert!(ln(-1.0).is_nan() && log2(-1.0).is_nan() && exp2(f64::NAN).is_nan());
        assert_eq!([log2(8.0), log2(f64::from_bits(1)), ln(1.0)], [3.0, -1074.0, 0.0]);
        assert_eq!(
            [exp2(3.0), exp2(-1074.0), exp2(-1075.0), exp2(1024.0)],
            [8.0, f64::from_bits(1), 0.0, f64::INFINITY]
        );
    }
}
