use super::*;
use crate::clock::ZoneChange;
use proptest::prelude::*;
use proptest::sample::select;

const MINUTE: i64 = 60 * SECOND;

/// Zones whose days are odd: half an hour of summer time, a quarter of an hour of offset, a date that was skipped, clocks
/// that are changed at midnight; and usual ones.
const ZONES: [&str; 8] = [
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "UTC",
];

/// Instants near which clocks were changed, and others.
fn instant() -> impl Strategy<Value = i64> {
    let known = [
        "2011-12-30T10:00:00Z", // Apia leaves a date out.
        "2017-10-15T03:00:00Z", // São Paulo: midnight becomes one o'clock.
        "2018-02-18T02:00:00Z", // And back.
        "2026-04-04T15:00:00Z", // Lord Howe: half an hour.
        "2026-10-03T15:30:00Z",
        "2026-03-29T01:00:00Z", // Berlin.
        "2026-10-25T01:00:00Z",
    ];
    let known = known.map(|text| Timestamp::parse(text).unwrap().nanos() / MINUTE);
    (select(known.to_vec()), -4_000i64..4_000).prop_map(|(near, minutes)| (near + minutes) * MINUTE)
}

fn zones() -> impl Strategy<Value = Vec<ZoneChange>> {
    let change = || {
        (instant(), select(ZONES.to_vec())).prop_map(|(from, zone)| ZoneChange {
            from: Timestamp::from_nanos(from),
            zone: zone.to_owned(),
        })
    };
    prop_oneof![
        3 => prop::collection::vec(change(), 1..2),
        1 => prop::collection::vec(change(), 2..4),
    ]
}

fn day_start() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["00:00", "04:00", "02:00", "00:30", "23:59"]).prop_map(str::to_owned),
        (0..24, 0..60).prop_map(|(hour, minute)| format!("{hour}:{minute:02}")),
    ]
}

