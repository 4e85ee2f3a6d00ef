//! Values as JSON text, and the length of that text.

use rustc_hash::FxHashMap;
use timberline_model::json as model_json;
use timberline_model::{Duration, EventId, Timestamp};

use crate::catalog::{Catalog, ObjectId};
use crate::error::QueryError;
use crate::events::{Event, NO_ID};
use crate::limits::Guard;
use crate::value::Value;

/// The most bytes of an event without its data.
const MAX_EVENT_BYTES: usize = 128;

/// Appends a value.
pub(crate) fn write_value(catalog: &Catalog, value: &Value, out: &mut Vec<u8>) {
    let mut writer = Writer::new(catalog);
    let never: Result<(), std::convert::Infallible> = writer.value(value, out, &mut |_| Ok(()));
    match never {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

/// The bytes of a value's text, or a little more; `None` if they are more than `most`. For small values: it cannot be
/// cancelled.
pub(crate) fn size(catalog: &Catalog, value: &Value, most: usize) -> Option<usize> {
    let mut measure = Measure {
        catalog,
        guard: None,
        left: most,
        steps: 0,
    };
    measure.value(value).ok()?;
    Some(most - measure.left)
}

/// The same for an answer.
///
/// # Errors
/// Those of the guard: a short program can make a value that contains another many times, which takes long to measure.
pub(crate) fn answer_size(
    guard: &Guard,
    catalog: &Catalog,
    value: &Value,
    most: usize,
) -> Result<Option<usize>, QueryError> {
    let mut measure = Measure {
        catalog,
        guard: Some(guard),
        left: most,
        steps: 0,
    };
    match measure.value(value) {
        Ok(()) => Ok(Some(most - measure.left)),
        Err(TooLong::Bytes) => Ok(None),
        Err(TooLong::Stopped(error)) => Err(error),
    }
}

struct Measure<'a> {
    catalog: &'a Catalog,
    guard: Option<&'a Guard>,
    /// Bytes that are left.
    left: usize,
    steps: usize,
}

enum TooLong {
    Bytes,
    Stopped(QueryError),
}

impl Measure<'_> {
    fn value(&mut self, value: &Value) -> Result<(), TooLong> {
        self.steps += 1;
        if let Some(guard) = self.guard {
            guard.check_at(self.steps).map_err(TooLong::Stopped)?;
        }
        match value {
            Value::Empty | Value::Bool(_) => self.take(6),
            Value::Number(number) => self.take(number_text(*number).len() + 1),
            // Each byte may have to be escaped.
            Value::Text(text) => self.take(6 * text.len() + 3),
            Value::Event(event) => self.event(event.data),
            Value::Events(events) => {
                self.take(3)?;
                let mut objects = events.data().iter();
                objects.try_for_each(|object| self.event(*object))
            }
            Value::List(list) => {
                self.take(3)?;
                list.values.iter().try_for_each(|value| self.value(value))
            }
            Value::Dict(dict) => {
                self.take(3)?;
                dict.members.iter().try_for_each(|(key, value)| {
                    self.take(6 * key.len() + 4)?;
                    self.value(value)
                })
            }
        }
    }

    #[inline]
    fn event(&mut self, object: ObjectId) -> Result<(), TooLong> {
        let len = self.catalog.object_len(object).map_err(TooLong::Stopped)?;
        self.take(MAX_EVENT_BYTES + len)
    }

    fn take(&mut self, bytes: usize) -> Result<(), TooLong> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLong::Bytes)?;
        Ok(())
    }
}

/// The most bytes of objects' texts that are kept for further events with the same data.
const MAX_TEXTS_BYTES: usize = 4 << 20;

/// Writes values. The text of each distinct object is assembled once.
pub(crate) struct Writer<'a> {
    catalog: &'a Catalog,
    /// Objects as text, one after the other.
    texts: Vec<u8>,
    /// Where each is.
    places: FxHashMap<ObjectId, (usize, usize)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Writer<'a> {
        Writer {
            catalog,
            texts: Vec::new(),
            places: FxHashMap::default(),
        }
    }

    /// Appends a value. `flush` is called between the elements of lists and may empty the buffer.
    ///
    /// # Errors
    /// Those of `flush`.
    pub(crate) fn value<E>(
        &mut self,
        value: &Value,
        out: &mut Vec<u8>,
        flush: &mut impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        match value {
            Value::Empty => out.extend_from_slice(b"[]"),
            Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::Number(number) => out.extend_from_slice(number_text(*number).as_bytes()),
            Value::Text(text) => model_json::write_string(out, text),
            Value::Event(event) => self.event(event, out),
            Value::Events(events) => {
                out.push(b'[');
                for (i, event) in events.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    self.event(&event, out);
                    flush(out)?;
                }
                out.push(b']');
            }
            Value::List(list) => {
                out.push(b'[');
                for (i, value) in list.values.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    self.value(value, out, flush)?;
                    flush(out)?;
                }
                out.push(b']');
            }
            Value::Dict(dict) => {
                out.push(b'{');
                for (i, (key, value)) in dict.members.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    model_json::write_string(out, key);
                    out.push(b':');
                    self.value(value, out, flush)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        let (start, duration) = (
            Timestamp::from_nanos(event.start),
            Duration::from_nanos(event.duration),
        );
        let id = (event.id != NO_ID).then_some(EventId(event.id));
        model_json::write_event_before_data(out, id, start, duration);
        self.object(event.data, out);
        out.push(b'}');
    }

    fn object(&mut self, object: ObjectId, out: &mut Vec<u8>) {
        let (from, to) = match self.places.get(&object) {
            Some(place) => *place,
            None if self.texts.len() >= MAX_TEXTS_BYTES => return self.catalog.write_object(object, out),
            None => {
                let from = self.texts.len();
                self.catalog.write_object(object, &mut self.texts);
                let place = (from, self.texts.len());
                self.places.insert(object, place);
                place
            }
        };
        out.extend_from_slice(self.texts.get(from..to).unwrap_or_default());
    }
}

/// With at least one digit of fraction, as aw-server-rust writes numbers; `null` for what is not a number in JSON.
fn number_text(number: f64) -> String {
    if number.is_finite() {
        format!("{number:?}")
    } else {
        "null".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        for number in [
            0.0,
            -0.0,
            1.0,
            1.5,
            0.1 + 0.2,
            1e21,
            1e-7,
            123_456_789_012.0,
            f64::MAX,
        ] {
            assert_eq!(number_text(number).parse::<f64>().unwrap(), number);
        }
        assert_eq!(number_text(3.0), "3.0");
        assert_eq!(number_text(f64::NAN), "null");
    }
}
