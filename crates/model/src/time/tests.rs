//! Times against chrono, seconds against exact arithmetic.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use proptest::prelude::*;

use super::{Duration, Pulsetime, TimeError, Timestamp};

/// What chrono reads: nanoseconds, or the year when they do not fit; `None` when it is no time.
fn chrono_reads(text: &str) -> Option<Option<i64>> {
    let date: DateTime<FixedOffset> = text.parse().ok()?;
    Some(date.timestamp_nanos_opt())
}

fn we_read(text: &str) -> Option<Option<i64>> {
    match Timestamp::parse(text) {
        Ok(timestamp) => Some(Some(timestamp.nanos())),
        Err(TimeError::OutOfRange { .. }) => Some(None),
        Err(TimeError::Malformed(_)) => None,
        Err(other) => panic!("{text}: {other}"),
    }
}

fn written(timestamp: Timestamp) -> String {
    let mut out = Vec::new();
    timestamp.write(&mut out);
    String::from_utf8(out).unwrap()
}

fn seconds_written(duration: Duration) -> String {
    let mut out = Vec::new();
    duration.write(&mut out);
    String::from_utf8(out).unwrap()
}

/// Dates and times in every spelling, many of them impossible, and texts that are not times.
fn time_text() -> impl Strategy<Value = String> {
    let year = prop_oneof![
        8 => 1970u32..2100,
        2 => 1660u32..1700,
        2 => 2250u32..2280,
        1 => 0u32..10_000,
    ];
    let date =
        (year, 0u32..14, 0u32..34).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let clock = (0u32..26, 0u32..62, 0u32..62).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}"));
    let separator = prop::sample::select(vec!["T", "T", "T", "t", " ", "  ", "_", ""]);
    let fraction = prop_oneof![4 => Just(String::new()), 6 => "\\.[0-9]{1,9}", 1 => "\\.[0-9]{0,14}", 1 => ",[0-9]{1,3}"];
    let offset = prop_oneof![
        6 => Just("Z".to_owned()),
        1 => Just("z".to_owned()),
        4 => "[+-](0[0-9]|1[0-9]|2[0-6]):[0-6][0-9]",
        2 => "[+-][0-2][0-9][0-6][0-9]",
        1 => prop::sample::select(vec!["", "+02", " 02:00", "\u{2212}02:00", "UTC", " Z", " +02:00", "Zx"])
            .prop_map(str::to_owned),
    ];
    (date, separator, clock, fraction, offset).prop_map(|(date, separator, clock, fraction, offset)| {
        format!("{date}{separator}{clock}{fraction}{offset}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn times_are_read_as_chrono_reads_them(text in time_text()) {
        prop_assert_eq!(we_read(&text), chrono_reads(&text), "{}", text);
    }

    #[test]
    fn damaged_times_are_read_as_chrono_reads_them(
        text in time_text(),
        at in any::<prop::sample::Index>(),
        with in "[0-9TZ:+. -]?",
    ) {
        let mut characters: Vec<String> = text.chars().map(String::from).collect();
        let at = at.index(characters.len());
        characters[at] = with;
        let text = characters.concat();
        prop_assert_eq!(we_read(&text), chrono_reads(&text), "{}", text);
    }

    #[test]
    fn times_are_written_as_chrono_writes_them(nanos in any::<i64>(), unit in prop::sample::select(vec![1, 1_000, 1_000_000, 1_000_000_000])) {
        let nanos = nanos / unit * unit;
        let expected = DateTime::<Utc>::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        prop_assert_eq!(written(Timestamp::from_nanos(nanos)), expected);
    }

    #[test]
    fn times_that_were_written_are_read_back(nanos in any::<i64>()) {
        let timestamp = Timestamp::from_nanos(nanos);
        prop_assert_eq!(Timestamp::parse(&written(timestamp)), Ok(timestamp));
        prop_assert_eq!(timestamp.to_string(), written(timestamp));
    }

    #[test]
    fn seconds_that_were_written_are_read_back(nanos in any::<i64>(), shift in 0u32..64) {
        let duration = Duration::from_nanos(nanos >> shift);
        let text = seconds_written(duration);
        prop_assert_eq!(Duration::parse(&text), Ok(duration), "{}", text);
        prop_assert!(serde_json::from_str::<serde_json::Number>(&text).is_ok(), "{} is JSON", text);
        prop_assert_eq!(duration.to_string(), text);
    }

    #[test]
    fn seconds_are_written_exactly(nanos in any::<i64>(), shift in 0u32..64) {
        let nanos = nanos >> shift;
        let sign = if nanos < 0 { "-" } else { "" };
        let (whole, fraction) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
        let fraction = format!("{fraction:09}");
        let fraction = fraction.trim_end_matches('0');
        let expected = format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction });
        prop_assert_eq!(seconds_written(Duration::from_nanos(nanos)), expected);
    }

    #[test]
    fn decimal_seconds_are_rounded_to_the_nearest_nanosecond(
        negative in any::<bool>(),
        whole in prop_oneof![0u64..100_000, 9_223_372_030u64..9_223_372_040, any::<u64>().prop_map(|n| n % 1_000_000_000_000)],
        fraction in prop::option::of("[0-9]{1,15}"),
    ) {
        let sign = if negative { "-" } else { "" };
        let point = if fraction.is_some() { "." } else { "" };
        let fraction = fraction.unwrap_or_default();
        let text = format!("{sign}{whole}{point}{fraction}");
        // In units of 1e-15 s; half of a nanosecond is 500_000 of them and rounds away from zero.
        let fine = i128::from(whole) * 1_000_000_000_000_000 + format!("{fraction:0<15}").parse::<i128>().unwrap();
        let nanos = (fine + 500_000) / 1_000_000;
        let expected = i64::try_from(if negative { -nanos } else { nanos }).ok().map(Duration::from_nanos);
        prop_assert_eq!(Duration::parse(&text).ok(), expected, "{}", text);
    }

    #[test]
    fn any_number_is_read_about_as_an_f64_is(seconds in any::<f64>()) {
        let text = serde_json::to_string(&seconds).unwrap();
        prop_assume!(text != "null");
        match (Duration::parse(&text), Duration::from_secs_f64(seconds)) {
            (Ok(read), Ok(rounded)) => {
                let close = 1.0 + rounded.nanos().unsigned_abs() as f64 * 1e-15;
                prop_assert!(read.nanos().abs_diff(rounded.nanos()) as f64 <= close, "{} {:?} {:?}", text, read, rounded);
            }
            (Err(TimeError::TooLong(_)), Err(TimeError::TooLong(_))) => {}
            other => prop_assert!(false, "{}: {:?}", text, other),
        }
    }

    #[test]
    fn nothing_panics_on_any_text(text in "\\PC{0,40}") {
        let _ = Timestamp::parse(&text);
        let _ = Timestamp::parse_clamped(&text);
        let _ = Duration::parse(&text);
    }
}

