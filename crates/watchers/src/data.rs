//! The data of events.

use serde_json::{Map, Value};
use timberline_model::Data;

/// An object with the fields that are known.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Option<Value>)>) -> Data {
    let known = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let object = Value::Object(known.collect::<Map<_, _>>());
    // Every object of serde_json is valid data.
    Data::parse(&object.to_string()).unwrap_or_else(|_| Data::from_canonical("{}"))
}
