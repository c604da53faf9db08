//! Numbers and quoted strings as Go prints and reads them (`strconv`).

use std::fmt::Write;
use std::sync::OnceLock;

use crate::shortest::Shortest;

/// Go's `strconv.Quote`.
#[must_use]
pub fn go_quote(text: &str) -> String {
    go_quote_bytes(text.as_bytes())
}

/// Go's `strconv.Quote` of bytes, which writes those that are not UTF-8 as `\xff`.
#[must_use]
pub fn go_quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut out, c, '"'));
        for byte in chunk.invalid() {
            let written = write!(out, "\\x{byte:02x}");
            debug_assert!(written.is_ok(), "writing to a string does not fail");
        }
    }
    out.push('"');
    out
}

/// Go's `strconv.QuoteRune`; `None` stands for an impossible rune (end of input), which Go prints as U+FFFD.
#[must_use]
pub fn go_quote_rune(c: Option<char>) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c.unwrap_or('\u{fffd}'), '\'');
    out.push('\'');
    out
}

/// Go's `%#U`: `U+0071 'q'`, without the character when it is not printable.
#[must_use]
pub fn go_unicode(c: char) -> String {
    let code = c as u32;
    if is_print(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}

fn push_escaped(out: &mut String, c: char, quote: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\u{b}' => out.push_str("\\v"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        c if is_print(c) => out.push(c),
        c => {
            let code = c as u32;
            let written = match code {
                0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                ..0x1_0000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
            debug_assert!(written.is_ok(), "writing to a string does not fail");
        }
    }
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
#[must_use]
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    static PRINTABLE: OnceLock<Vec<(char, char)>> = OnceLock::new();
    let ranges =
        PRINTABLE.get_or_init(|| match regex_syntax::parse(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]").map(|h| h.into_kind()) {
            Ok(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
                class.ranges().iter().map(|range| (range.start(), range.end())).collect()
            }
            _ => unreachable!("the class is constant"),
        });
    let after = ranges.partition_point(|&(start, _)| start <= c);
    after > 0 && c <= ranges[after - 1].1
}

/// The text is not a quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid syntax")]
pub struct UnquoteError;

/// [`unquote_bytes`] as text: bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
/// [`UnquoteError`] when quotes or escapes are not well-formed.
pub fn unquote(literal: &str) -> Result<String, UnquoteError> {
    let bytes = unquote_bytes(literal)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// The value of a PromQL string literal in `"`, `'` or `` ` `` (Prometheus `util/strutil/quote.go`).
///
/// Escapes may give bytes that are not UTF-8 (`"\xff"`).
///
/// # Errors
/// [`UnquoteError`] when quotes or escapes are not well-formed.
pub fn unquote_bytes(literal: &str) -> Result<Vec<u8>, UnquoteError> {
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or(UnquoteError)?;
    if literal.len() < 2 || !literal.ends_with(quote) {
        return Err(UnquoteError);
    }
    let body = &literal[1..literal.len() - 1];
    match quote {
        '`' if body.contains('`') => Err(UnquoteError),
        '`' => Ok(body.as_bytes().to_vec()),
        _ if body.contains('\n') => Err(UnquoteError),
        _ if !body.contains(['\\', quote]) => Ok(body.as_bytes().to_vec()),
        _ => unescape(body, quote),
    }
}

fn unescape(body: &str, quote: char) -> Result<Vec<u8>, UnquoteError> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == quote {
            return Err(UnquoteError);
        }
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next().ok_or(UnquoteError)?;
        rest = &rest[escape.len_utf8()..];
        match escape {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            'x' => out.push(u8::try_from(digits(&mut rest, 2, 16)?).map_err(|_| UnquoteError)?),
            'u' | 'U' => {
                let code = digits(&mut rest, if escape == 'u' { 4 } else { 8 }, 16)?;
                if code > 0x10_ffff {
                    return Err(UnquoteError);
                }
                let decoded = char::from_u32(code).unwrap_or('\u{fffd}');
                out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => {
                let low = digits(&mut rest, 2, 8)?;
                let code = (escape as u32 - '0' as u32) * 64 + low;
                out.push(u8::try_from(code).map_err(|_| UnquoteError)?);
            }
            c if c == quote => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => return Err(UnquoteError),
        }
    }
    Ok(out)
}

