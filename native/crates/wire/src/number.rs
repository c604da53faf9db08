//! Numbers as Go prints them.

/// Go's `strconv.FormatFloat(v, 'e', -1, 64)`: shortest digits, at least two digits of exponent.
pub(crate) fn go_exponent(v: f64) -> String {
    if !v.is_finite() {
        return neocortex_model::float::format_sample(v);
    }
    let text = format!("{v:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}
