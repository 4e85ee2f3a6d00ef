//! Instants as people type them, and as they read them.

use chrono::{DateTime, Local, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use timberline_model::{Duration, Timestamp};

const SECOND: i64 = 1_000_000_000;

/// How an instant may be written where it is about records; part of the help of each option that takes one.
pub(crate) const FORMS: &str = "TIME is RFC 3339 (2024-03-01T10:00:00Z, or with +01:00), \
    a date (its midnight in UTC), or how long ago (90s, 15m, 2h, 7d)";

/// How an instant may be written where it is about someone's days.
pub(crate) const LOCAL_FORMS: &str = "TIME is RFC 3339 (2024-03-01T10:00:00Z, or with +01:00), \
    a date, today or yesterday (when that day began here), now, or how long ago (90s, 15m, 2h, 7d)";

/// Reads an instant: see [`FORMS`].
///
/// # Errors
/// With the forms there are.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let read = ago(text, Timestamp::from(timberline_clock::wall())).or_else(|| exact(text, &Utc));
    read.ok_or_else(|| FORMS.to_owned())
}

/// Reads an instant: see [`LOCAL_FORMS`].
///
/// # Errors
/// With the forms there are.
pub(crate) fn local_moment(text: &str) -> Result<Timestamp, String> {
    let now = Timestamp::from(timberline_clock::wall());
    let read = ago(text, now)
        .or_else(|| word(text, now, &Local))
        .or_else(|| exact(text, &Local));
    read.ok_or_else(|| LOCAL_FORMS.to_owned())
}

/// An instant as a clock on the wall shows it, with the offset of that clock: `2024-03-01T11:00:00+01:00`.
pub(crate) fn local_text(at: Timestamp) -> String {
    let at: DateTime<Local> = Local.timestamp_nanos(at.nanos());
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// A date, or a time with an offset.
fn exact<Z: TimeZone>(text: &str, zone: &Z) -> Option<Timestamp> {
    if text.len() == "2024-03-01".len() {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        return beginning(day, zone);
    }
    Timestamp::parse(text).ok()
}

fn word<Z: TimeZone>(text: &str, now: Timestamp, zone: &Z) -> Option<Timestamp> {
    let today = zone.timestamp_nanos(now.nanos()).date_naive();
    match text {
        "now" => Some(now),
        "today" => beginning(today, zone),
        "yesterday" => beginning(today.pred_opt()?, zone),
        _ => None,
    }
}

/// When a day began: at its first midnight, or where the clocks were put forward over midnight, right after that.
fn beginning<Z: TimeZone>(day: NaiveDate, zone: &Z) -> Option<Timestamp> {
    let quarter = |n: i32| day.and_time(NaiveTime::MIN) + TimeDelta::minutes(15 * i64::from(n));
    let first = (0..24 * 4).find_map(|n| zone.from_local_datetime(&quarter(n)).earliest())?;
    first.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

/// `15m` as fifteen minutes before `now`.
fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let unit = match text.chars().last()? {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => 3_600 * SECOND,
        'd' => 86_400 * SECOND,
        _ => return None,
    };
    let count: u32 = text.get(..text.len() - 1)?.parse().ok()?;
    now.checked_add(Duration::from_nanos(unit.checked_mul(-i64::from(count))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn instants_are_rfc_3339_or_dates() {
        let ten = at("2024-03-01T10:00:00Z");
        assert_eq!(moment("2024-03-01T11:00:00+01:00").unwrap(), ten);
        assert_eq!(local_moment("2024-03-01T11:00:00+01:00").unwrap(), ten);
        assert_eq!(moment("2024-03-01").unwrap(), at("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn instants_are_told_as_so_long_ago() {
        let now = at("2024-03-08T00:01:30Z");
        assert_eq!(ago("90s", now), Some(at("2024-03-08T00:00:00Z")));
        assert_eq!(ago("7d", now), Some(at("2024-03-01T00:01:30Z")));
        assert!(moment("2h").unwrap() < Timestamp::now());
        assert!(local_moment("2h").unwrap() < Timestamp::now());
    }

    #[test]
    fn a_day_begins_at_its_local_midnight() {
        let zone = FixedOffset::east_opt(2 * 3_600).unwrap();
        assert_eq!(exact("2024-03-01", &zone), Some(at("2024-02-29T22:00:00Z")));
        // Here it is already the second of March.
        let now = at("2024-03-01T23:00:00Z");
        assert_eq!(word("now", now, &zone), Some(now));
        assert_eq!(word("today", now, &zone), Some(at("2024-03-01T22:00:00Z")));
        assert_eq!(word("yesterday", now, &zone), Some(at("2024-02-29T22:00:00Z")));
        assert_eq!(word("tomorrow", now, &zone), None);
    }

    #[test]
    fn what_is_read_is_what_was_shown() {
        let ten = at("2024-03-01T10:00:00Z");
        assert_eq!(local_moment(&local_text(ten)), Ok(ten));
    }

    #[test]
    fn anything_else_is_told_what_there_is() {
        for text in [
            "",
            "h",
            "-2h",
            "2x",
            "yester",
            "2024-13-01",
            "2024-02-30",
            "99999999999d",
        ] {
            assert_eq!(moment(text), Err(FORMS.to_owned()), "{text}");
            assert_eq!(local_moment(text), Err(LOCAL_FORMS.to_owned()), "{text}");
        }
        assert_eq!(moment("yesterday"), Err(FORMS.to_owned()));
    }
}