/// Takes exactly `count` digits off the front.
fn digits(rest: &mut &str, count: usize, radix: u32) -> Result<u32, UnquoteError> {
    let text = rest.get(..count).ok_or(UnquoteError)?;
    let mut value = 0;
    for c in text.chars() {
        value = value * radix + c.to_digit(radix).ok_or(UnquoteError)?;
    }
    *rest = &rest[count..];
    Ok(value)
}

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`, with `+Inf`, `-Inf`, `NaN`: how the query API writes sample values.
#[must_use]
pub fn format_sample(v: f64) -> String {
    if v.is_nan() {
        "NaN".to_owned()
    } else if v.is_infinite() {
        if v > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        Shortest::of(v).plain()
    }
}

/// Go's `%g` and `%v` of a float: the shortest digits that round-trip, in exponent form below 1e-4 and from 1e6 on.
#[must_use]
pub fn go_g(v: f64) -> String {
    if !v.is_finite() {
        return format_sample(v);
    }
    let shortest = Shortest::of(v);
    if (-4..6).contains(&shortest.exponent()) { shortest.plain() } else { shortest.with_exponent() }
}

/// Why a number literal has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number.
    #[error("strconv.ParseFloat: parsing {}: invalid syntax", go_quote(.0))]
    Syntax(String),
    /// Beyond the largest float.
    #[error("strconv.ParseFloat: parsing {}: value out of range", go_quote(.0))]
    Range(String),
}

/// The value of a PromQL number literal: Go's integers (`0x1F`, `017`, `0b1`, `1_000`), then [`parse_float`].
///
/// # Errors
/// [`NumberError`] with the text of Go's `strconv`.
pub fn parse_number(text: &str) -> Result<f64, NumberError> {
    #[allow(clippy::cast_precision_loss, reason = "Go converts the same way")]
    parse_integer(text).map_or_else(|| parse_float(text), |n| Ok(n as f64))
}

/// Go's `strconv.ParseInt(text, 0, 64)`; `None` for every error.
fn parse_integer(text: &str) -> Option<i64> {
    let (negative, unsigned) = split_sign(text);
    if unsigned.contains('_') && !underscores_ok(unsigned) {
        return None;
    }
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let signed = if negative { format!("-{digits}") } else { digits };
    i64::from_str_radix(&signed, radix).ok()
}

/// Go's `strconv.ParseFloat(text, 64)`: decimal and hexadecimal floats, underscores, `Inf`, `infinity` and `NaN` in any
/// case.
///
/// # Errors
/// [`NumberError`] with Go's text.
pub fn parse_float(text: &str) -> Result<f64, NumberError> {
    let syntax = || NumberError::Syntax(text.to_owned());
    let (negative, unsigned) = split_sign(text);
    let lower = unsigned.to_ascii_lowercase();
    let value = match lower.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        // Go refuses a signed NaN.
        "nan" if unsigned.len() == text.len() => f64::NAN,
        _ => {
            let hex = lower.starts_with("0x");
            if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                return Err(syntax());
            }
            let plain = if lower.contains('_') {
                if !underscores_ok(&lower) {
                    return Err(syntax());
                }
                lower.replace('_', "")
            } else {
                lower
            };
            let value = if hex { parse_hex_float(&plain[2..]) } else { plain.parse().ok() }.ok_or_else(syntax)?;
            if value.is_infinite() {
                return Err(NumberError::Range(text.to_owned()));
            }
            value
        }
    };
    Ok(if negative { -value } else { value })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    }
}

/// Digits of `h.hp±d`, the prefix taken off. The exponent is required, as in Go.
fn parse_hex_float(body: &str) -> Option<f64> {
    let (mantissa, exponent) = body.split_once('p')?;
    let (_, exponent_digits) = split_sign(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut bits: u64 = 0;
    let mut scale: i64 = 0;
    let mut sticky = false;
    for (digit, shift) in whole.chars().map(|c| (c, 0)).chain(fraction.chars().map(|c| (c, -4))) {
        let digit = u64::from(digit.to_digit(16)?);
        if bits >> 59 == 0 {
            bits = bits << 4 | digit;
            scale += shift;
        } else {
            // Beyond 60 bits a digit only decides the rounding.
            sticky |= digit != 0;
            scale += shift + 4;
        }
    }
    if sticky {
        bits |= 1;
    }
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    Some(scale_by_power_of_two(bits, scale.saturating_add(exponent)))
}

/// `bits * 2^exponent`, rounded once to even.
#[allow(clippy::cast_precision_loss, reason = "the rounding is prepared bit by bit")]
fn scale_by_power_of_two(bits: u64, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let top = 63 - i64::from(bits.leading_zeros()) + exponent;
    if top > 1023 {
        return f64::INFINITY;
    }
    // The weight of the lowest bit that a float of this size keeps.
    let lowest = (top - 52).max(-1074);
    let drop = lowest - exponent;
    let kept = if drop <= 0 {
        return bits as f64 * power_of_two(exponent.max(-1000)) * power_of_two((exponent + 1000).min(0));
    } else if drop > 64 {
        0
    } else {
        let wide = u128::from(bits);
        let half = 1u128 << (drop - 1);
        let (floor, rest) = (wide >> drop, wide & ((half << 1) - 1));
        floor + u128::from(rest > half || (rest == half && floor & 1 == 1))
    };
    kept as f64 * power_of_two(lowest.max(-1000)) * power_of_two((lowest + 1000).min(0))
}

fn power_of_two(exponent: i64) -> f64 {
    2f64.powi(i32::try_from(exponent).unwrap_or(if exponent < 0 { -2000 } else { 2000 }))
}

/// Go's rule: an underscore stands between digits, or between the base prefix and a digit.
fn underscores_ok(unsigned: &str) -> bool {
    let bytes = unsigned.as_bytes();
    let prefixed = bytes.len() >= 2 && bytes[0] == b'0' && matches!(bytes[1].to_ascii_lowercase(), b'b' | b'o' | b'x');
    let hex = prefixed && bytes[1].eq_ignore_ascii_case(&b'x');
    // '^' at the start, '0' after a digit or the prefix, '_' after an underscore, '!' after anything else.
    let mut before = if prefixed { b'0' } else { b'^' };
    for &byte in &bytes[if prefixed { 2 } else { 0 }..] {
        if byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit()) {
            before = b'0';
        } else if byte == b'_' {
            if before != b'0' {
                return false;
            }
            before = b'_';
        } else {
            if before == b'_' {
                return false;
            }
            before = b'!';
        }
    }
    before != b'_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn go_g_switches_to_exponents() {
        let printed = [1e5, 1e6, 123_456_789.0, 1e-4, 1e-5, -2.5, f64::INFINITY, 0.0].map(go_g);
        assert_eq!(printed, ["100000", "1e+06", "1.23456789e+08", "0.0001", "1e-05", "-2.5", "+Inf", "0"]);
    }

    #[test]
    fn quotes_are_go_s() {
        let quoted = [
            ("plain", "\"plain\""),
            ("a\"b\\c\n\t\r", "\"a\\\"b\\\\c\\n\\t\\r\""),
            ("\u{7}\u{8}\u{c}\u{b}\u{1}\u{7f}", "\"\\a\\b\\f\\v\\x01\\x7f\""),
            ("\u{200b}é\u{1F600}\u{a0}\u{85}", "\"\\u200bé\u{1F600}\\u00a0\\u0085\""),
            ("\u{e0001}", "\"\\U000e0001\""),
        ];
        for (text, expected) in quoted {
            assert_eq!(go_quote(text), expected);
        }
        assert_eq!(go_quote_rune(Some('\'')), "'\\''");
        assert_eq!(go_quote_rune(None), "'\u{fffd}'");
        assert_eq!(go_unicode('q'), "U+0071 'q'");
        assert_eq!(go_unicode('\u{7}'), "U+0007");
    }

    #[test]
    fn literals_are_unquoted() {
        let values = [
            ("\"a\\n\\x41\\101\\u00e9\\U0001F600\\\"\"", "a\nAA\u{e9}\u{1F600}\""),
            ("'it\\'s'", "it's"),
            ("`raw\\n`", "raw\\n"),
            ("\"\\xff\"", "\u{fffd}"),
        ];
        for (literal, value) in values {
            assert_eq!(unquote(literal).as_deref(), Ok(value), "{literal}");
        }
        for wrong in
            ["", "\"", "\"a", "a", "\"\\q\"", "\"\\x4\"", "\"\\'\"", "\"a\"b\"", "\"\\400\"", "\"\n\"", "`a`b`"]
        {
            assert_eq!(unquote(wrong), Err(UnquoteError), "{wrong}");
        }
    }

    #[test]
    fn number_literals_are_go_s() {
        let numbers = [
            ("0x1F", 31.0),
            ("0X1f", 31.0),
            ("017", 15.0),
            ("08", 8.0),
            ("08.5", 8.5),
            ("1_000", 1000.0),
            ("1_000.5", 1000.5),
            ("0x_1p4", 16.0),
            ("0x1.8p1", 3.0),
            ("0x1p-1074", 5e-324),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("iNf", f64::INFINITY),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
        ];
        for (text, value) in numbers {
            assert_eq!(parse_number(text), Ok(value), "{text}");
        }
        assert!(parse_number("NaN").is_ok_and(f64::is_nan));
        let wrong = [
            ("1__0", "strconv.ParseFloat: parsing \"1__0\": invalid syntax"),
            ("1e400", "strconv.ParseFloat: parsing \"1e400\": value out of range"),
            ("0xffffffffffffffffff", "strconv.ParseFloat: parsing \"0xffffffffffffffffff\": invalid syntax"),
            ("0x", "strconv.ParseFloat: parsing \"0x\": invalid syntax"),
            ("+nan", "strconv.ParseFloat: parsing \"+nan\": invalid syntax"),
        ];
        for (text, message) in wrong {
            assert_eq!(parse_number(text).map_err(|e| e.to_string()), Err(message.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoted_text_reads_back(text in ".*") {
            let readable = text.replace('\u{fffd}', "");
            prop_assert_eq!(unquote(&go_quote(&readable)), Ok(readable));
        }

        #[test]
        fn printed_numbers_read_back(bits: u64) {
            let v = f64::from_bits(bits);
            let read = parse_float(&format_sample(v));
            prop_assert!(v.is_nan() || read == Ok(v));
            prop_assert!(v.is_nan() || parse_float(&go_g(v)) == Ok(v));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            let _ = (parse_number(&text), unquote(&text));
        }
    }
}
