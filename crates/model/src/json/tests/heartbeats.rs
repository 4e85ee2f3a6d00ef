//! Reading many heartbeats.

use std::borrow::Cow;

use super::super::*;
use super::{TEN, ten};
use crate::{Duration, Pulsetime};

fn beat(more: &str) -> String {
    format!(r#"{{"bucket":"b","pulsetime":60,"timestamp":"{TEN}","duration":1.5,"data":{{"a":1}}{more}}}"#)
}

#[test]
fn heartbeats_for_several_buckets_are_read() {
    let other = beat("").replace("\"b\"", "\"c\"").replace("60", "0.5");
    let body = format!(
        r#"{{"batch":"x-1","x":[1],"heartbeats":[{},{other}],"answers":"none"}}"#,
        beat("")
    );
    let read = parse_heartbeats(body.as_bytes()).unwrap();
    assert_eq!(
        (read.batch.as_deref(), read.answers.as_deref()),
        (Some("x-1"), Some("none"))
    );
    let [first, second] = read.heartbeats.try_into().unwrap();
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((&*first.bucket, &*second.bucket), ("b", "c"));
    assert_eq!(second.pulsetime, Pulsetime::from_nanos(500_000_000));
    assert_eq!(first.heartbeat.start, ten());
    assert_eq!(first.heartbeat.duration, Duration::from_nanos(1_500_000_000));
    assert!(matches!(first.heartbeat.data, Cow::Borrowed(r#"{"a":1}"#)));
}

#[test]
fn one_that_cannot_be_read_keeps_no_other_from_being_read() {
    for (wrong, why) in [
        (beat("").replace(TEN, "yesterday"), "timestamp"),
        (beat("").replace("\"bucket\":\"b\",", ""), "bucket: is missing"),
        (beat("").replace("60", "\"60\""), "pulsetime"),
        (beat("").replace("60", "null"), "pulsetime"),
        (beat(",\"bucket\":\"c\""), "twice"),
        ("[1]".to_owned(), "an object"),
    ] {
        let body = format!(r#"{{"heartbeats":[{},{wrong},{}]}}"#, beat(""), beat(""));
        let read = parse_heartbeats(body.as_bytes()).unwrap();
        let lines = format!("{}\n{wrong}\r\n\n{}\n", beat(""), beat(""));
        assert_eq!(parse_heartbeat_lines(lines.as_bytes()).as_ref(), Ok(&read));
        let [first, middle, last] = read.heartbeats.try_into().unwrap();
        assert!(first.is_ok() && last.is_ok());
        let error = middle.unwrap_err();
        assert!(error.message.contains(why), "{error}");
    }
}

#[test]
fn another_shape_is_refused_as_a_whole() {
    for (body, kind) in [
        ("", ParseErrorKind::Syntax),
        (r#"{"heartbeats":[{"bucket":}]}"#, ParseErrorKind::Syntax),
        (r#"{"heartbeats":[]} x"#, ParseErrorKind::Syntax),
        ("[]", ParseErrorKind::Shape),
        ("{}", ParseErrorKind::Shape),
        (r#"{"heartbeats":{}}"#, ParseErrorKind::Shape),
        (r#"{"batch":7,"heartbeats":[]}"#, ParseErrorKind::Shape),
        (r#"{"heartbeats":[],"heartbeats":[]}"#, ParseErrorKind::Shape),
    ] {
        assert_eq!(
            parse_heartbeats(body.as_bytes()).unwrap_err().kind,
            kind,
            "{body}"
        );
    }
    let error = parse_heartbeat_lines(format!("{}\n{{\n", beat("")).as_bytes()).unwrap_err();
    assert!(error.message.starts_with("line 2: "), "{error}");
    assert_eq!(parse_heartbeat_lines(b" \n\n").unwrap().heartbeats, vec![]);
}