/// Plainly: looks at the clock each minute, and gives the first at which the day of a date has begun.
fn plain_start(calendar: &Calendar, date: Date) -> i64 {
    let utc = jiff::tz::TimeZone::UTC
        .to_timestamp(date.at(0, 0, 0, 0))
        .unwrap()
        .as_second()
        * SECOND;
    let mut at = utc - 3 * DAY;
    loop {
        let shown = calendar.shown(at);
        let passed = shown.date() > date
            || shown.date() == date
                && i32::from(shown.hour()) * 3600 + i32::from(shown.minute()) * 60 >= calendar.day_start;
        if passed || calendar.day_start >= 86_400 {
            return at;
        }
        at += MINUTE;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_day_begins_when_the_clock_first_shows_its_start_or_more(
        zones in zones(), day_start in day_start(), at in instant(), days in -3i64..3,
    ) {
        let calendar = Calendar::new(Clock::of_zones(&zones).unwrap(), &day_start, "monday").unwrap();
        let date = calendar.shown(at + days * DAY).date();
        prop_assert_eq!(calendar.start_of(date), plain_start(&calendar, date), "{}", date);
    }

    /// The day of an instant is the whole one of the days around it.
    #[test]
    fn the_day_of_an_instant_is_the_one_that_it_lies_in(
        zones in zones(), day_start in day_start(), at in instant(), nanos in 0i64..3,
    ) {
        let calendar = Calendar::new(Clock::of_zones(&zones).unwrap(), &day_start, "monday").unwrap();
        let at = at + nanos;
        let around = Period::of_nanos(at - 5 * DAY, at + 5 * DAY);
        let days = calendar.bins(around, Interval::Day, 100).unwrap();
        let expected = days.iter().find(|day| day.start.nanos() <= at && at < day.end.nanos()).unwrap();
        let day = calendar.day(Timestamp::from_nanos(at));
        prop_assert_eq!((day.start, day.end), (expected.start, expected.end));
    }

    #[test]
    fn bins_tile_the_period(
        zones in zones(), day_start in day_start(), at in instant(), minutes in 0i64..200_000, nanos in 0i64..3,
        interval in select(vec![Interval::None, Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::Year]),
    ) {
        let calendar = Calendar::new(Clock::of_zones(&zones).unwrap(), &day_start, "Sunday").unwrap();
        let period = Period::of_nanos(at + nanos, at + minutes * MINUTE);
        let bins = calendar.bins(period, interval, 100_000).unwrap();
        prop_assert_eq!(bins[0].start, period.start);
        prop_assert_eq!(bins[bins.len() - 1].end, period.end.max(period.start));
        for pair in bins.windows(2) {
            prop_assert_eq!(pair[0].end, pair[1].start);
            prop_assert!(pair[0].start < pair[0].end);
            prop_assert!(pair[0].date <= pair[1].date);
        }
        // Each is where its date says.
        for bin in bins.iter().filter(|bin| bin.date.is_some()) {
            let date = bin.date.unwrap();
            prop_assert!(calendar.start_of(date) <= bin.start.nanos());
            prop_assert!(bin.end.nanos() <= calendar.start_of(next(date, interval).unwrap()));
        }
    }
}

fn lengths(zone: &str, day_start: &str, from: &str, to: &str) -> Vec<(String, i64)> {
    let calendar = Calendar::of_zone(zone, day_start, "monday").unwrap();
    let period = Period::parse(&format!("{from}/{to}")).unwrap();
    let bins = calendar.bins(period, Interval::Day, 100).unwrap();
    let length = |bin: &Bin| (bin.end.nanos() - bin.start.nanos()) / MINUTE;
    bins.iter()
        .map(|bin| (bin.date.unwrap().to_string(), length(bin)))
        .collect()
}

#[test]
fn odd_days_have_their_true_lengths() {
    let named = |days: &[(&str, i64)]| -> Vec<(String, i64)> {
        days.iter()
            .map(|(date, minutes)| ((*date).to_owned(), *minutes))
            .collect()
    };
    let berlin = lengths(
        "Europe/Berlin",
        "00:00",
        "2026-03-27T23:00:00Z",
        "2026-03-30T22:00:00Z",
    );
    assert_eq!(
        berlin,
        named(&[("2026-03-28", 1440), ("2026-03-29", 1380), ("2026-03-30", 1440)])
    );
    let howe = lengths(
        "Australia/Lord_Howe",
        "00:00",
        "2026-04-03T13:00:00Z",
        "2026-04-06T13:30:00Z",
    );
    assert_eq!(
        howe,
        named(&[("2026-04-04", 1440), ("2026-04-05", 1470), ("2026-04-06", 1440)])
    );
    // Midnight did not exist: the day began at one o'clock.
    let paulo = lengths(
        "America/Sao_Paulo",
        "00:00",
        "2017-10-14T03:00:00Z",
        "2017-10-17T02:00:00Z",
    );
    assert_eq!(
        paulo,
        named(&[("2017-10-14", 1440), ("2017-10-15", 1380), ("2017-10-16", 1440)])
    );
    // After the 29th came the 31st.
    let apia = lengths(
        "Pacific/Apia",
        "00:00",
        "2011-12-28T10:00:00Z",
        "2012-01-01T10:00:00Z",
    );
    assert_eq!(
        apia,
        named(&[
            ("2011-12-28", 1440),
            ("2011-12-29", 1440),
            ("2011-12-31", 1440),
            ("2012-01-01", 1440)
        ])
    );
}

#[test]
fn one_that_flies_west_has_a_longer_day_and_none_twice() {
    let change = |from: &str, zone: &str| ZoneChange {
        from: Timestamp::parse(from).unwrap(),
        zone: zone.to_owned(),
    };
    let zones = [
        change("2026-01-01T00:00:00Z", "Europe/Berlin"),
        change("2026-06-10T12:00:00Z", "America/New_York"),
    ];
    let calendar = Calendar::new(Clock::of_zones(&zones).unwrap(), "00:00", "monday").unwrap();
    let period = Period::parse("2026-06-08T22:00:00Z/2026-06-12T04:00:00Z").unwrap();
    let bins = calendar.bins(period, Interval::Day, 100).unwrap();
    let hours: Vec<i64> = bins
        .iter()
        .map(|b| (b.end.nanos() - b.start.nanos()) / HOUR)
        .collect();
    assert_eq!(hours, [24, 30, 24]);
    assert_eq!(calendar.format(bins[2].start), "2026-06-11T00:00:00-04:00");
}

#[test]
fn what_does_not_exist_is_an_error() {
    let of = |zone, day, week| Calendar::of_zone(zone, day, week).map(|_| ());
    assert_eq!(
        of("Mars/Base", "04:00", "monday"),
        Err(CalendarError::Clock(ClockError::Zone("Mars/Base".into())))
    );
    for day in ["", "4", "24:00", "04:60", "+4:00", "004:00"] {
        assert_eq!(of("UTC", day, "monday"), Err(CalendarError::DayStart(day.into())));
    }
    assert_eq!(
        of("UTC", "4:30", "Someday"),
        Err(CalendarError::WeekStart("Someday".into()))
    );
    let calendar = Calendar::of_zone("UTC", "04:00", "Monday").unwrap();
    let all = Period::of_nanos(i64::MIN, i64::MAX);
    assert_eq!(
        calendar.bins(all, Interval::Day, 1000),
        Err(CalendarError::TooMany(1000))
    );
    assert_eq!(calendar.bins(all, Interval::Year, 1000).unwrap().len(), 586);
}
