//! Server-sent events as text.

use bytes::Bytes;
use serde_json::json;
use timberline_log::Seq;

use crate::service::live::Message;

/// How long a client waits before it connects again, in milliseconds.
const RETRY: u32 = 2_000;

/// The records after `newest` that a client has seen are not in this log: it has lost its end, or is another one.
pub(super) fn ahead(newest: Seq, seen: Seq) -> String {
    let first = newest.next().get();
    json!({ "from": first, "to": seen.get(), "first": first, "reason": "ahead" }).to_string()
}

/// The first event. With its id, also a client that gets no other goes on from here.
pub(super) fn opening(mode: &str, seq: Seq) -> Vec<u8> {
    let mut out = format!("retry: {RETRY}\n\n").into_bytes();
    let data = json!({ "mode": mode, "seq": seq.get() });
    write_event(&mut out, "start", seq, &data.to_string());
    out
}

pub(super) fn write_event(out: &mut Vec<u8>, event: &str, seq: Seq, data: &str) {
    // JSON text has no line breaks.
    out.extend_from_slice(format!("event: {event}\nid: {}\ndata: {data}\n\n", seq.get()).as_bytes());
}

pub(super) fn text(messages: &[Message]) -> Bytes {
    let mut out = Vec::new();
    for message in messages {
        write_event(&mut out, message.event, message.seq, &message.data);
    }
    Bytes::from(out)
}

/// A comment for proxies, and for the client how far it has come: an event without data only sets the id.
pub(super) fn keep_alive(seq: Seq) -> Bytes {
    Bytes::from(format!(":\n\nid: {}\n\n", seq.get()))
}
