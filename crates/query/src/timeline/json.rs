//! A timeline as JSON. Data that many spans share are written once, in a list that the spans refer to by number.

use rustc_hash::FxHashMap;
use timberline_model::Timestamp;
use timberline_model::json::write_string;

use super::{Lane, LaneName, Span, Timeline};

/// About the bytes of a span without its data.
const SPAN_BYTES: usize = 160;

/// The list of data, while spans are written.
#[derive(Default)]
struct Data<'a> {
    numbers: FxHashMap<&'a str, usize>,
    texts: Vec<&'a str>,
}

impl<'a> Data<'a> {
    fn number(&mut self, text: &'a str) -> usize {
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }
}

impl Timeline {
    /// The answer as text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let spans: usize = self.lanes.iter().map(|lane| lane.spans.len()).sum();
        let mut out = Vec::with_capacity(spans * SPAN_BYTES + 256);
        let mut data = Data::default();
        out.extend_from_slice(b"{\"start\":");
        write_instant(&mut out, self.start);
        out.extend_from_slice(b",\"end\":");
        write_instant(&mut out, self.end);
        out.extend_from_slice(b",\"lanes\":[");
        for (at, lane) in self.lanes.iter().enumerate() {
            separate(&mut out, at);
            write_lane(&mut out, lane, &mut data);
        }
        out.extend_from_slice(b"],\"data\":[");
        for (at, text) in data.texts.iter().enumerate() {
            separate(&mut out, at);
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(b"]}");
        out
    }
}

fn write_lane<'a>(out: &mut Vec<u8>, lane: &'a Lane, data: &mut Data<'a>) {
    match &lane.name {
        LaneName::Bucket(id) => {
            out.extend_from_slice(b"{\"bucket\":");
            write_string(out, id);
        }
        LaneName::Category(category) => {
            out.extend_from_slice(b"{\"category\":");
            out.extend_from_slice(category.as_deref().unwrap_or("null").as_bytes());
        }
    }
    out.extend_from_slice(b",\"resolution\":");
    match lane.resolution {
        Some(resolution) => resolution.write(out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"spans\":[");
    for (at, span) in lane.spans.iter().enumerate() {
        separate(out, at);
        write_span(out, span, data.number(&span.data));
    }
    out.extend_from_slice(b"]}");
}

fn write_span(out: &mut Vec<u8>, span: &Span, data: usize) {
    out.extend_from_slice(b"{\"start\":");
    write_instant(out, span.start);
    out.extend_from_slice(b",\"end\":");
    write_instant(out, span.end);
    out.extend_from_slice(b",\"covered\":");
    span.covered.write(out);
    if let Some(events) = span.events {
        out.extend_from_slice(format!(",\"events\":{events}").as_bytes());
    }
    out.extend_from_slice(format!(",\"data\":{data},\"time\":").as_bytes());
    span.time.write(out);
    if let Some(id) = span.id {
        out.extend_from_slice(format!(",\"id\":{}", id.0).as_bytes());
    }
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
