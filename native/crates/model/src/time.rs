//! Durations and timestamps as Prometheus writes and reads them (`common/model/time.go`, `web/api/v1/api.go`).

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
