//! The values of a running program.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::error::{Limited, QueryError};
use crate::events::{Event, Events};
use crate::limits::{Charge, Guard};

/// A value; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// The result of `print`; answered as `[]`.
    Empty,
    Bool(bool),
    Number(f64),
    Text(Text),
    /// A list of events. The empty list may be this or a [`Value::List`].
    Events(Events),
    /// One event, taken out of a list of events.
    Event(Event),
    List(Arc<List>),
    Dict(Arc<Dict>),
}

/// A string. A computed string is charged; a literal is part of the program.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: Arc<str>,
    _charge: Option<Arc<Charge>>,
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Text {
        Text {
            text: Arc::clone(text),
            _charge: None,
        }
    }
}

impl Text {
    /// Both, one after the other.
    pub(crate) fn join(&self, other: &Text, guard: &Guard) -> Result<Text, QueryError> {
        let charge = guard.charge(self.len() + other.len())?;
        Ok(Text {
            text: format!("{}{}", &**self, &**other).into(),
            _charge: Some(Arc::new(charge)),
        })
    }
}

/// A list of values.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) values: Vec<Value>,
    nest: Nest,
}

/// Values by key, in the order of the program.
#[derive(Debug)]
pub(crate) struct Dict {
    pub(crate) members: Vec<(Arc<str>, Value)>,
    nest: Nest,
}

/// The cost of a value that contains others.
#[derive(Debug)]
struct Nest {
    /// Levels of nesting, including itself.
    depth: usize,
    _charge: Charge,
}

impl Nest {
    fn of<'a>(
        guard: &Guard,
        bytes: usize,
        values: impl Iterator<Item = &'a Value>,
    ) -> Result<Nest, QueryError> {
        let depth = 1 + values.map(Value::depth).max().unwrap_or(0);
        if depth > guard.depth {
            let message = format!("values are nested more than {} deep", guard.depth);
            return Err(QueryError::limit(Limited::Depth, message));
        }
        Ok(Nest {
            depth,
            _charge: guard.charge(bytes)?,
        })
    }
}

impl Value {
    pub(crate) fn list(guard: &Guard, values: Vec<Value>) -> Result<Value, QueryError> {
        let nest = Nest::of(guard, values.capacity() * size_of::<Value>(), values.iter())?;
        Ok(Value::List(Arc::new(List { values, nest })))
    }

    pub(crate) fn dict(guard: &Guard, members: Vec<(Arc<str>, Value)>) -> Result<Value, QueryError> {
        let bytes = members.capacity() * size_of::<(Arc<str>, Value)>();
        let nest = Nest::of(guard, bytes, members.iter().map(|(_, value)| value))?;
        Ok(Value::Dict(Arc::new(Dict { members, nest })))
    }

