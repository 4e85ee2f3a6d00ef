//! Reading what is left of buckets and events in a file to be imported.
//!
//! Files come from many programs and years. One odd field must not cost the bucket, one odd event not the file; so
//! each field that cannot be read has something that stands for it, as long as there is something to keep, and each
//! such change is named.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::events::{EVENT, check_end};
use super::fields::{self, optional, required, string};
use super::{ParseError, buckets::BUCKET, read};
use crate::data::kind_of;
use crate::{Data, Duration, NewBucket, NewEvent, Timestamp};

/// What stands for a missing type, client or host name; the clients of ActivityWatch use it too.
pub const UNKNOWN: &str = "unknown";

/// Something that was changed: the field, and what was done. Nothing that events say is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Such as `hostname`.
    pub field: &'static str,
    /// What was wrong and what stands there now.
    pub reason: String,
}

/// Reads the fields of a bucket but for its events. What is missing or cannot be read becomes [`UNKNOWN`] or is left
/// out.
///
/// # Errors
///
/// When `body` is no JSON object.
pub fn salvage_bucket(body: &[u8]) -> Result<(NewBucket<'static>, Vec<Change>), ParseError> {
    let fields = read(body, BUCKET)??;
    let mut changes = Changes::default();
    let [id, type_, client, hostname, created, data, last_updated, _events] = changes.last_of(fields);
    let bucket = NewBucket {
        id: changes.id(id),
        type_: changes.text(type_, "type"),
        client: changes.text(client, "client"),
        hostname: changes.text(hostname, "hostname"),
        created: changes.time(created, "created"),
        data: changes.data(data),
        last_updated: changes.time(last_updated, "last_updated"),
        events: Vec::new(),
        left_out: None,
    };
    Ok((bucket, changes.0))
}

