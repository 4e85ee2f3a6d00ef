//! The data of events and buckets: a JSON object, in one canonical spelling.
//!
//! Two heartbeats say the same when their data are equal, whatever the order of the keys and the white space
//! between them; and real data repeats itself, so that equal data are to be stored once. Both come down to comparing
//! bytes once every object is spelled one way: keys sorted by their bytes, no white space, numbers and strings as
//! serde_json writes them, and of a key that is there twice the last. So 1 and 1.0 differ, as in aw-server-rust.

// This reads what clients send.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod canonical;
mod cursor;
mod flat;
mod members;
mod number;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

pub use members::Members;

/// A JSON object in canonical spelling. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Data(Arc<str>);

impl Data {
    /// Brings the text of a JSON object into the canonical spelling; borrows when it has that already.
    ///
    /// # Errors
    ///
    /// [`DataError::NotAnObject`] for any other JSON value, [`DataError::Unreadable`] for what is no JSON or
    /// cannot be kept: half of a surrogate pair, a number no `f64` can hold, more than 127 levels.
    #[inline]
    pub fn canonical(raw: &str) -> Result<Cow<'_, str>, DataError> {
        canonical::canonical(raw)
    }

    /// [`Data::canonical`], kept.
    ///
    /// # Errors
    ///
    /// As [`Data::canonical`].
    pub fn parse(raw: &str) -> Result<Data, DataError> {
        Ok(Data(Data::canonical(raw)?.into()))
    }

    /// Takes text that came out of [`Data::canonical`] before, from a log or a view, and is not checked again.
    #[must_use]
    pub fn from_canonical(text: impl Into<Arc<str>>) -> Data {
        Data(text.into())
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Data {
    fn default() -> Data {
        Data(Arc::from("{}"))
    }
}

impl AsRef<str> for Data {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Data> for Arc<str> {
    fn from(data: Data) -> Arc<str> {
        data.0
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something cannot be the data of an event or a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DataError {
    /// A JSON value, but no object.
    #[error("expected an object such as {{\"app\": \"Firefox\"}}, found {found}")]
    NotAnObject {
        /// What it is instead: "a list", "null".
        found: &'static str,
    },
    /// No JSON, or JSON that cannot be kept.
    #[error("not readable: {0}")]
    Unreadable(String),
}

/// What a JSON text is, from its first byte: for errors.
pub(crate) fn kind_of(raw: &str) -> &'static str {
    match raw.trim_ascii_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}
