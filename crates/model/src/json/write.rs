//! Writing answers.

use crate::escape::push_string;
use crate::time::push_u64;
use crate::{Bucket, Duration, EventId, Timestamp};

/// The most bytes of an event without its data: 57 of punctuation, 20 of id, 30 of timestamp, 21 of duration.
const MAX_EVENT_OVERHEAD: usize = 128;

/// Appends an event: `{"id":1,"timestamp":"2024-03-01T10:00:00Z","duration":1.5,"data":{}}`. `data` is canonical.
#[inline]
pub fn write_event(out: &mut Vec<u8>, id: EventId, start: Timestamp, duration: Duration, data: &str) {
    out.reserve(MAX_EVENT_OVERHEAD + data.len());
    write_event_before_data(out, Some(id), start, duration);
    out.extend_from_slice(data.as_bytes());
    out.push(b'}');
}

/// The same for an event that is not stored: its id is null.
#[inline]
pub fn write_event_without_id(out: &mut Vec<u8>, start: Timestamp, duration: Duration, data: &str) {
    out.reserve(MAX_EVENT_OVERHEAD + data.len());
    write_event_before_data(out, None, start, duration);
    out.extend_from_slice(data.as_bytes());
    out.push(b'}');
}

/// Appends an event up to its data. The caller appends the data and `}`, and so can write data in pieces.
#[inline]
pub fn write_event_before_data(out: &mut Vec<u8>, id: Option<EventId>, start: Timestamp, duration: Duration) {
    out.reserve(MAX_EVENT_OVERHEAD);
    out.extend_from_slice(b"{\"id\":");
    match id {
        Some(id) => push_u64(out, id.0),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"timestamp\":\"");
    start.write(out);
    out.extend_from_slice(b"\",\"duration\":");
    duration.write(out);
    out.extend_from_slice(b",\"data\":");
}

/// Appends the members of a bucket without the braces, so that the caller can add `events`: `"id":..,"type":..,
/// "client":..,"hostname":..,"created":..,"data":{..},"metadata":{"start":..,"end":..},"last_updated":..`.
///
/// `start` and `end` are the bounds of its events, null when it has none. `last_updated` is null unless the bucket
/// came with one; then it is that or `end`, whichever is later.
pub fn write_bucket_fields(
    out: &mut Vec<u8>,
    bucket: &Bucket,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
) {
    for (name, value) in [
        ("\"id\":", &bucket.id),
        (",\"type\":", &bucket.type_),
        (",\"client\":", &bucket.client),
        (",\"hostname\":", &bucket.hostname),
    ] {
        out.extend_from_slice(name.as_bytes());
        push_string(out, value);
    }
    out.extend_from_slice(b",\"created\":");
    write_instant(out, Some(bucket.created));
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(bucket.data.as_str().as_bytes());
    out.extend_from_slice(b",\"metadata\":{\"start\":");
    write_instant(out, start);
    out.extend_from_slice(b",\"end\":");
    write_instant(out, end);
    out.extend_from_slice(b"},\"last_updated\":");
    write_instant(
        out,
        bucket
            .last_updated
            .map(|updated| end.map_or(updated, |end| end.max(updated))),
    );
}

/// Appends a string with quotes and escapes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    push_string(out, text);
}

fn write_instant(out: &mut Vec<u8>, instant: Option<Timestamp>) {
    match instant {
        Some(instant) => {
            out.push(b'"');
            instant.write(out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}
