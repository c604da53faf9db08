//! Numbers and quoted strings as Go prints them.

/// Go's `strconv.Quote`.
#[must_use]
pub fn go_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`, with `+Inf`, `-Inf`, `NaN`: how the query API writes sample values.
#[must_use]
pub fn format_sample(v: f64) -> String {
    if v.is_nan() {
        "NaN".to_owned()
    } else if v.is_infinite() {
        if v > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        // Rust's Display prints the shortest digits that round-trip, never in exponent form, as Go's 'f' with -1 does.
        v.to_string()
    }
}

/// Go's `%g` and `%v` of a float: the shortest digits that round-trip, in exponent form below 1e-4 and from 1e6 on.
#[must_use]
pub fn go_g(v: f64) -> String {
    if !v.is_finite() {
        return format_sample(v);
    }
    if v == 0.0 {
        return if v.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{v:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return v.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_g_switches_to_exponents() {
        let printed = [1e5, 1e6, 123_456_789.0, 1e-4, 1e-5, -2.5, f64::INFINITY, 0.0].map(go_g);
        assert_eq!(printed, ["100000", "1e+06", "1.23456789e+08", "0.0001", "1e-05", "-2.5", "+Inf", "0"]);
    }
}
