//! Times as Go prints them in the ingester's errors.

use std::fmt::Write;

const MS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since the epoch as Go's `time.RFC3339Nano` in UTC: trailing zeros of the fraction are left out.
pub(super) fn rfc3339_nano(t_ms: i64) -> String {
    let (days, ms) = (t_ms.div_euclid(MS_PER_DAY), t_ms.rem_euclid(MS_PER_DAY));
    let (year, month, day) = civil_from_days(days);
    let mut out = String::with_capacity(24);
    if year < 0 {
        out.push('-');
    }
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let year = year.unsigned_abs();
    // Writing to a String cannot fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let fraction = ms % 1000;
    if fraction != 0 {
        let _ = write!(out, ".{fraction:03}");
        out.truncate(out.trim_end_matches('0').len());
    }
    out.push('Z');
    out
}

/// Year, month and day of a day number, 0 being 1970-01-01, in the proleptic Gregorian calendar.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years that begin on 1 March, so that the leap day is the last day of a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_go_prints_them() {
        for (t, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-1000, "1969-12-31T23:59:59Z"),
            (1500, "1970-01-01T00:00:01.5Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00Z"),
            (i64::MAX, "292278994-08-17T07:12:55.807Z"),
            (i64::MIN, "-292275055-05-16T16:47:04.192Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
            (-62_167_219_200_001, "-0001-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339_nano(t), text);
        }
    }
}
