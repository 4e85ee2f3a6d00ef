//! JSON at the edge: request bodies in, answers out.
//!
//! Parsing is one pass over the body with serde_json. Fields are first taken as raw text and then parsed by hand. So
//! canonical data is borrowed from the body, seconds are exact, and an error names the event and the field. As in
//! aw-server-rust, unknown fields are ignored and repeated fields are refused. Writing appends to a buffer and cannot
//! fail.
//!
//! A refused body can be repaired: [`mend()`] repairs text that no JSON parser accepts, and [`salvage_bucket`] and
//! [`salvage_event`] read as much of an import as they can and report what they changed.

// This reads what clients send.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod buckets;
mod error;
mod events;
mod fields;
mod heartbeats;
mod mend;
mod salvage;
#[cfg(test)]
mod tests;
mod write;

pub use buckets::{parse_bucket, parse_bucket_update, parse_import};
pub use error::{ParseError, ParseErrorKind};
pub use events::{parse_events, parse_heartbeat};
pub use heartbeats::{AddressedHeartbeat, Heartbeats, parse_heartbeat_lines, parse_heartbeats};
pub use mend::{Mended, mend};
pub use salvage::{Change, UNKNOWN, salvage_bucket, salvage_event};
pub use write::{
    write_bucket_fields, write_event, write_event_before_data, write_event_without_id, write_string,
};

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
