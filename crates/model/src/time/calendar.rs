//! Days since 1970-01-01 to dates of the Gregorian calendar and back.
//!
//! Years are counted from 1 March, so that the leap day is the last of its year and the lengths of the months
//! before it follow one line; the method is Howard Hinnant's ("chrono-Compatible Low-Level Date Algorithms").
//! Only dates a [`Timestamp`](super::Timestamp) can hold come here, so that everything is positive.

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_IN_400_YEARS: u32 = 146_097;
const DAYS_IN_4_YEARS: u32 = 1_461;

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
}

/// Days of a month; 0 if there is no such month.
#[inline]
pub(super) fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01 of a date after 0000-03-01.
#[inline]
pub(super) fn days_of(date: Date) -> i64 {
    let (year, month) = if date.month > 2 {
        (date.year, date.month - 3)
    } else {
        (date.year - 1, date.month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + date.day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    i64::from(days) - DAYS_TO_EPOCH
}

/// The date of a day that a timestamp can hold.
#[inline]
pub(super) fn date_of(days: i64) -> Date {
    // Lossless: a timestamp is less than 106 752 days from 1970 to either side.
    let days = (days + DAYS_TO_EPOCH) as u32;
    let quarter = 4 * days + 3;
    let century = quarter / DAYS_IN_400_YEARS;
    let day_of_century = quarter % DAYS_IN_400_YEARS / 4;
    let quarter = 4 * day_of_century + 3;
    let day_of_year = quarter % DAYS_IN_4_YEARS / 4;
    let year = 100 * century + quarter / DAYS_IN_4_YEARS;
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    if month < 10 {
        Date {
            year,
            month: month + 3,
            day,
        }
    } else {
        Date {
            year: year + 1,
            month: month - 9,
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn every_day_a_timestamp_can_hold_agrees_with_chrono() {
        let last = NaiveDate::from_ymd_opt(2262, 4, 11).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut day = NaiveDate::from_ymd_opt(1677, 9, 21).unwrap();
        while day <= last {
            let days = day.signed_duration_since(epoch).num_days();
            let date = Date {
                year: day.year() as u32,
                month: day.month(),
                day: day.day(),
            };
            assert_eq!(date_of(days), date);
            assert_eq!(days_of(date), days);
            assert!(day.day() <= days_in_month(date.year, date.month));
            let next = day.succ_opt().unwrap();
            assert_eq!(next.day() == 1, day.day() == days_in_month(date.year, date.month));
            day = next;
        }
    }
}
