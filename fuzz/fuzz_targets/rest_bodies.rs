//! Request bodies: every one is read or refused, and accepted for what it is by way of a `serde_json::Value` and
//! chrono, which is the long way to the same answer.

#![no_main]

use chrono::{DateTime, FixedOffset};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use timberline_model::{Data, NewEvent, json};

fuzz_target!(|bytes: &[u8]| {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    events(bytes, value.as_ref());
    heartbeat(bytes, value.as_ref());
    bucket(bytes, value.as_ref());
    import(bytes, value.as_ref());
    query(bytes, value.as_ref());
    data(bytes, value.as_ref());
    times(bytes);
});

/// Id, nanoseconds of start and duration, data.
type Plain = (Option<u64>, i64, f64, Value);

fn plain(event: &Value) -> Option<Plain> {
    let event = event.as_object()?;
    let id = match event.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => Some(id.as_u64().filter(|id| (1..1 << 53).contains(id))?),
    };
    let start: DateTime<FixedOffset> = event.get("timestamp")?.as_str()?.parse().ok()?;
    let duration = event.get("duration").map_or(Some(0.0), Value::as_f64)?;
    let data = event.get("data").filter(|data| data.is_object())?;
    Some((id, start.timestamp_nanos_opt()?, duration, data.clone()))
}

/// What both sides must agree about in an event that was accepted. The long way is coarser where times are: it rounds
/// through a float, and chrono knows spellings of its own.
fn assert_event(event: &NewEvent<'_>, value: &Value) {
    let Some((id, start, duration, data)) = plain(value) else {
        // Accepted here only: must be for the time's spelling, or for a number that `as_u64` does not take.
        let object = value.as_object().expect("an event is an object");
        assert!(object.get("data").is_some_and(Value::is_object), "{value}");
        assert!(object.get("timestamp").is_some_and(Value::is_string), "{value}");
        return;
    };
    assert_eq!(event.id.map(|id| id.0), id, "{value}");
    assert_eq!(event.start.nanos(), start, "{value}");
    let nanos = event.duration.nanos() as f64;
    assert!(
        (nanos - duration * 1e9).abs() <= 1.0 + nanos.abs() * 1e-12,
        "{value}: {nanos}"
    );
    let ours: Value = serde_json::from_str(&event.data).expect("data is JSON");
    assert_eq!(ours, data);
    assert_canonical(&event.data);
}

fn assert_canonical(text: &str) {
    assert!(
        matches!(Data::canonical(text), Ok(again) if again == text),
        "{text}"
    );
}

/// Whether a text holds a key twice somewhere, which a `Value` does not tell.
fn may_repeat_a_field(bytes: &[u8]) -> bool {
    // Escapes may spell a known key in any way, so with them nothing can be said.
    let text = String::from_utf8_lossy(bytes);
    let twice = |key: &str| text.matches(key).count() > 1;
    text.contains('\\') || ["id", "timestamp", "duration", "data"].into_iter().any(twice)
}

fn events(bytes: &[u8], value: Option<&Value>) {
    let read = json::parse_events(bytes);
    let Some(value) = value else {
        assert!(read.is_err() || deeper_or_stranger(bytes), "read what is no JSON");
        return;
    };
    match (read, value) {
        (Ok(events), Value::Array(list)) => {
            assert_eq!(events.len(), list.len());
            events
                .iter()
                .zip(list)
                .for_each(|(event, value)| assert_event(event, value));
        }
        (Ok(events), one) => {
            assert_eq!(events.len(), 1);
            assert_event(&events[0], one);
        }
        (Err(error), value) => {
            assert!(!error.message.is_empty());
            let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let good = !may_repeat_a_field(bytes) && list.iter().all(is_ordinary);
            assert!(!good, "refused: {error}");
        }
    }
}

/// An event that nothing can be said against: times in the middle of the range, spelled as everybody does.
fn is_ordinary(event: &Value) -> bool {
    let Some((_, start, duration, _)) = plain(event) else {
        return false;
    };
    let spelled = event.get("timestamp").and_then(Value::as_str).unwrap_or_default();
    let usual = |b: u8| b.is_ascii_digit() || b"-:.TZ".contains(&b);
    spelled.len() >= 20 && spelled.bytes().all(usual) && start.abs() < 1 << 62 && duration.abs() < 1e9
}