#[test]
fn the_spellings_of_the_clients_are_read() {
    let ten = Timestamp::from_nanos(1_709_287_200_000_000_000);
    for text in [
        "2024-03-01T10:00:00Z",
        "2024-03-01T10:00:00z",
        "2024-03-01t10:00:00Z",
        "2024-03-01 10:00:00Z",
        "2024-03-01T10:00:00.000Z",
        "2024-03-01T10:00:00.000000+00:00",
        "2024-03-01T12:00:00+02:00",
        "2024-03-01T12:00:00+0200",
        "2024-03-01T04:30:00-05:30",
        "2024-03-01T09:59:60Z",
    ] {
        assert_eq!(Timestamp::parse(text), Ok(ten), "{text}");
    }
}

#[test]
fn what_is_no_instant_is_refused() {
    for text in [
        "",
        "yesterday",
        "2024-03-01",
        "2024-03-01T10:00:00",
        "2024-03-01T10:00:00 02:00",
        "2024-02-30T10:00:00Z",
        "2023-02-29T10:00:00Z",
        "2024-02-28T24:00:00Z",
        "2024-03-01T10:00:00.Z",
    ] {
        assert!(
            matches!(Timestamp::parse(text), Err(TimeError::Malformed(_))),
            "{text}"
        );
        assert!(
            matches!(Timestamp::parse_clamped(text), Err(TimeError::Malformed(_))),
            "{text}"
        );
    }
}

#[test]
fn dates_too_far_away_are_out_of_range_or_clamped() {
    for (text, year, clamped) in [
        ("9999-12-31T23:59:59Z", 9999, Timestamp::MAX),
        ("2262-04-11T23:47:16.854775808Z", 2262, Timestamp::MAX),
        ("1677-09-21T00:12:43.145224191Z", 1677, Timestamp::MIN),
        ("0001-01-01T00:00:00Z", 1, Timestamp::MIN),
    ] {
        assert_eq!(
            Timestamp::parse(text),
            Err(TimeError::OutOfRange { year }),
            "{text}"
        );
        assert_eq!(Timestamp::parse_clamped(text), Ok(clamped), "{text}");
    }
    let error = Timestamp::parse("9999-12-31T23:59:59Z").unwrap_err().to_string();
    assert_eq!(
        error,
        "year 9999 is outside the range 1677-09-21..2262-04-11 that a timestamp can hold"
    );
}

