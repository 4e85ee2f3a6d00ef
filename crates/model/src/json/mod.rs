//! JSON at the edge: request bodies in, answers out.
//!
//! Reading is one pass over the body with serde_json; fields are first taken as the text they are, then read by
//! hand, so that data is borrowed from the body where it is canonical already, numbers of seconds are exact, and an
//! error can name the event and the field. Fields that are not known are ignored, fields that are there twice are
//! not accepted: all as in aw-server-rust. Writing appends to a buffer and cannot fail.
//!
//! What is refused so can be looked at again: [`mend()`] repairs text that no JSON reader takes, and [`salvage_bucket`]
//! and [`salvage_event`] read as much of an import as there is, and say what they changed.

mod buckets;
mod error;
mod events;
mod fields;
mod mend;
mod salvage;
#[cfg(test)]
mod tests;
mod write;

pub use buckets::{parse_bucket, parse_bucket_update, parse_import};
pub use error::{ParseError, ParseErrorKind};
pub use events::{parse_events, parse_heartbeat};
pub use mend::{Mended, mend};
pub use salvage::{Change, UNKNOWN, salvage_bucket, salvage_event};
pub use write::{write_bucket_fields, write_event, write_event_without_id, write_string};

use serde::de::DeserializeSeed;

/// Reads a whole body as one value.
fn read<'de, S: DeserializeSeed<'de>>(body: &'de [u8], seed: S) -> Result<S::Value, ParseError> {
    // Once for all of it, so that nothing has to be checked when it is borrowed.
    let text = str::from_utf8(body).map_err(|error| {
        ParseError::syntax(format!(
            "the body is not UTF-8 from byte {} on",
            error.valid_up_to()
        ))
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}
