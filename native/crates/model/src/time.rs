//! Durations as Prometheus writes and reads them (`common/model/time.go`).

use crate::float::go_quote;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
const YEAR_MS: i64 = 365 * DAY_MS;

/// The largest duration Go can hold (`1<<63 - 1` nanoseconds) in whole milliseconds.
const MAX_DURATION_MS: u64 = (i64::MAX / 1_000_000) as u64;

/// Units from biggest to smallest, the order in which they may follow each other.
const UNITS: [(&str, i64); 7] =
    [("y", YEAR_MS), ("w", WEEK_MS), ("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1)];

/// Why a text is not a duration; the texts are Prometheus's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No text.
    #[error("empty duration string")]
    Empty,
    /// Not digits and units, or the units in the wrong order.
    #[error("not a valid duration string: {}", go_quote(.0))]
    Syntax(String),
    /// A unit that does not exist.
    #[error("unknown unit {} in duration {}", go_quote(unit), go_quote(text))]
    Unit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than about 290 years.
    #[error("duration out of range")]
    Range,
}

/// Milliseconds of `5m`, `1h30m`, `0` (Prometheus's `model.ParseDuration`). A year has 365 days; never negative.
///
/// # Errors
/// [`DurationError`]
pub fn parse_duration(text: &str) -> Result<i64, DurationError> {
    match text {
        "" => return Err(DurationError::Empty),
        "0" => return Ok(0),
        _ => {}
    }
    let syntax = || DurationError::Syntax(text.to_owned());
    let mut rest = text;
    let mut total: u64 = 0;
    let mut allowed = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| syntax())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        if letters == 0 {
            return Err(syntax());
        }
        let (unit, after) = rest.split_at(letters);
        rest = after;
        let at = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| DurationError::Unit { unit: unit.to_owned(), text: text.to_owned() })?;
        if at < allowed {
            return Err(syntax());
        }
        allowed = at + 1;
        total = number
            .checked_mul(UNITS[at].1.unsigned_abs())
            .and_then(|ms| ms.checked_add(total))
            .filter(|&ms| ms <= MAX_DURATION_MS)
            .ok_or(DurationError::Range)?;
    }
    i64::try_from(total).map_err(|_| DurationError::Range)
}

/// Prometheus's `model.Duration.String`: `1h30m`, `0s`; years and weeks only when nothing remains.
#[must_use]
pub fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if ms < 0 {
        out.push('-');
    }
    let mut rest = ms.unsigned_abs();
    for (unit, unit_ms) in UNITS {
        let unit_ms = unit_ms.unsigned_abs();
        let exact = matches!(unit, "y" | "w");
        if exact && !rest.is_multiple_of(unit_ms) {
            continue;
        }
        let count = rest / unit_ms;
        if count > 0 {
            out.push_str(&count.to_string());
            out.push_str(unit);
            rest -= count * unit_ms;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        let read = [
            ("0", 0),
            ("0s", 0),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 300_000 + 6007),
            ("292y", 292 * YEAR_MS),
        ];
        for (text, ms) in read {
            assert_eq!(parse_duration(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn wrong_durations_have_prometheus_texts() {
        let texts = [
            ("", "empty duration string"),
            ("1", "not a valid duration string: \"1\""),
            ("m", "not a valid duration string: \"m\""),
            ("-1m", "not a valid duration string: \"-1m\""),
            ("1.5h", "unknown unit \".\" in duration \"1.5h\""),
            ("1m1d", "not a valid duration string: \"1m1d\""),
            ("1m1m", "not a valid duration string: \"1m1m\""),
            ("1hs", "unknown unit \"hs\" in duration \"1hs\""),
            ("293y", "duration out of range"),
            ("99999999999999999999s", "not a valid duration string: \"99999999999999999999s\""),
        ];
        for (text, message) in texts {
            assert_eq!(parse_duration(text).map_err(|e| e.to_string()), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn durations_print_years_and_weeks_only_when_they_are_whole() {
        let printed = [
            (0, "0s"),
            (1, "1ms"),
            (90 * DAY_MS, "90d"),
            (14 * DAY_MS, "2w"),
            (YEAR_MS, "1y"),
            (YEAR_MS + DAY_MS, "366d"),
            (5_400_000, "1h30m"),
            (-1500, "-1s500ms"),
        ];
        for (ms, text) in printed {
            assert_eq!(format_duration(ms), text);
        }
    }

    proptest! {
        #[test]
        fn printed_durations_read_back(ms in 0..i64::try_from(MAX_DURATION_MS).unwrap_or(i64::MAX)) {
            prop_assert_eq!(parse_duration(&format_duration(ms)), Ok(ms));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = parse_duration(&text);
        }
    }
}
