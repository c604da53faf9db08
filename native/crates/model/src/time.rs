//! Durations and timestamps as Prometheus writes and reads them (`common/model/time.go`, `web/api/v1/api.go`).

use crate::float::{go_quote, parse_float};

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

/// Like [`parse_duration`], with an optional `-` in front (`model.ParseDurationAllowNegative`).
///
/// # Errors
/// [`DurationError`]
pub fn parse_signed_duration(text: &str) -> Result<i64, DurationError> {
    text.strip_prefix('-').map_or_else(|| parse_duration(text), |rest| parse_duration(rest).map(|ms| -ms))
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

/// The text is no timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {} to a valid timestamp", go_quote(.0))]
pub struct TimestampError(pub String);

/// The text is no number of seconds and no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Neither.
    #[error("cannot parse {} to a valid duration", go_quote(.0))]
    Syntax(String),
    /// Does not fit.
    #[error("cannot parse {} to a valid duration. It overflows int64", go_quote(.0))]
    Overflow(String),
}

/// The earliest time that Prometheus's API takes and how it is written; Go's formats cannot read years of this length.
pub const MIN_TIME: (i64, &str) = (-9_223_309_901_257_974_000, "-292273086-05-16T16:47:06Z");

/// The latest time that Prometheus's API takes and how it is written.
pub const MAX_TIME: (i64, &str) = (9_223_309_901_257_974_999, "+292277025-08-18T07:12:54.999999999Z");

/// Milliseconds since the epoch of seconds (`1435781451.781`) or RFC 3339 (`2015-07-01T20:10:51.781Z`), as `time`, `start` and
/// `end` are given (`parseTime` of `web/api/v1/api.go`).
///
/// # Errors
/// [`TimestampError`]
pub fn parse_timestamp(text: &str) -> Result<i64, TimestampError> {
    if let Ok(seconds) = parse_float(text) {
        let (whole, fraction) = (seconds.trunc(), seconds.fract());
        // Prometheus rounds to milliseconds and goes through nanoseconds.
        #[allow(clippy::cast_possible_truncation, reason = "saturates")]
        let nanoseconds = ((fraction * 1000.0).round() / 1000.0 * 1e9) as i64;
        #[allow(clippy::cast_possible_truncation, reason = "saturates")]
        return Ok((whole as i64).saturating_mul(1000).saturating_add(nanoseconds.div_euclid(1_000_000)));
    }
    let bound = [MIN_TIME, MAX_TIME].into_iter().find(|(_, written)| *written == text).map(|(ms, _)| ms);
    parse_rfc3339(text).or(bound).ok_or_else(|| TimestampError(text.to_owned()))
}

/// Milliseconds of seconds (`15`, `0.5`) or of a duration (`1m`), as `step` is given (`parseDuration` of `web/api/v1/api.go`).
///
/// # Errors
/// [`StepError`]
pub fn parse_step(text: &str) -> Result<i64, StepError> {
    if let Ok(seconds) = parse_float(text) {
        let nanoseconds = seconds * 1e9;
        #[allow(clippy::cast_precision_loss, reason = "the bound of the check in Prometheus")]
        if nanoseconds.abs() > i64::MAX as f64 {
            return Err(StepError::Overflow(text.to_owned()));
        }
        #[allow(clippy::cast_possible_truncation, reason = "checked above")]
        return Ok(nanoseconds as i64 / 1_000_000);
    }
    parse_duration(text).map_err(|_| StepError::Syntax(text.to_owned()))
}