#[test]
fn the_ends_of_the_range_are_written_and_read() {
    assert_eq!(written(Timestamp::MIN), "1677-09-21T00:12:43.145224192Z");
    assert_eq!(written(Timestamp::MAX), "2262-04-11T23:47:16.854775807Z");
    assert_eq!(Timestamp::parse(&written(Timestamp::MIN)), Ok(Timestamp::MIN));
    assert_eq!(Timestamp::parse(&written(Timestamp::MAX)), Ok(Timestamp::MAX));
}

#[test]
fn sums_that_do_not_fit_are_told() {
    let nano = Duration::from_nanos(1);
    assert_eq!(Timestamp::MAX.checked_add(nano), None);
    assert_eq!(Timestamp::MAX.saturating_add(nano), Timestamp::MAX);
    assert_eq!(
        Timestamp::MAX.since(Timestamp::MIN),
        Duration::from_nanos(i64::MAX)
    );
    assert_eq!(
        Timestamp::MIN.since(Timestamp::MAX),
        Duration::from_nanos(i64::MIN)
    );
    assert_eq!(Timestamp::MAX.checked_since(Timestamp::MIN), None);
}

#[test]
fn seconds_are_written_with_at_least_one_digit_of_fraction() {
    for (nanos, text) in [
        (12_000_000_000, "12.0"),
        (1_500_000_000, "1.5"),
        (1, "0.000000001"),
        (-4_000_000_000, "-4.0"),
        (0, "0.0"),
    ] {
        assert_eq!(seconds_written(Duration::from_nanos(nanos)), text);
    }
    assert_eq!(
        seconds_written(Duration::from_nanos(i64::MIN)),
        "-9223372036.854775808"
    );
}

#[test]
fn seconds_in_unusual_spellings_are_read() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1e-09", 1),
        ("1E3", 1_000_000_000_000),
        ("1.0009999999", 1_001_000_000),
        ("-0.0000000005", -1),
        ("9223372036.854775807", i64::MAX),
        ("-9223372036.854775808", i64::MIN),
    ] {
        assert_eq!(Duration::parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
    for text in [
        "9223372036.854775808",
        "1e30",
        "-9223372037",
        "123456789012345678901234567890",
    ] {
        assert!(
            matches!(Duration::parse(text), Err(TimeError::TooLong(_))),
            "{text}"
        );
    }
    for text in ["", "-", "x", "nan", "1.5s", "1e"] {
        assert!(
            matches!(Duration::parse(text), Err(TimeError::NotSeconds(_))),
            "{text}"
        );
    }
}

#[test]
fn seconds_as_floats_are_rounded_and_checked() {
    assert_eq!(
        Duration::from_secs_f64(1.001),
        Ok(Duration::from_nanos(1_001_000_000))
    );
    assert_eq!(
        Duration::from_secs_f64(-2.5),
        Ok(Duration::from_nanos(-2_500_000_000))
    );
    assert!(matches!(
        Duration::from_secs_f64(f64::NAN),
        Err(TimeError::NotSeconds(_))
    ));
    for seconds in [f64::INFINITY, f64::NEG_INFINITY, 9_223_372_037.0, 1e300] {
        assert!(
            matches!(Duration::from_secs_f64(seconds), Err(TimeError::TooLong(_))),
            "{seconds}"
        );
    }
}

#[test]
fn a_pulsetime_saturates_but_is_a_number() {
    assert_eq!(
        Pulsetime::from_secs_f64(-1.5).map(Pulsetime::nanos),
        Ok(-1_500_000_000)
    );
    assert_eq!(
        Pulsetime::from_secs_f64(f64::INFINITY).map(Pulsetime::nanos),
        Ok(i64::MAX)
    );
    assert_eq!(
        Pulsetime::from_secs_f64(-1e300).map(Pulsetime::nanos),
        Ok(i64::MIN)
    );
    assert!(Pulsetime::from_secs_f64(f64::NAN).is_err());
}

#[test]
fn errors_repeat_only_the_beginning_of_what_was_sent() {
    let message = Timestamp::parse(&"\u{e9}".repeat(1000)).unwrap_err().to_string();
    assert!(message.len() < 300, "{message}");
}
