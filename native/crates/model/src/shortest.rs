//! The shortest digits that read back as a float, as Go's `strconv` chooses and writes them.
//!
//! Of two equally short and equally close candidates Go takes the one with an even last digit, as ryu does; the standard
//! library of Rust rounds up: 1033425246410968.25 is `1033425246410968.2` in Go.

use std::fmt::Write as _;

/// Digits of a finite float: `d.ddd * 10^exponent`.
pub struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Shortest {
    /// The digits of a finite float.
    #[must_use]
    pub fn of(v: f64) -> Self {
        debug_assert!(v.is_finite());
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(v.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = format!("{whole}{fraction}");
        let zeros = written.len() - written.trim_start_matches('0').len();
        let digits = written.trim_matches('0');
        if digits.is_empty() {
            return Self { negative: v.is_sign_negative(), digits: "0".to_owned(), exponent: 0 };
        }
        let shift = whole.len() as i32 - 1 - zeros as i32;
        let exponent = exponent.parse::<i32>().unwrap_or(0) + shift;
        Self { negative: v.is_sign_negative(), digits: digits.to_owned(), exponent }
    }

    /// Power of ten of the first digit.
    #[must_use]
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Without exponent, Go's `'f'`: `1500000`, `0.000015`.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = self.sign();
        if self.exponent < 0 {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', (-1 - self.exponent) as usize));
            out.push_str(&self.digits);
            return out;
        }
        let whole = self.exponent as usize + 1;
        if self.digits.len() <= whole {
            out.push_str(&self.digits);
            out.extend(std::iter::repeat_n('0', whole - self.digits.len()));
        } else {
            out.push_str(&self.digits[..whole]);
            out.push('.');
            out.push_str(&self.digits[whole..]);
        }
        out
    }

    /// With an exponent of at least two digits, Go's `'e'`: `1.5e+06`.
    #[must_use]
    pub fn with_exponent(&self) -> String {
        let mut out = self.sign();
        let (first, rest) = self.digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let sign = if self.exponent < 0 { '-' } else { '+' };
        // Writing to a string does not fail.
        let _ = write!(out, "e{sign}{:02}", self.exponent.unsigned_abs());
        out
    }

    fn sign(&self) -> String {
        if self.negative { "-" } else { "" }.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_go_to_the_even_digit() {
        // As Go 1.26 prints them.
        for (bits, expected) in [
            (4_831_622_602_885_088_962, "1033425246410968.2"),
            (4_833_949_087_559_351_025, "1522571754544828.2"),
            (4_835_630_873_477_814_657, "1943018234160736.2"),
            (4_828_609_759_255_899_338, "656819792762265.2"),
        ] {
            assert_eq!(Shortest::of(f64::from_bits(bits)).plain(), expected);
        }
        // 43 / 2^22 is 0.0000102519989013671875: the shortest form of a small number can be a tie as well.
        assert_eq!(Shortest::of(43.0 / 4_194_304.0).with_exponent(), "1.0251998901367188e-05");
    }

    #[test]
    fn plain_and_exponent() {
        for (v, plain, with_exponent) in [
            (0.0, "0", "0e+00"),
            (-0.0, "-0", "-0e+00"),
            (1.0, "1", "1e+00"),
            (-2.5, "-2.5", "-2.5e+00"),
            (1.5e6, "1500000", "1.5e+06"),
            (1e21, "1000000000000000000000", "1e+21"),
            (123_456_789_012_345_680.0, "123456789012345680", "1.2345678901234568e+17"),
            (1.5e-5, "0.000015", "1.5e-05"),
            (0.05, "0.05", "5e-02"),
            (1e-300, &format!("0.{}1", "0".repeat(299)), "1e-300"),
            (5e-324, &format!("0.{}5", "0".repeat(323)), "5e-324"),
        ] {
            let shortest = Shortest::of(v);
            assert_eq!((shortest.plain().as_str(), shortest.with_exponent().as_str()), (plain, with_exponent));
        }
    }

    proptest! {
        #[test]
        fn reads_back_and_is_as_short_as_can_be(bits: u64) {
            let v = f64::from_bits(bits);
            prop_assume!(v.is_finite());
            let shortest = Shortest::of(v);
            prop_assert_eq!(shortest.plain().parse(), Ok(v));
            prop_assert_eq!(shortest.with_exponent().parse(), Ok(v));
            prop_assert_eq!(shortest.plain().len(), v.to_string().len());
        }
    }
}