/// Reads `2006-01-02T15:04:05.999999999Z07:00` as Go does: the hour may have one digit, the fraction any number.
fn parse_rfc3339(text: &str) -> Option<i64> {
    let mut rest = text;
    let year = take_number(&mut rest, 4, 4)?;
    let month = take_sign(&mut rest, "-").and_then(|()| take_number(&mut rest, 2, 2))?;
    let day = take_sign(&mut rest, "-").and_then(|()| take_number(&mut rest, 2, 2))?;
    let hour = take_sign(&mut rest, "T").and_then(|()| take_number(&mut rest, 1, 2))?;
    let minute = take_sign(&mut rest, ":").and_then(|()| take_number(&mut rest, 2, 2))?;
    let second = take_sign(&mut rest, ":").and_then(|()| take_number(&mut rest, 2, 2))?;
    let mut fraction_ms = 0;
    if let Some(digits) = rest.strip_prefix(['.', ',']) {
        let count = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if count == 0 {
            return None;
        }
        let padded = format!("{:0<3}", &digits[..count.min(3)]);
        fraction_ms = padded.parse().ok()?;
        rest = &digits[count..];
    }
    let zone_minutes = match rest.as_bytes().first()? {
        b'Z' if rest.len() == 1 => 0,
        sign @ (b'+' | b'-') => {
            rest = &rest[1..];
            let hours = take_number(&mut rest, 2, 2)?;
            let minutes = take_sign(&mut rest, ":").and_then(|()| take_number(&mut rest, 2, 2))?;
            if !rest.is_empty() || hours > 24 || minutes >= 60 {
                return None;
            }
            if *sign == b'-' { -(hours * 60 + minutes) } else { hours * 60 + minutes }
        }
        _ => return None,
    };
    let valid = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let days = days_since_epoch(year, month, day);
    valid.then_some(
        days * DAY_MS + hour * HOUR_MS + (minute - zone_minutes) * MINUTE_MS + second * SECOND_MS + fraction_ms,
    )
}

fn take_sign(rest: &mut &str, sign: &str) -> Option<()> {
    *rest = rest.strip_prefix(sign)?;
    Some(())
}

fn take_number(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (digits, after) = rest.split_at(count);
    *rest = after;
    digits.parse().ok()
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = |years: i64| years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let months: i64 = (1..month).map(|m| days_in_month(year, m)).sum();
    (year - 1970) * 365 + leap_days(before) - leap_days(1969) + months + day - 1
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
        assert_eq!(parse_signed_duration("-1m"), Ok(-60_000));
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

    #[test]
    fn timestamps_are_read() {
        let read = [
            ("0", 0),
            ("1435781451.781", 1_435_781_451_781),
            ("-1.5", -1500),
            ("1e3", 1_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2015-07-01T20:10:51.781Z", 1_435_781_451_781),
            ("2015-07-01T20:10:51.7819999Z", 1_435_781_451_781),
            ("2015-07-01T22:10:51+02:00", 1_435_781_451_000),
            ("2000-02-29T0:00:00Z", 951_782_400_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            (MIN_TIME.1, MIN_TIME.0),
            (MAX_TIME.1, MAX_TIME.0),
        ];
        for (text, ms) in read {
            assert_eq!(parse_timestamp(text), Ok(ms), "{text}");
        }
        for text in
            ["", "now", "2015-02-29T00:00:00Z", "2015-07-01 20:10:51Z", "2015-07-01T24:00:00Z", "2015-07-01T00:00:00"]
        {
            let message = format!("cannot parse {} to a valid timestamp", go_quote(text));
            assert_eq!(parse_timestamp(text).map_err(|e| e.to_string()), Err(message));
        }
    }

    #[test]
    fn steps_are_read() {
        assert_eq!(parse_step("15"), Ok(15_000));
        assert_eq!(parse_step("0.5"), Ok(500));
        assert_eq!(parse_step("1m"), Ok(60_000));
        assert_eq!(
            parse_step("x").map_err(|e| e.to_string()),
            Err("cannot parse \"x\" to a valid duration".to_owned())
        );
        let overflow = "cannot parse \"1e20\" to a valid duration. It overflows int64";
        assert_eq!(parse_step("1e20").map_err(|e| e.to_string()), Err(overflow.to_owned()));
    }

    proptest! {
        #[test]
        fn printed_durations_read_back(ms in 0..i64::try_from(MAX_DURATION_MS).unwrap_or(i64::MAX)) {
            prop_assert_eq!(parse_duration(&format_duration(ms)), Ok(ms));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (parse_duration(&text), parse_timestamp(&text), parse_step(&text));
        }
    }
}
