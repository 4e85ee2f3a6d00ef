//! Writing answers.

use serde_json::{Value, json};

use super::super::*;
use super::{TEN, ten};
use crate::{Bucket, Data, Duration, EventId, Timestamp};

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
