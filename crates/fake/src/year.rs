//! Holidays, vacations, sick days, semesters.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::day::{DayKind, Purpose};
use crate::plan::Profile;
use crate::random::Random;

/// Days since 1970.
pub(crate) fn number(date: Date) -> i64 {
    let year = i64::from(date.year());
    // Days from civil, with years that begin in March (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let month = i64::from(date.month());
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + i64::from(date.day()) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What kind of day a date is for the person of this seed.
pub(crate) fn kind(seed: i64, date: Date, profile: Profile) -> DayKind {
    if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
        return DayKind::Weekend;
    }
    if is_holiday(date) {
        return DayKind::Holiday;
    }
    if profile == Profile::Student && is_between_semesters(date) {
        return DayKind::Break;
    }
    if is_vacation(seed, date) {
        return DayKind::Vacation;
    }
    if is_sick(seed, date) {
        return DayKind::Sick;
    }
    DayKind::Work
}

/// The holidays that most of Europe shares.
fn is_holiday(date: Date) -> bool {
    let fixed = [(1, 1), (1, 6), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)];
    let from_easter = number(date) - number(easter(date.year()));
    // Good Friday, Easter Monday, Ascension Day, Whit Monday.
    fixed.contains(&(date.month(), date.day())) || [-2, 1, 39, 50].contains(&from_easter)
}

/// Easter Sunday ("anonymous Gregorian algorithm", Nature 1876).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let part = |value: i32| i8::try_from(value).unwrap_or(1);
    Date::new(year, part(n / 31), part(n % 31 + 1)).unwrap_or(Date::ZERO)
}

fn is_between_semesters(date: Date) -> bool {
    let day = (date.month(), date.day());
    ((2, 16)..=(4, 9)).contains(&day) || ((7, 21)..=(10, 9)).contains(&day)
}

/// Two weeks in summer, one in spring, one around the turn of the year.
fn is_vacation(seed: i64, date: Date) -> bool {
    let mut random = Random::of(&[seed, Purpose::Year as i64, i64::from(date.year())]);
    let summer = random.between(181, 226);
    let spring = random.between(75, 120);
    let day = i64::from(date.day_of_year());
    // Whole weeks: from the Monday of the week that a number falls into.
    let monday = day - i64::from(date.weekday().to_monday_zero_offset());
    (summer..summer + 14).contains(&monday)
        || (spring..spring + 7).contains(&monday)
        || day >= 358
        || day <= 3
}

/// An illness begins on one day in 60, and lasts one to three days.
fn is_sick(seed: i64, date: Date) -> bool {
    (0..3).any(|ago| {
        let begun = date.saturating_sub(i64::from(ago).days());
        let mut random = Random::of(&[seed, Purpose::Year as i64, number(begun), 1]);
        random.chance(17) && random.between(1, 4) > i64::from(ago)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn easter_is_when_it_was() {
        for (year, month, day) in [
            (2000, 4, 23),
            (2008, 3, 23),
            (2024, 3, 31),
            (2026, 4, 5),
            (2038, 4, 25),
        ] {
            assert_eq!(easter(year), date(year, month, day));
        }
    }

    #[test]
    fn days_are_counted_as_jiff_counts_them() {
        for day in [
            date(1970, 1, 1),
            date(1969, 12, 31),
            date(2000, 2, 29),
            date(2026, 11, 29),
            date(2100, 3, 1),
        ] {
            let days = day.since(date(1970, 1, 1)).unwrap().get_days();
            assert_eq!(number(day), i64::from(days), "{day}");
        }
    }

    #[test]
    fn a_year_has_some_of_every_kind_but_mostly_work() {
        for seed in 0..20 {
            let mut day = date(2026, 1, 1);
            let mut counts = [0; 5];
            while day.year() == 2026 {
                let at = match kind(seed, day, Profile::Developer) {
                    DayKind::Work => 0,
                    DayKind::Weekend => 1,
                    DayKind::Holiday => 2,
                    DayKind::Vacation => 3,
                    DayKind::Sick => 4,
                    DayKind::Break => panic!("semesters are for students"),
                };
                counts[at] += 1;
                day = day.tomorrow().unwrap();
            }
            assert!((205..245).contains(&counts[0]), "{counts:?}");
            assert!((5..11).contains(&counts[2]), "{counts:?}");
            assert!((10..25).contains(&counts[3]), "{counts:?}");
            assert!(counts[4] < 25, "{counts:?}");
        }
    }
}
