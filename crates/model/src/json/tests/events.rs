//! Reading events and heartbeats, and what every body has in common.

use std::borrow::Cow;

use super::super::*;
use super::{TEN, assert_refused, ten};
use crate::{Duration, EventId, NewEvent};

fn one(body: &str) -> Result<NewEvent<'_>, ParseError> {
    parse_events(body.as_bytes()).map(|mut events| events.remove(0))
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
