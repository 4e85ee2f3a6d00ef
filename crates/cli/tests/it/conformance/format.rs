//! The format of a corpus: scenarios, their steps, what is expected of each, and the placeholders in them.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::harness::rfc3339;

/// A file of scenarios.
pub(crate) struct Corpus {
    /// In the order of the file. Each stands for itself.
    pub(crate) scenarios: Vec<Scenario>,
}

impl Corpus {
    /// Reads a corpus.
    ///
    /// # Panics
    ///
    /// When it is not one: it is part of the tests.
    pub(crate) fn parse(text: &str) -> Corpus {
        Corpus {
            scenarios: serde_json::from_str(text).expect("a list of scenarios"),
        }
    }
}

/// Requests that build on each other. What else stands in the file (how the reference servers fared) is for
/// people.
#[derive(Deserialize)]
pub(crate) struct Scenario {
    /// Unique in its file.
    pub(crate) name: String,
    /// What is sent and expected.
    pub(crate) steps: Vec<Step>,
}

/// A request and what is expected of its answer. An unknown field is an error, lest an expectation is passed
/// over.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) method: String,
    pub(crate) path: String,
    /// An object is url-encoded, a string is appended as it is.
    #[serde(default)]
    pub(crate) query: Option<Value>,
    /// Besides the usual ones; `None` leaves one of those out.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(crate) expect: Expect,
    /// Names for parts of the answer, given by paths.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, String>,
    /// JSON, also `null`.
    #[serde(default, deserialize_with = "present")]
    body: Option<Value>,
    #[serde(default)]
    raw_body: Option<String>,
    #[serde(default)]
    multipart: Option<Vec<Part>>,
}

impl Step {
    /// What the request carries.
    pub(crate) fn body(&self) -> Body<'_> {
        match (&self.body, &self.raw_body, &self.multipart) {
            (Some(value), None, None) => Body::Json(value),
            (None, Some(text), None) => Body::Raw(text),
            (None, None, Some(parts)) => Body::Multipart(parts),
            (None, None, None) => Body::None,
            _ => panic!("{} {}: a step has one body", self.method, self.path),
        }
    }
}

/// What a request carries.
pub(crate) enum Body<'a> {
    /// Nothing.
    None,
    /// A value, sent as `application/json`.
    Json(&'a Value),
    /// Text, sent as it is and without a content type.
    Raw(&'a str),
    /// A form with files.
    Multipart(&'a [Part]),
}

/// One part of a form.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) filename: Option<String>,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// Text as it is; any other value as JSON.
    pub(crate) content: Value,
}

/// What is expected of an answer. What is not named is free.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    #[serde(default)]
    pub(crate) status: Option<Statuses>,
    /// The whole answer.
    #[serde(default, deserialize_with = "present")]
    pub(crate) json: Option<Value>,
    /// The answer, but objects may have more keys.
    #[serde(default, deserialize_with = "present")]
    pub(crate) json_subset: Option<Value>,
    #[serde(default)]
    pub(crate) text_contains: Vec<String>,
    /// Exact, `~part of it`, or absent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    /// Paths of lists in any order.
    #[serde(default)]
    pub(crate) unordered: Vec<String>,
    /// Paths of lists that are sorted by a key, and in any order where that is equal.
    #[serde(default)]
    pub(crate) ties: BTreeMap<String, String>,
    /// Keys that are not compared, at any depth.
    #[serde(default)]
    pub(crate) ignore_keys: Vec<String>,
    /// aw-server-rust cut its sums to milliseconds: a number may also be the exact one that was cut.
    #[serde(default)]
    pub(crate) cut_ms: bool,
    /// For information: what aw-server-rust answered, where several statuses are accepted.
    #[serde(default, rename = "reference_status")]
    _reference_status: Option<u16>,
    /// For information: the error text of aw-server-rust.
    #[serde(default, rename = "recorded")]
    _recorded: Option<Value>,
}

/// The acceptable status codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Statuses {
    /// Just this.
    One(u16),
    /// Any of these.
    AnyOf(Vec<u16>),
}

