//! Bodies against what serde_json makes of them, and every edge the conformance corpus shows.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Bucket, Data, Duration, EventId, NewEvent, Timestamp};

const TEN: &str = "2024-03-01T10:00:00Z";

fn ten() -> Timestamp {
    Timestamp::parse(TEN).unwrap()
}

fn one(body: &str) -> Result<NewEvent<'_>, ParseError> {
    parse_events(body.as_bytes()).map(|mut events| events.remove(0))
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, ParseError>, kind: ParseErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(
        error.message.contains(message),
        "'{error}' does not say '{message}'"
    );
}

#[test]
fn an_event_is_read() {
    let event =
        one(r#"[{"timestamp":"2024-03-01T12:00:00.5+02:00","duration":1.5,"id":7,"data":{"b":1,"a":"x"}}]"#)
            .unwrap();
    let start = ten().saturating_add(Duration::from_nanos(500_000_000));
    assert_eq!((event.id, event.start), (Some(EventId(7)), start));
    assert_eq!(
        (event.duration, event.data),
        (Duration::from_nanos(1_500_000_000), r#"{"a":"x","b":1}"#.into())
    );
}

#[test]
fn one_event_without_a_list_is_read() {
    let event = one(r#" {"timestamp":"2024-03-01T10:00:00Z","data":{}} "#).unwrap();
    assert_eq!(
        (event.id, event.start, event.duration),
        (None, ten(), Duration::ZERO)
    );
}

#[test]
fn an_empty_list_is_no_events() {
    assert_eq!(parse_events(b" [ ] "), Ok(vec![]));
}

#[test]
fn white_space_and_unknown_fields_mean_nothing() {
    let body =
        " \n[ {\t\"timestamp\" : \"2024-03-01T10:00:00Z\" , \"x\":[{\"timestamp\":1}], \"data\":{ } } ]\n  ";
    assert_eq!(one(body).unwrap().data, "{}");
}

#[test]
fn canonical_data_is_borrowed_from_the_body() {
    let event = one(r#"[{"timestamp":"2024-03-01T10:00:00Z","data":{"app":"a","title":"b"}}]"#).unwrap();
    assert!(matches!(event.data, Cow::Borrowed(_)));
}

#[test]
fn escapes_outside_of_data_are_resolved() {
    let body = r#"[{"time\u0073tamp":"2024-03-01T10:00:00\u005a","data":{}}]"#;
    assert_eq!(one(body).unwrap().start, ten());
}

#[test]
fn a_missing_or_null_id_is_none() {
    assert_eq!(
        one(r#"[{"timestamp":"2024-03-01T10:00:00Z","id":null,"data":{}}]"#)
            .unwrap()
            .id,
        None
    );
}

#[test]
fn durations_may_be_negative_or_tiny() {
    for (text, nanos) in [
        ("-10", -10_000_000_000),
        ("1e-09", 1),
        ("0.1", 100_000_000),
        ("1.001", 1_001_000_000),
    ] {
        let body = format!(r#"{{"timestamp":"{TEN}","data":{{}},"duration":{text}}}"#);
        assert_eq!(
            one(&body).unwrap().duration,
            Duration::from_nanos(nanos),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_event_is_refused_by_shape_and_the_field_is_named() {
    for (fields, message) in [
        (r#""data":{}"#, "event 1: timestamp: is missing"),
        (
            r#""timestamp":"2024-03-01T10:00:00Z""#,
            "event 1: data: is missing",
        ),
        (
            r#""timestamp":1,"data":{}"#,
            "event 1: timestamp: expected a string, found a number",
        ),
        (
            r#""timestamp":null,"data":{}"#,
            "event 1: timestamp: expected a string, found null",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00","data":{}"#,
            "event 1: timestamp: '2024-03-01T10:00:00' is not a time",
        ),
        (
            r#""timestamp":"9999-01-01T00:00:00Z","data":{}"#,
            "event 1: timestamp: year 9999 is outside the range",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":null"#,
            "event 1: data: expected an object",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":[]"#,
            "event 1: data: expected an object",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"duration":"5""#,
            "event 1: duration: expected a number",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"duration":null"#,
            "event 1: duration: expected a number",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"duration":1e30"#,
            "event 1: duration: 1e30 seconds are outside",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"duration":9000000000"#,
            "event 1: duration: 9000000000.0 seconds from",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"id":"7""#,
            "event 1: id: expected a whole number from 1 to",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"id":0"#,
            "found 0",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"id":-1"#,
            "found -1",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"id":1.0"#,
            "found 1.0",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","data":{},"id":9007199254740992"#,
            "event 1: id",
        ),
        (
            r#""timestamp":"2024-03-01T10:00:00Z","duration":1,"duration":2,"data":{}"#,
            "event 1: duration: is there twice",
        ),
    ] {
        let body = format!(r#"[{{"timestamp":"{TEN}","data":{{}}}},{{{fields}}},{{}}]"#);
        assert_refused(parse_events(body.as_bytes()), ParseErrorKind::Shape, message);
    }
}

#[test]
fn bodies_of_another_type_are_refused_by_shape() {
    for (body, found) in [
        ("\"x\"", "a string"),
        ("1", "a number"),
        ("-1.5", "a number"),
        ("null", "null"),
        ("true", "a boolean"),
    ] {
        assert_refused(parse_events(body.as_bytes()), ParseErrorKind::Shape, found);
        assert_refused(parse_heartbeat(body.as_bytes()), ParseErrorKind::Shape, found);
        assert_refused(parse_bucket(body.as_bytes()), ParseErrorKind::Shape, found);
        assert_refused(parse_import(body.as_bytes()), ParseErrorKind::Shape, "");
        let list = format!("[{body}]");
        assert_refused(
            parse_events(list.as_bytes()),
            ParseErrorKind::Shape,
            "event 0: expected an object",
        );
    }
    assert_refused(parse_heartbeat(b"[]"), ParseErrorKind::Shape, "a list");
}

#[test]
fn what_is_no_json_is_refused_by_syntax() {
    for body in [
        "",
        " ",
        "hello",
        "[",
        "[{]",
        "[{}",
        "[1,]",
        "[]x",
        "{\"client\": ",
        "[{\"data\":{\"a\"}}]",
        "1e999",
        "\u{feff}[]",
    ] {
        assert_refused(parse_events(body.as_bytes()), ParseErrorKind::Syntax, "");
        assert_refused(parse_heartbeat(body.as_bytes()), ParseErrorKind::Syntax, "");
        assert_refused(parse_bucket(body.as_bytes()), ParseErrorKind::Syntax, "");
    }
    assert_refused(
        parse_events(b"[{\"\xff\":1}]"),
        ParseErrorKind::Syntax,
        "UTF-8 from byte 3",
    );
}

#[test]
fn half_a_surrogate_pair_is_refused_by_syntax() {
    for data in [
        r#"{"a":"\ud800"}"#,
        r#"{"\udc00": 1}"#,
        r#"{"a":[{"b":"\ud83dx"}]}"#,
        r#"{"b":1,"a":"\ud800\ud800"}"#,
    ] {
        let event = format!(r#"{{"timestamp":"{TEN}","data":{data}}}"#);
        assert_refused(
            parse_heartbeat(event.as_bytes()),
            ParseErrorKind::Syntax,
            "data: not readable",
        );
        assert_refused(
            parse_events(format!("[{event}]").as_bytes()),
            ParseErrorKind::Syntax,
            "event 0: data",
        );
        let bucket = format!(r#"{{"client":"c","type":"t","hostname":"h","data":{data}}}"#);
        assert_refused(
            parse_bucket(bucket.as_bytes()),
            ParseErrorKind::Syntax,
            "bucket: data",
        );
    }
    let bucket = br#"{"client":"\ud800","type":"t","hostname":"h"}"#;
    assert_refused(parse_bucket(bucket), ParseErrorKind::Syntax, "bucket: client");
    assert_refused(
        parse_bucket_update(br#"{"client":"\ud800"}"#),
        ParseErrorKind::Syntax,
        "bucket: client",
    );
}

#[test]
fn deep_nesting_is_refused_and_does_no_harm() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let data = format!(r#"[{{"timestamp":"{TEN}","data":{{"a":{deep}}}}}]"#);
        assert_refused(
            parse_events(data.as_bytes()),
            ParseErrorKind::Syntax,
            "recursion limit",
        );
        // In a field that nobody reads it is stepped over.
        let ignored = format!(r#"[{{"timestamp":"{TEN}","data":{{}},"x":{deep}}}]"#);
        assert_eq!(parse_events(ignored.as_bytes()).map(|events| events.len()), Ok(1));
        let _ = parse_events(deep.as_bytes());
        let _ = parse_import(deep.as_bytes());
    }
}

#[test]
fn a_heartbeat_is_read_and_its_id_ignored() {
    let heartbeat =
        parse_heartbeat(br#"{"id":3,"timestamp":"2024-03-01T10:00:00Z","data":{"x":"a"},"duration":-4}"#)
            .unwrap();
    assert_eq!(
        (heartbeat.start, heartbeat.duration),
        (ten(), Duration::from_nanos(-4_000_000_000))
    );
    assert_eq!(heartbeat.data, r#"{"x":"a"}"#);
    assert_refused(
        parse_heartbeat(br#"{"duration":0,"data":{}}"#),
        ParseErrorKind::Shape,
        "heartbeat: timestamp: is missing",
    );
}

#[test]
fn a_bucket_is_read() {
    let bucket = parse_bucket(
        br#"{"id":"b","client":"c","type":"t","hostname":"h\u00e9","created":"2024-03-01T10:00:00Z","data":{"k": 1},
            "name":null,"metadata":{"start":1},"last_updated":null,"events":null}"#,
    )
    .unwrap();
    assert_eq!(
        (bucket.id.as_deref(), &*bucket.client, &*bucket.type_),
        (Some("b"), "c", "t")
    );
    assert_eq!(
        (&*bucket.hostname, bucket.created, bucket.data.as_str()),
        ("h\u{e9}", Some(ten()), r#"{"k":1}"#)
    );
    assert!(bucket.events.is_empty() && bucket.left_out.is_none() && bucket.last_updated.is_none());
}

#[test]
fn only_type_client_and_hostname_of_a_bucket_are_required() {
    let bucket = parse_bucket(br#"{"client":"","type":"","hostname":""}"#).unwrap();
    assert_eq!(
        (bucket.id, bucket.created, bucket.data),
        (None, None, Data::default())
    );
    for (body, message) in [
        (r#"{"type":"t","hostname":"h"}"#, "bucket: client: is missing"),
        (r#"{"client":"c","type":"t"}"#, "bucket: hostname: is missing"),
        (r#"{"client":"c","hostname":"h"}"#, "bucket: type: is missing"),
        (
            r#"{"client":"c","type":"t","hostname":null}"#,
            "bucket: hostname: expected a string, found null",
        ),
        (
            r#"{"client":"c","type":"t","hostname":"h","data":null}"#,
            "bucket: data: expected an object",
        ),
        (
            r#"{"client":"c","type":"t","hostname":"h","created":"yesterday"}"#,
            "bucket: created: 'yesterday' is not a time",
        ),
        (
            r#"{"client":"c","type":"t","hostname":"h","client":"d"}"#,
            "bucket: client: is there twice",
        ),
        (
            r#"{"client":"c","type":"t","hostname":"h","events":1}"#,
            "bucket: events: expected a list",
        ),
    ] {
        assert_refused(parse_bucket(body.as_bytes()), ParseErrorKind::Shape, message);
    }
}

#[test]
fn events_of_a_bucket_come_without_ids_and_unreadable_ones_are_left_out() {
    let body = br#"{"client":"c","type":"t","hostname":"h","events":[
        {"id":0,"timestamp":"2024-03-01T10:00:00Z","data":{}},
        {"id":"x","timestamp":"yesterday","data":{}}, 5, {"timestamp":"2024-03-01T10:00:00Z","data":{"a":"\ud800"}}]}"#;
    let bucket = parse_bucket(body).unwrap();
    assert_eq!(
        bucket
            .events
            .iter()
            .map(|event| (event.id, event.start))
            .collect::<Vec<_>>(),
        [(None, ten())]
    );
    let left_out = bucket.left_out.unwrap();
    assert_eq!(left_out.count, 3);
    assert!(
        left_out
            .first
            .message
            .starts_with("event 1: timestamp: 'yesterday'"),
        "{}",
        left_out.first
    );
}

#[test]
fn an_import_is_read_and_the_id_inside_the_bucket_counts() {
    let body = br#"{"x":{},"buckets":{"key":{"id":"inside","client":"c","type":"t","hostname":"h"},
        "only-key":{"client":"c","type":"t","hostname":"h","events":[{"timestamp":"2024-03-01T10:00:00Z","data":{}}]}}}"#;
    let buckets = parse_import(body).unwrap();
    let ids: Vec<_> = buckets
        .iter()
        .map(|bucket| bucket.id.as_deref().unwrap())
        .collect();
    assert_eq!(ids, ["inside", "only-key"]);
    assert_eq!(buckets[1].events.len(), 1);
    assert_eq!(parse_import(br#"{"buckets":{}}"#), Ok(vec![]));
}

#[test]
fn what_is_no_import_is_refused() {
    assert_refused(
        parse_import(br#"{"b":{"id":"b"}}"#),
        ParseErrorKind::Shape,
        "buckets: is missing",
    );
    assert_refused(
        parse_import(br#"{"buckets":[]}"#),
        ParseErrorKind::Shape,
        "an object of buckets",
    );
    let no_type = br#"{"buckets":{"b":{"client":"c","hostname":"h"},"c":{}}}"#;
    assert_refused(
        parse_import(no_type),
        ParseErrorKind::Shape,
        "bucket 'b': type: is missing",
    );
    assert_refused(
        parse_import(br#"{"buckets":{},"buckets":{}}"#),
        ParseErrorKind::Shape,
        "duplicate field",
    );
    assert_refused(parse_import(br#"{"buckets":{"b":{}"#), ParseErrorKind::Syntax, "");
}

#[test]
fn a_bucket_update_is_all_optional() {
    assert_eq!(parse_bucket_update(b"{}"), Ok(Default::default()));
    let update =
        parse_bucket_update(br#"{"type":"t","client":null,"data":{"b":1, "a":2},"id":"x"}"#).unwrap();
    assert_eq!(
        (update.type_.as_deref(), update.client, update.hostname),
        (Some("t"), None, None)
    );
    assert_eq!(update.data.unwrap().as_str(), r#"{"a":2,"b":1}"#);
    assert_refused(
        parse_bucket_update(br#"{"type":1}"#),
        ParseErrorKind::Shape,
        "bucket: type: expected a string",
    );
}

#[test]
fn an_event_is_written() {
    let mut out = Vec::new();
    write_event(
        &mut out,
        EventId(1),
        ten(),
        Duration::from_nanos(1_500_000_000),
        r#"{"a":1}"#,
    );
    let expected = r#"{"id":1,"timestamp":"2024-03-01T10:00:00Z","duration":1.5,"data":{"a":1}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

fn bucket() -> Bucket {
    Bucket {
        id: "b\"1".into(),
        type_: "t".into(),
        client: "c\n".into(),
        hostname: "h".into(),
        created: ten(),
        data: Data::parse("{\"k\": 1}").unwrap(),
        last_updated: None,
    }
}

fn bucket_written(bucket: &Bucket, start: Option<Timestamp>, end: Option<Timestamp>) -> Value {
    let mut out = b"{".to_vec();
    write_bucket_fields(&mut out, bucket, start, end);
    out.push(b'}');
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_bucket_is_written() {
    let expected = json!({
        "id": "b\"1", "type": "t", "client": "c\n", "hostname": "h", "created": TEN, "data": {"k": 1},
        "metadata": {"start": null, "end": null}, "last_updated": null,
    });
    assert_eq!(bucket_written(&bucket(), None, None), expected);
    let written = bucket_written(&bucket(), Some(ten()), Some(ten()));
    assert_eq!(written["metadata"], json!({"start": TEN, "end": TEN}));
    assert_eq!(written["last_updated"], Value::Null);
}

#[test]
fn last_updated_is_the_later_of_what_the_bucket_came_with_and_its_last_end() {
    let later = ten().saturating_add(Duration::from_nanos(1_000_000_000));
    let updated = Bucket {
        last_updated: Some(ten()),
        ..bucket()
    };
    assert_eq!(bucket_written(&updated, None, None)["last_updated"], TEN);
    assert_eq!(
        bucket_written(&updated, Some(ten()), Some(later))["last_updated"],
        "2024-03-01T10:00:01Z"
    );
    let updated = Bucket {
        last_updated: Some(later),
        ..bucket()
    };
    assert_eq!(
        bucket_written(&updated, Some(ten()), Some(ten()))["last_updated"],
        "2024-03-01T10:00:01Z"
    );
}

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
