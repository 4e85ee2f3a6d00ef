//! Hits as JSON.

use timberline_model::Timestamp;
use timberline_model::json::write_string;

use super::{Hit, HitSpan, Hits};

impl Hits {
    /// The answer as text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(b"{\"hits\":[");
        for (at, hit) in self.hits.iter().enumerate() {
            separate(&mut out, at);
            write_hit(&mut out, hit);
        }
        out.extend_from_slice(format!("],\"total\":{},\"time\":", self.total).as_bytes());
        self.time.write(&mut out);
        out.extend_from_slice(b",\"cursor\":");
        match &self.next {
            Some(cursor) => write_string(&mut out, &cursor.to_string()),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
        out
    }
}

fn write_hit(out: &mut Vec<u8>, hit: &Hit) {
    out.extend_from_slice(b"{\"type\":");
    write_string(out, &hit.type_);
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(hit.data.as_bytes());
    out.extend_from_slice(b",\"time\":");
    hit.time.write(out);
    out.extend_from_slice(format!(",\"events\":{},\"first\":", hit.events).as_bytes());
    write_instant(out, hit.first);
    out.extend_from_slice(b",\"last\":");
    write_instant(out, hit.last);
    out.extend_from_slice(b",\"spans\":[");
    for (at, span) in hit.spans.iter().enumerate() {
        separate(out, at);
        write_span(out, span);
    }
    out.extend_from_slice(b"]}");
}

fn write_span(out: &mut Vec<u8>, span: &HitSpan) {
    out.extend_from_slice(b"{\"bucket\":");
    write_string(out, &span.bucket);
    out.extend_from_slice(format!(",\"id\":{},\"start\":", span.id.0).as_bytes());
    write_instant(out, span.start);
    out.extend_from_slice(b",\"end\":");
    write_instant(out, span.end);
    out.push(b'}');
}

fn write_instant(out: &mut Vec<u8>, instant: Timestamp) {
    out.push(b'"');
    instant.write(out);
    out.push(b'"');
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}