/// A `Value` refuses what lies deeper than 127 levels, halves of surrogate pairs and numbers beyond a float; fields
/// that are not known are passed over here without a look inside.
fn deeper_or_stranger(bytes: &[u8]) -> bool {
    let deep = bytes.iter().filter(|b| b"[{".contains(b)).count() > 100;
    deep || bytes.contains(&b'\\')
        || bytes
            .windows(2)
            .any(|w| w[0].is_ascii_digit() && w[1] | 32 == b'e')
        || { bytes.iter().filter(|b| b.is_ascii_digit()).count() > 300 }
}

fn heartbeat(bytes: &[u8], value: Option<&Value>) {
    let Ok(beat) = json::parse_heartbeat(bytes) else {
        return;
    };
    let Ok(one) = json::parse_events(bytes) else {
        // Times of heartbeats may be spelled in more ways than times of events.
        let is_usual = value.is_some_and(is_ordinary);
        assert!(!is_usual, "a heartbeat is an event");
        return;
    };
    assert_eq!(one.len(), 1);
    assert_eq!((beat.start, beat.duration), (one[0].start, one[0].duration));
    assert_eq!(beat.data, one[0].data);
    assert!(value.is_none_or(Value::is_object));
}

fn bucket(bytes: &[u8], value: Option<&Value>) {
    if let (Ok(bucket), Some(value)) = (json::parse_bucket(bytes), value) {
        for (name, ours) in [
            ("type", &bucket.type_),
            ("client", &bucket.client),
            ("hostname", &bucket.hostname),
        ] {
            assert_eq!(value[name].as_str(), Some(ours.as_str()));
        }
        assert_canonical(bucket.data.as_str());
        let listed = value["events"].as_array().map_or(0, Vec::len) as u64;
        let left_out = bucket.left_out.as_ref().map_or(0, |out| out.count as u64);
        assert_eq!(bucket.events.len() as u64 + left_out, listed);
    }
    if let (Ok(update), Some(value)) = (json::parse_bucket_update(bytes), value) {
        assert_eq!(update.client.as_deref(), value["client"].as_str());
        if let Some(data) = &update.data {
            assert_canonical(data.as_str());
        }
    }
}

fn import(bytes: &[u8], value: Option<&Value>) {
    if let (Ok(buckets), Some(value)) = (json::parse_import(bytes), value) {
        let known = value["buckets"].as_object().expect("buckets are an object");
        assert!(buckets.len() >= known.len());
    }
}

fn query(bytes: &[u8], value: Option<&Value>) {
    if !timberline_server::fuzz::accepts_query(bytes) {
        return;
    }
    if let Some(value) = value {
        // serde takes a struct from a list too.
        let (query, periods) = match value {
            Value::Array(both) => (&both[0], &both[1]),
            _ => (&value["query"], &value["timeperiods"]),
        };
        assert!(query.is_string() || query.is_array());
        assert!(
            periods
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string))
        );
    }
}

/// Data by the short ways and by the long one.
fn data(bytes: &[u8], value: Option<&Value>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Data::canonical(text) {
        Ok(canonical) => {
            assert_canonical(&canonical);
            if let Some(value) = value {
                let mut value = value.clone();
                value.sort_all_objects();
                assert_eq!(value.to_string(), canonical);
            }
        }
        Err(_) => assert!(!value.is_some_and(Value::is_object), "refused an object"),
    }
    // A setting is any JSON, kept as it is.
    if let Ok(setting) = serde_json::from_slice::<&RawValue>(bytes) {
        assert!(text.contains(setting.get()));
    }
}

/// Times are read as they are written.
fn times(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(time) = timberline_model::Timestamp::parse(text) {
        let again = timberline_model::Timestamp::parse(&time.to_string());
        assert_eq!(again.ok(), Some(time), "{text}");
    }
    if let Ok(duration) = timberline_model::Duration::parse(text) {
        let again = timberline_model::Duration::parse(&duration.to_string());
        assert_eq!(again.ok(), Some(duration), "{text}");
    }
}
