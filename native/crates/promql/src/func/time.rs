//! Parts of a date, in UTC. Without an argument, of the time of the step.

use neocortex_model::labels::Labels;

use super::{Argument, Call};
use crate::eval::column::{Column, absent, is_absent};
use crate::eval::error::EvalError;

const SECONDS_PER_DAY: i64 = 86_400;

/// The first second of Go's calendar, in the year -292277022399. What is earlier wraps around to its end.
const FIRST_SECOND: i64 = -9_223_372_028_741_760_000;

/// A moment in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Date {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
    /// Days since the epoch.
    days: i64,
    second_of_day: i64,
}

impl Date {
    /// From seconds since the epoch. Days are counted from March, so that the leap day is the last of a year.
    fn from_unix(seconds: i64) -> Self {
        let wrapped = i128::from(seconds) + if seconds < FIRST_SECOND { 1 << 64 } else { 0 };
        let days = (wrapped.div_euclid(i128::from(SECONDS_PER_DAY))) as i64;
        let since = days + 719_468;
        let era = since.div_euclid(146_097);
        let day_of_era = since.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            days,
            second_of_day: wrapped.rem_euclid(i128::from(SECONDS_PER_DAY)) as i64,
        }
    }

    fn is_leap_year(&self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(&self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(&self) -> i64 {
        const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        BEFORE[(self.month - 1) as usize] + self.day + i64::from(self.month > 2 && self.is_leap_year())
    }

    /// 0 is Sunday.
    fn day_of_week(&self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }
}

/// Go's conversion of a float to `int64` on amd64: what does not fit becomes the smallest number.
fn go_seconds(v: f64) -> i64 {
    if (-9.223_372_036_854_776e18..9.223_372_036_854_776e18).contains(&v) { v as i64 } else { i64::MIN }
}

fn of_dates(call: &Call<'_>, args: Vec<Argument>, part: fn(&Date) -> i64) -> Vec<Column> {
    let of = |seconds: i64| part(&Date::from_unix(seconds)) as f64;
    let Some(vector) = args.into_iter().next() else {
        let mut column = Column::new(Labels::empty(), call.steps.len());
        for (v, t) in column.floats.iter_mut().zip(call.steps) {
            *v = of(t / 1000);
        }
        return vec![column];
    };
    let map = |mut column: Column| {
        column.histograms = Vec::new();
        for v in &mut column.floats {
            *v = if is_absent(*v) { absent() } else { of(go_seconds(*v)) };
        }
        call.drop_name(&mut column);
        column
    };
    vector.into_vector().into_iter().map(map).filter(|column| !column.is_empty()).collect()
}

/// `day_of_month`
pub(super) fn day_of_month(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, |date| date.day))
}

/// `day_of_week`
pub(super) fn day_of_week(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, Date::day_of_week))
}

/// `day_of_year`
pub(super) fn day_of_year(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, Date::day_of_year))
}

/// `days_in_month`
pub(super) fn days_in_month(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, Date::days_in_month))
}

/// `hour`
pub(super) fn hour(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, |date| date.second_of_day / 3600))
}

/// `minute`
pub(super) fn minute(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, |date| date.second_of_day / 60 % 60))
}

/// `month`
pub(super) fn month(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, |date| date.month))
}

/// `year`
pub(super) fn year(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    Ok(of_dates(call, args, |date| date.year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar() {
        let leap = Date::from_unix(951_825_600);
        assert_eq!((leap.year, leap.month, leap.day), (2000, 2, 29));
        assert_eq!((leap.days_in_month(), leap.day_of_year(), leap.day_of_week()), (29, 60, 2));
        let before = Date::from_unix(-1);
        assert_eq!((before.year, before.month, before.day, before.day_of_week()), (1969, 12, 31, 3));
        assert_eq!(before.second_of_day, 86_399);
        let century = Date::from_unix(4_107_542_400);
        assert_eq!((century.year, century.month, century.day), (2100, 3, 1));
        assert_eq!(century.day_of_year(), 60);
    }

    /// As Go 1.26 gives them: seconds, year, month, day, day of the year, day of the week, hour.
    #[test]
    fn dates_beyond_the_calendar_wrap() {
        for [seconds, year, month, day, day_of_year, day_of_week, hour] in [
            [i64::MIN, 292_277_026_596, 12, 4, 339, 0, 15],
            [-9_223_372_030_000_000_000, 292_277_026_814, 2, 23, 54, 0, 7],
            [-9_200_000_000_000_000_000, -291_536_392_293, 5, 3, 123, 2, 12],
            [9_223_372_028_741_760_000, 292_277_026_339, 11, 3, 307, 5, 0],
            [1_000_000_000_000_000_000, 31_688_740_476, 10, 23, 297, 5, 1],
        ] {
            let date = Date::from_unix(seconds);
            assert_eq!([date.year, date.month, date.day], [year, month, day]);
            assert_eq!([date.day_of_year(), date.day_of_week()], [day_of_year, day_of_week]);
            assert_eq!(date.second_of_day / 3600, hour);
        }
    }
}
