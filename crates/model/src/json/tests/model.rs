//! Reading events against the plain way: a [`Value`] of the whole body, and chrono.

use chrono::{DateTime, FixedOffset};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use crate::{Duration, EventId, NewEvent, Timestamp};

/// What an event is, by way of a [`Value`] and chrono: id, nanoseconds of start and duration, data.
fn plain_model(event: &Value) -> Option<(Option<u64>, i64, i64, String)> {
    let event = event.as_object()?;
    let id = match event.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => Some(id.as_u64().filter(|id| (1..1 << 53).contains(id))?),
    };
    let start: DateTime<FixedOffset> = event.get("timestamp")?.as_str()?.parse().ok()?;
    let start = start.timestamp_nanos_opt()?;
    let duration = match event.get("duration") {
        None => 0.0,
        Some(seconds) => seconds.as_f64()?,
    };
    let nanos = Some((duration * 1e9).round()).filter(|nanos| nanos.abs() < 9.2e18)? as i64;
    start.checked_add(nanos)?;
    let data = event.get("data")?;
    data.is_object().then(|| (id, start, nanos, data.to_string()))
}

/// An event with its fields in any order, spaced as by Python or not at all, now and then with one that is wrong.
fn event_text() -> impl Strategy<Value = String> {
    let id = prop_oneof![
        3 => Just(None),
        2 => (1u64..1 << 53).prop_map(|id| Some(id.to_string())),
        1 => prop::sample::select(vec!["null", "0", "-3", "\"1\"", "1.5", "9007199254740992"]).prop_map(|id| Some(id.to_owned())),
    ];
    let timestamp = prop_oneof![
        8 => any::<i64>().prop_map(|nanos| Some(format!("\"{}\"", Timestamp::from_nanos(nanos / 2)))),
        1 => prop::sample::select(vec!["null", "1", "\"\"", "\"2024-02-30T00:00:00Z\"", "\"2024-03-01\\u005410:00:00Z\""])
            .prop_map(|text| Some(text.to_owned())),
        1 => Just(None),
    ];
    let duration = prop_oneof![
        2 => Just(None),
        4 => (-1_000i64..1_000_000).prop_map(|millis| Some(format!("{}", millis as f64 / 1e3))),
        1 => prop::sample::select(vec!["null", "\"1\"", "true", "1e3", "1e300", "0"]).prop_map(|text| Some(text.to_owned())),
    ];
    let data = prop_oneof![
        8 => ("[a-z]{0,6}", "[a-zA-Z0-9 \u{e9}]{0,12}", 0u32..40).prop_map(|(key, text, number)| {
            Some(format!("{{\"{key}\": \"{text}\",\"n\":{number}}}"))
        }),
        1 => prop::sample::select(vec!["null", "[]", "{}", "\"{}\"", "{\"a\":{\"c\":1, \"b\":[]}}"]).prop_map(|text| Some(text.to_owned())),
        1 => Just(None),
    ];
    let comma = prop::sample::select(vec![",", ", ", "\n,"]);
    let fields = (id, timestamp, duration, data).prop_map(|(id, timestamp, duration, data)| {
        let named = [
            ("id", id),
            ("timestamp", timestamp),
            ("duration", duration),
            ("data", data),
            ("more", Some("[{}]".to_owned())),
        ];
        let present = named
            .into_iter()
            .filter_map(|(name, text)| text.map(|text| format!("\"{name}\":{text}")));
        present.collect::<Vec<_>>()
    });
    (fields.prop_shuffle(), comma).prop_map(|(fields, comma)| format!("{{{}}}", fields.join(comma)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn events_are_read_as_by_way_of_a_value(texts in prop::collection::vec(event_text(), 0..4)) {
        let body = format!("[{}]", texts.join(" , "));
        let value: Value = serde_json::from_str(&body).unwrap();
        let expected: Option<Vec<_>> = value.as_array().unwrap().iter().map(plain_model).collect();
        let read = parse_events(body.as_bytes()).ok().map(|events| {
            let parts = events.into_iter().map(|event| {
                (event.id.map(|id| id.0), event.start.nanos(), event.duration.nanos(), event.data.into_owned())
            });
            parts.collect::<Vec<_>>()
        });
        prop_assert_eq!(read, expected, "{}", body);
    }

    #[test]
    fn events_that_were_written_are_read_back(
        id in 1u64..1 << 53,
        start in any::<i64>(),
        duration in any::<i64>(),
        text in "\\PC{0,20}",
    ) {
        let (start, duration) = (start / 2, duration / 2);
        let data = json!({"title": text}).to_string();
        let mut out = b"[".to_vec();
        write_event(&mut out, EventId(id), Timestamp::from_nanos(start), Duration::from_nanos(duration), &data);
        out.push(b']');
        let expected = NewEvent {
            id: Some(EventId(id)),
            start: Timestamp::from_nanos(start),
            duration: Duration::from_nanos(duration),
            data: data.as_str().into(),
        };
        prop_assert_eq!(parse_events(&out), Ok(vec![expected]));
    }

    #[test]
    fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}\",:a-e0-9.\\\\u -]{0,40}") {
        for body in [bytes.as_slice(), text.as_bytes()] {
            let _ = parse_events(body);
            let _ = parse_heartbeat(body);
            let _ = parse_bucket(body);
            let _ = parse_bucket_update(body);
            let _ = parse_import(body);
        }
    }
}
