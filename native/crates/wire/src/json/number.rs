//! Numbers: sample values, parts of histograms, timestamps.

use neocortex_model::float::format_sample;
use neocortex_model::shortest::Shortest;

/// Whole numbers below this have an exact float and no exponent in any notation.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A sample's value without its quotes: never in exponent form.
pub(super) fn push_value(out: &mut Vec<u8>, v: f64) {
    if v.trunc() == v && v.abs() < EXACT {
        if v.is_sign_negative() {
            out.push(b'-');
        }
        push_integer(out, v.abs() as u64);
    } else if !v.is_finite() {
        out.extend_from_slice(format_sample(v).as_bytes());
    } else {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(v);
        if text.contains('e') {
            out.extend_from_slice(Shortest::of(v).plain().as_bytes());
        } else {
            out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
        }
    }
}

/// A quoted number of a histogram or an exemplar: in exponent form when very small or very large.
pub(super) fn push_quoted(out: &mut Vec<u8>, v: f64) {
    out.push(b'"');
    let size = v.abs();
    if v.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
        out.extend_from_slice(Shortest::of(v).with_exponent().as_bytes());
    } else {
        push_value(out, v);
    }
    out.push(b'"');
}

/// Milliseconds as seconds with as many decimals as needed: `1.5`.
pub(super) fn push_seconds(out: &mut Vec<u8>, t_ms: i64) {
    let fraction = push_whole_seconds(out, t_ms);
    if fraction > 0 {
        out.push(b'.');
        let digits = [fraction / 100, fraction / 10 % 10, fraction % 10].map(|digit| b'0' + digit as u8);
        let used = 3 - digits.iter().rev().take_while(|digit| **digit == b'0').count();
        out.extend_from_slice(&digits[..used]);
    }
}

/// Milliseconds as seconds with three decimals, or none: `1.500`.
pub(super) fn push_seconds_padded(out: &mut Vec<u8>, t_ms: i64) {
    let fraction = push_whole_seconds(out, t_ms);
    if fraction > 0 {
        out.push(b'.');
        out.extend_from_slice(&[fraction / 100, fraction / 10 % 10, fraction % 10].map(|digit| b'0' + digit as u8));
    }
}

/// Writes sign and whole seconds, gives back the milliseconds that are left.
fn push_whole_seconds(out: &mut Vec<u8>, t_ms: i64) -> u64 {
    if t_ms < 0 {
        out.push(b'-');
    }
    let t_ms = t_ms.unsigned_abs();
    push_integer(out, t_ms / 1000);
    t_ms % 1000
}

/// An integer.
pub(super) fn push_integer(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_have_no_exponent() {
        for (v, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (0.333_333_333_333_333_3, "0.3333333333333333"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(text(|out| push_value(out, v)), expected);
        }
    }

    #[test]
    fn numbers_of_histograms_have_exponents() {
        for (v, expected) in [
            (0.0, "\"0\""),
            (1e-6, "\"0.000001\""),
            (9.5e-7, "\"9.5e-07\""),
            (-1e21, "\"-1e+21\""),
            (1e-300, "\"1e-300\""),
            (f64::INFINITY, "\"+Inf\""),
        ] {
            assert_eq!(text(|out| push_quoted(out, v)), expected);
        }
    }

    #[test]
    fn times_are_seconds() {
        for (t, short, padded) in [
            (0, "0", "0"),
            (1000, "1", "1"),
            (1500, "1.5", "1.500"),
            (1_435_781_451_781, "1435781451.781", "1435781451.781"),
            (1010, "1.01", "1.010"),
            (1, "0.001", "0.001"),
            (-1, "-0.001", "-0.001"),
            (-61_020, "-61.02", "-61.020"),
        ] {
            assert_eq!(text(|out| push_seconds(out, t)), short);
            assert_eq!(text(|out| push_seconds_padded(out, t)), padded);
        }
        assert_eq!(text(|out| push_seconds(out, i64::MIN)), "-9223372036854775.808");
    }

    proptest! {
        #[test]
        fn values_round_trip(bits: u64) {
            let v = f64::from_bits(bits);
            let written = text(|out| push_value(out, v));
            if v.is_finite() {
                prop_assert_eq!(&written, &Shortest::of(v).plain());
                prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), bits);
            }
        }
    }
}