    /// A JSON value. Members of objects that are null are left out: the language has no null.
    ///
    /// # Errors
    /// When it is nested too deep, or there is no memory for it.
    pub(crate) fn of_json(guard: &Guard, json: &serde_json::Value) -> Result<Value, QueryError> {
        use serde_json::Value as Json;
        Ok(match json {
            Json::Null => Value::Empty,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
            Json::String(text) => Value::text(text.as_str()),
            Json::Array(values) => {
                let values: Result<Vec<Value>, _> = values.iter().map(|v| Value::of_json(guard, v)).collect();
                Value::list(guard, values?)?
            }
            Json::Object(members) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                let member =
                    |(key, value): (&String, &Json)| Ok((key.as_str().into(), Value::of_json(guard, value)?));
                Value::dict(guard, members.map(member).collect::<Result<_, QueryError>>()?)?
            }
        })
    }

    pub(crate) fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(Text::from(&text.into()))
    }

    fn depth(&self) -> usize {
        match self {
            Value::List(list) => list.nest.depth,
            Value::Dict(dict) => dict.nest.depth,
            _ => 0,
        }
    }

    /// The values of a list; those of a list of events one by one.
    pub(crate) fn items(&self) -> Option<Items<'_>> {
        match self {
            Value::List(list) => Some(Items::Values(&list.values)),
            Value::Events(events) => Some(Items::Events(events)),
            _ => None,
        }
    }

    /// Whether two values are equal as elements of lists are: values of different kinds are not.
    ///
    /// # Errors
    /// When comparing takes too long.
    pub(crate) fn same(&self, other: &Value, guard: &Guard) -> Result<bool, QueryError> {
        guard.check()?;
        Ok(match (self, other) {
            (Value::Empty, Value::Empty) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => **a == **b,
            (Value::Event(a), Value::Event(b)) => same_event(a, b),
            (Value::Dict(a), Value::Dict(b)) => Arc::ptr_eq(a, b) || same_members(a, b, guard)?,
            (Value::List(a), Value::List(b)) if Arc::ptr_eq(a, b) => true,
            _ => match (self.items(), other.items()) {
                (Some(a), Some(b)) => a.same(&b, guard)?,
                _ => false,
            },
        })
    }

    /// Whether `==` may compare the two.
    pub(crate) fn is_comparable(&self, other: &Value) -> bool {
        self.kind() == other.kind()
    }

    /// Its kind, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Empty => "the empty value",
            Value::Bool(_) => "a bool",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Event(_) => "an event",
            Value::Events(_) | Value::List(_) => "a list",
            Value::Dict(_) => "a dict",
        }
    }

    /// As JSON, to be compared with data.
    pub(crate) fn to_data(&self, catalog: &Catalog) -> serde_json::Value {
        match self {
            Value::Empty => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => (*n).into(),
            Value::Text(text) => (&**text).into(),
            Value::Event(event) => {
                let mut text = Vec::new();
                catalog.write_object(event.data, &mut text);
                serde_json::from_slice(&text).unwrap_or_default()
            }
            Value::Events(events) => events
                .iter()
                .map(|event| Value::Event(event).to_data(catalog))
                .collect(),
            Value::List(list) => list.values.iter().map(|v| v.to_data(catalog)).collect(),
            Value::Dict(dict) => {
                let members = dict.members.iter();
                let members = members.map(|(key, value)| (key.to_string(), value.to_data(catalog)));
                serde_json::Value::Object(members.collect())
            }
        }
    }
}

/// Start, duration and data; the id does not count.
fn same_event(a: &Event, b: &Event) -> bool {
    (a.start, a.duration, a.data) == (b.start, b.duration, b.data)
}

fn same_members(a: &Dict, b: &Dict, guard: &Guard) -> Result<bool, QueryError> {
    if a.members.len() != b.members.len() {
        return Ok(false);
    }
    for (key, value) in &a.members {
        match b.get(key) {
            Some(other) if value.same(other, guard)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

impl Dict {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let found = self.members.iter().find(|(k, _)| **k == *key);
        found.map(|(_, value)| value)
    }
}

/// The elements of a list.
#[derive(Clone, Copy)]
pub(crate) enum Items<'a> {
    Values(&'a [Value]),
    Events(&'a Events),
}

impl Items<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Items::Values(values) => values.len(),
            Items::Events(events) => events.len(),
        }
    }

    fn get(&self, i: usize) -> Option<Value> {
        match self {
            Items::Values(values) => values.get(i).cloned(),
            Items::Events(events) => events.get(i).map(Value::Event),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    fn same(&self, other: &Items<'_>, guard: &Guard) -> Result<bool, QueryError> {
        if self.len() != other.len() {
            return Ok(false);
        }
        for (a, b) in self.iter().zip(other.iter()) {
            if !a.same(&b, guard)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// For error messages: its kind, or the value itself if that is short.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LETTERS: usize = 40;
        match self {
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(n) => write!(f, "the number {n}"),
            Value::Text(text) if text.chars().count() <= MAX_LETTERS => write!(f, "the string {:?}", &**text),
            _ => f.write_str(self.kind()),
        }
    }
}
