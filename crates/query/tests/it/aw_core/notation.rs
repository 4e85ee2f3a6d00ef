//! A short way to write events and answers down: `#1 0+2.5 {"app":"vim"}` is the first event, which starts at noon and
//! lasts two and a half seconds; `-` is one without an id.

use serde_json::Value as Json;
use timberline_model::Timestamp;
use timberline_query::QueryError;

use crate::random::NOON;
use crate::reference::buckets::Period;
use crate::reference::{Event, SECOND};

/// Seconds after noon, seconds, data.
pub(crate) type Short = (f64, f64, &'static str);

/// Events, as they are inserted.
pub(crate) fn events(short: &[Short]) -> Vec<Event> {
    let event = |(start, duration, data): &Short| Event {
        start: NOON + nanos(*start),
        duration: nanos(*duration),
        id: None,
        data: serde_json::from_str(data).expect("an object"),
    };
    short.iter().map(event).collect()
}

/// From so many seconds after noon to so many.
pub(crate) fn period((start, end): (f64, f64)) -> Period {
    Period {
        start: NOON + nanos(start),
        end: NOON + nanos(end),
    }
}

fn nanos(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64 * (SECOND / 1_000_000)
}

/// What Timberline answered, or the type of the error. `first` is the id of the first event.
pub(crate) fn ours(answer: Result<String, QueryError>, first: u64) -> String {
    match answer {
        Ok(text) => {
            let results: Json = serde_json::from_str(&text).expect("JSON");
            shown(&results[0], first)
        }
        Err(error) => error.kind.name().to_owned(),
    }
}

/// What aw-core answered, or the type of the exception.
pub(crate) fn theirs(answer: Result<Json, String>, first: u64) -> String {
    match answer {
        Ok(result) => shown(&result, first),
        Err(error) => error.split(':').next().unwrap_or_default().to_owned(),
    }
}

fn shown(value: &Json, first: u64) -> String {
    match value {
        Json::Object(members) if members.contains_key("data") && members.contains_key("duration") => {
            event(value, first)
        }
        Json::Object(members) => {
            let member = |(key, value): (&String, &Json)| {
                format!("{}:{}", Json::from(key.as_str()), shown(value, first))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
        Json::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| shown(value, first)).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

fn event(event: &Json, first: u64) -> String {
    let id = event["id"]
        .as_u64()
        .map_or("-".to_owned(), |id| format!("#{}", id - first + 1));
    let (start, duration) = match event.get("timestamp") {
        Some(time) => {
            let time = Timestamp::parse(time.as_str().expect("a time")).expect("a time");
            let duration = event["duration"].as_f64().expect("seconds");
            ((time.nanos() - NOON) as f64 / 1e9, duration)
        }
        None => {
            let microseconds = |field: &str| event[field].as_i64().expect("a number");
            let start = microseconds("start") - NOON / 1000;
            (start as f64 / 1e6, microseconds("duration") as f64 / 1e6)
        }
    };
    format!("{id} {start}+{duration} {}", shown(&event["data"], first))
}