impl Statuses {
    /// Whether a status is acceptable.
    pub(crate) fn include(&self, status: u16) -> bool {
        match self {
            Statuses::One(one) => *one == status,
            Statuses::AnyOf(several) => several.contains(&status),
        }
    }
}

/// A value that is there, even as `null`; `Option` alone would take that for an absent one.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// What placeholders stand for, in the course of one scenario.
pub(crate) type Names = HashMap<String, Value>;

/// The name in a string that is nothing but a placeholder.
pub(crate) fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!name.is_empty() && !name.contains(['{', '}'])).then_some(name)
}

/// Fills in the placeholders of a text; unknown ones stay.
pub(crate) fn fill_text(text: &str, names: &Names) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, behind) = rest.split_at(open);
        filled.push_str(before);
        let end = behind.find("}}").map(|close| close + 2);
        let known = end.and_then(|end| {
            let value = names.get(placeholder(&behind[..end])?)?;
            Some((end, as_text(value)))
        });
        rest = match known {
            Some((end, value)) => {
                filled.push_str(&value);
                &behind[end..]
            }
            None => {
                filled.push('{');
                &behind[1..]
            }
        };
    }
    filled + rest
}

/// A value as it stands in a text: strings bare, all else as JSON.
pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Fills in the placeholders of a value, at any depth, and writes out `$repeat` and `$events`. A string that
/// is nothing but a placeholder becomes the value that it stands for.
pub(crate) fn fill(value: &Value, names: &Names) -> Value {
    match value {
        Value::String(text) => match placeholder(text).and_then(|name| names.get(name)) {
            Some(value) => value.clone(),
            None => Value::String(fill_text(text, names)),
        },
        Value::Array(list) => list.iter().map(|item| fill(item, names)).collect(),
        Value::Object(object) => written_out(object, names).unwrap_or_else(|| {
            object
                .iter()
                .map(|(key, value)| (fill_text(key, names), fill(value, names)))
                .collect()
        }),
        other => other.clone(),
    }
}

/// What an object such as `{"$repeat": ["abc", 1000]}` stands for.
fn written_out(object: &Map<String, Value>, names: &Names) -> Option<Value> {
    if object.len() != 1 {
        return None;
    }
    if let Some(repeat) = object.get("$repeat") {
        let (text, times): (String, usize) =
            serde_json::from_value(repeat.clone()).expect("$repeat: [text, times]");
        return Some(Value::String(fill_text(&text, names).repeat(times)));
    }
    let series = object.get("$events")?.clone();
    let series: Series = serde_json::from_value(series).expect("$events: {n, start, step, data}");
    Some(series.events(names))
}

/// Events at even distances.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    n: u64,
    start: String,
    /// Seconds.
    step: f64,
    #[serde(default)]
    duration: Option<Value>,
    /// With `{{i}}` for the event's number.
    data: Value,
}

impl Series {
    fn events(&self, names: &Names) -> Value {
        let start = rfc3339::parse(&self.start).expect("$events: a start");
        let mut names = names.clone();
        let event = |i: u64| {
            names.insert("i".to_owned(), i.into());
            let timestamp = rfc3339::format(start + (i as f64 * self.step * 1e9).round() as i128);
            let mut event = Map::new();
            event.insert("timestamp".to_owned(), timestamp.into());
            event.insert("data".to_owned(), fill(&self.data, &names));
            if let Some(duration) = &self.duration {
                event.insert("duration".to_owned(), duration.clone());
            }
            Value::Object(event)
        };
        (0..self.n).map(event).collect()
    }
}

/// The part of a value that a path such as `$[0].data.x` leads to.
pub(crate) fn part_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut part = value;
    for step in path
        .strip_prefix('$')?
        .split_inclusive(['.', ']'])
        .flat_map(|text| text.split('['))
    {
        part = match step.strip_suffix(']') {
            Some(index) => part.get(index.parse::<usize>().ok()?)?,
            None => match step.trim_end_matches('.') {
                "" => part,
                key => part.get(key)?,
            },
        };
    }
    Some(part)
}
