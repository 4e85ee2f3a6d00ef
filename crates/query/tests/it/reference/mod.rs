//! Every function of the language as plainly as it can be said: loops over vectors of events that own their data. What
//! the engine is compared with, written from the description of the language and from nothing of the engine's.
//!
//! | file | what |
//! |---|---|
//! | `buckets` | what comes from the store |
//! | `select` | choosing, ordering and counting events |
//! | `periods` | functions of time: intersections, unions, gaps |
//! | `groups` | events summed by what they are about |
//! | `data` | functions that change data |
//! | `program` | programs that can be printed, and evaluated with these functions |

// Each test uses a part of it.

pub(crate) mod buckets;
pub(crate) mod data;
pub(crate) mod groups;
pub(crate) mod periods;
pub(crate) mod program;
pub(crate) mod select;

use serde_json::Value as Json;
use timberline_model::json as model_json;
use timberline_model::{Duration, EventId, Timestamp};

/// A second, in the unit of all times here.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// What an event is about.
pub(crate) type Object = serde_json::Map<String, Json>;

/// An event: nanoseconds since 1970, nanoseconds, its id if the store gave it one, and its data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) id: Option<u64>,
    pub(crate) data: Object,
}

impl Event {
    /// When it ends.
    pub(crate) fn end(&self) -> i64 {
        self.start + self.duration
    }
}

/// What a program answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Events(Vec<Event>),
    List(Vec<Value>),
}

impl Value {
    /// The events, of what is a list of events.
    pub(crate) fn into_events(self) -> Vec<Event> {
        match self {
            Value::Events(events) => events,
            other => panic!("expected events, found {other:?}"),
        }
    }

    /// The text that the engine must answer, to the byte.
    pub(crate) fn to_json(&self) -> String {
        match self {
            Value::Number(number) => format!("{number:?}"),
            Value::Events(events) => in_brackets(events.iter().map(event_json)),
            Value::List(values) => in_brackets(values.iter().map(Value::to_json)),
        }
    }
}

/// The texts as a JSON list.
pub(crate) fn in_brackets(texts: impl Iterator<Item = String>) -> String {
    format!("[{}]", texts.collect::<Vec<_>>().join(","))
}

/// An event as every answer of Timberline writes it.
fn event_json(event: &Event) -> String {
    let (start, duration) = (
        Timestamp::from_nanos(event.start),
        Duration::from_nanos(event.duration),
    );
    let data = data_text(&event.data);
    let mut text = Vec::new();
    match event.id {
        Some(id) => model_json::write_event(&mut text, EventId(id), start, duration, &data),
        None => model_json::write_event_without_id(&mut text, start, duration, &data),
    }
    String::from_utf8(text).expect("text")
}

/// Data as the store has them: one spelling for each object.
pub(crate) fn data_text(data: &Object) -> String {
    let mut data = Json::Object(data.clone());
    data.sort_all_objects();
    data.to_string()
}

/// Whether two JSON values are the same text: 1 and 1.0 are not.
#[allow(clippy::cmp_owned, reason = "texts are compared: 0.0 and -0.0 differ")]
pub(crate) fn same_text(a: &Json, b: &Json) -> bool {
    a.to_string() == b.to_string()
}

/// Whether two JSON values are equal: numbers as numbers, lists by element, dicts by key.
pub(crate) fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}
