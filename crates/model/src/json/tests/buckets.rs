//! Reading buckets and imports.

use super::super::*;
use super::{assert_refused, ten};
use crate::Data;

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