/// Reads one event. A time without an offset is UTC; a duration may be missing, null or a number as text; data that
/// are missing or null are empty. The id is not looked at.
///
/// # Errors
///
/// When there is no time, or something that cannot be read and nothing could stand for.
pub fn salvage_event(text: &[u8]) -> Result<(NewEvent<'_>, Vec<Change>), ParseError> {
    let fields = read(text, EVENT)??;
    let mut changes = Changes::default();
    let [_id, timestamp, duration, data] = changes.last_of(fields);
    let start = changes.start(required(timestamp, "timestamp")?)?;
    let duration = match duration {
        Some(raw) => changes.duration(raw)?,
        None => Duration::ZERO,
    };
    check_end(start, duration)?;
    let data = match optional(data) {
        Some(raw) => fields::data(raw, "data")?,
        None => {
            changes.note("data", "are missing: they are empty now");
            Cow::Borrowed("{}")
        }
    };
    let event = NewEvent {
        id: None,
        start,
        duration,
        data,
    };
    Ok((event, changes.0))
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn note(&mut self, field: &'static str, reason: impl Into<String>) {
        self.0.push(Change {
            field,
            reason: reason.into(),
        });
    }

    /// The fields; of one that is there twice the last.
    fn last_of<'de, const N: usize>(&mut self, fields: fields::Fields<'de, N>) -> [Option<&'de RawValue>; N] {
        let (raw, twice) = fields.last();
        if let Some(name) = twice {
            self.note(name, "is there twice: the last one counts");
        }
        raw
    }

    fn id(&mut self, raw: Option<&RawValue>) -> Option<String> {
        let raw = optional(raw)?;
        match string(raw, "id") {
            Ok(text) => Some(text.into_owned()),
            Err(_) if matches!(kind_of(raw.get()), "a number") => {
                self.note("id", "is a number: it is text now");
                Some(raw.get().to_owned())
            }
            Err(error) => {
                self.note("id", format!("is left out: {error}"));
                None
            }
        }
    }

    fn text(&mut self, raw: Option<&RawValue>, name: &'static str) -> String {
        let reason = match raw {
            None => "is missing".to_owned(),
            Some(raw) => match string(raw, name) {
                Ok(text) => return text.into_owned(),
                Err(_) => format!("is {}", kind_of(raw.get())),
            },
        };
        self.note(name, format!("{reason}: it is \"{UNKNOWN}\" now"));
        UNKNOWN.to_owned()
    }

    fn time(&mut self, raw: Option<&RawValue>, name: &'static str) -> Option<Timestamp> {
        let raw = optional(raw)?;
        match fields::lenient_timestamp(raw, name) {
            Ok(time) => Some(time),
            Err(error) => {
                self.note(name, format!("is left out: {error}"));
                None
            }
        }
    }

    fn data(&mut self, raw: Option<&RawValue>) -> Data {
        let Some(raw) = optional(raw) else {
            return Data::default();
        };
        match fields::data(raw, "data") {
            Ok(data) => Data::from_canonical(data),
            Err(error) => {
                self.note("data", format!("are left out: {error}"));
                Data::default()
            }
        }
    }

    fn start(&mut self, raw: &RawValue) -> Result<Timestamp, ParseError> {
        match fields::timestamp(raw, "timestamp") {
            Ok(start) => Ok(start),
            Err(_) => {
                let start = fields::lenient_timestamp(raw, "timestamp")?;
                self.note(
                    "timestamp",
                    "is not as RFC 3339 has it: without an offset it is UTC",
                );
                Ok(start)
            }
        }
    }

    fn duration(&mut self, raw: &RawValue) -> Result<Duration, ParseError> {
        if raw.get() == "null" {
            self.note("duration", "is null: it is 0 now");
            return Ok(Duration::ZERO);
        }
        let Ok(text) = string(raw, "duration") else {
            return fields::duration(raw, "duration");
        };
        let seconds =
            Duration::parse(text.trim()).map_err(|error| ParseError::from(error).within("duration"))?;
        self.note("duration", "is text: it is the number in it now");
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[Change]) -> Vec<&'static str> {
        changes.iter().map(|change| change.field).collect()
    }

    #[test]
    fn a_bucket_of_the_android_app_is_taken() {
        let (bucket, changes) = salvage_bucket(
            br#"{"id":"b","type":"t","client":null,"hostname":7,"created":"2023-09-01T08:00:00","data":null}"#,
        )
        .unwrap();
        assert_eq!(
            (bucket.client.as_str(), bucket.hostname.as_str()),
            (UNKNOWN, UNKNOWN)
        );
        assert_eq!(
            bucket.created,
            Some(Timestamp::parse("2023-09-01T08:00:00Z").unwrap())
        );
        assert_eq!(bucket.data, Data::default());
        assert_eq!(changed(&changes), ["client", "hostname"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let body = br#"{"id":5,"client":"c","hostname":"h","created":"","last_updated":"soon","data":[1]}"#;
        let (bucket, changes) = salvage_bucket(body).unwrap();
        assert_eq!(bucket.id.as_deref(), Some("5"));
        assert_eq!((bucket.created, bucket.last_updated), (None, None));
        assert_eq!(
            changed(&changes),
            ["id", "type", "created", "data", "last_updated"]
        );
        assert!(salvage_bucket(b"[]").is_err());
    }

    #[test]
    fn events_are_taken_as_far_as_there_is_a_time() {
        let zero = Duration::ZERO;
        for (text, duration, data, fields) in [
            (
                r#"{"timestamp":"2024-04-27T10:00:00","duration":1.5,"data":{}}"#,
                Duration::from_nanos(1_500_000_000),
                "{}",
                &["timestamp"][..],
            ),
            (
                r#"{"timestamp":"2024-04-27 10:00:00+00:00","duration":null,"data":null}"#,
                zero,
                "{}",
                &["duration", "data"],
            ),
            (
                r#"{"id":"x","timestamp":"2024-04-27T10:00:00Z","duration":"2","data":{"a":1}}"#,
                Duration::from_nanos(2_000_000_000),
                r#"{"a":1}"#,
                &["duration"],
            ),
            (
                r#"{"timestamp":"2024-04-27T10:00:00Z","data":{"a":1},"data":{"a":2}}"#,
                zero,
                r#"{"a":2}"#,
                &["data"],
            ),
        ] {
            let (event, changes) = salvage_event(text.as_bytes()).unwrap();
            assert_eq!(
                event.start,
                Timestamp::parse("2024-04-27T10:00:00Z").unwrap(),
                "{text}"
            );
            assert_eq!((event.duration, event.data.as_ref()), (duration, data), "{text}");
            assert_eq!(changed(&changes), fields, "{text}");
        }
    }

    #[test]
    fn an_event_without_a_time_is_none() {
        for text in [
            "7",
            r#"{"duration":1,"data":{}}"#,
            r#"{"timestamp":null,"data":{}}"#,
            r#"{"timestamp":1714212000,"data":{}}"#,
            r#"{"timestamp":"2024-04-27T10:00:00Z","data":"text"}"#,
            r#"{"timestamp":"2024-04-27T10:00:00Z","duration":"long","data":{}}"#,
            r#"{"timestamp":"2262-04-11T00:00:00Z","duration":1e9,"data":{}}"#,
        ] {
            assert!(salvage_event(text.as_bytes()).is_err(), "{text}");
        }
    }
}
