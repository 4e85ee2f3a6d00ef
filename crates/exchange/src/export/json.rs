//! JSON: the export format of ActivityWatch, and one event a line.

use std::io::Write;

use timberline_model::{Bucket, NewEvent, json};

use super::{Sink, Totals, no_bucket};
use crate::{Error, Result};

/// Bytes that are collected before they are written.
const CHUNK: usize = 64 << 10;

/// Writes the export format of ActivityWatch: `{"buckets":{"<id>":{...,"events":[...]}}}`.
pub struct Json<W> {
    out: W,
    text: Vec<u8>,
    totals: Totals,
    in_bucket: bool,
    has_events: bool,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Json<W> {
        Json {
            out,
            text: b"{\"buckets\":{".to_vec(),
            totals: Totals::default(),
            in_bucket: false,
            has_events: false,
        }
    }

    fn flush(&mut self, limit: usize) -> Result<()> {
        flush(&mut self.out, &mut self.text, limit)
    }
}

fn flush(out: &mut impl Write, text: &mut Vec<u8>, limit: usize) -> Result<()> {
    if text.len() >= limit {
        out.write_all(text).map_err(Error::write)?;
        text.clear();
    }
    Ok(())
}

fn push_event(out: &mut Vec<u8>, event: &NewEvent<'_>) {
    match event.id {
        Some(id) => json::write_event(out, id, event.start, event.duration, &event.data),
        None => json::write_event_without_id(out, event.start, event.duration, &event.data),
    }
}

impl<W: Write> Sink for Json<W> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        if self.in_bucket {
            self.text.extend_from_slice(b"]},");
        }
        self.in_bucket = true;
        self.has_events = false;
        self.totals.buckets += 1;
        json::write_string(&mut self.text, &bucket.id);
        self.text.extend_from_slice(b":{");
        for (name, value) in [
            ("id", &bucket.id),
            ("type", &bucket.type_),
            ("client", &bucket.client),
            ("hostname", &bucket.hostname),
        ] {
            json::write_string(&mut self.text, name);
            self.text.push(b':');
            json::write_string(&mut self.text, value);
            self.text.push(b',');
        }
        self.text.extend_from_slice(b"\"created\":\"");
        bucket.created.write(&mut self.text);
        self.text.extend_from_slice(b"\",\"data\":");
        self.text.extend_from_slice(bucket.data.as_str().as_bytes());
        self.text.extend_from_slice(b",\"events\":[");
        self.flush(CHUNK)
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        if !self.in_bucket {
            return Err(no_bucket());
        }
        for event in events {
            if std::mem::replace(&mut self.has_events, true) {
                self.text.push(b',');
            }
            push_event(&mut self.text, event);
            self.flush(CHUNK)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        if self.in_bucket {
            self.text.extend_from_slice(b"]}");
        }
        self.text.extend_from_slice(b"}}");
        self.flush(0)?;
        self.out.flush().map_err(Error::write)?;
        Ok(self.totals)
    }
}

/// Writes one event a line: `{"bucket":"<id>","id":1,"timestamp":"...","duration":1.5,"data":{...}}`.
pub struct NdJson<W> {
    out: W,
    text: Vec<u8>,
    totals: Totals,
    /// The beginning of a line of this bucket.
    start: Vec<u8>,
}

impl<W: Write> NdJson<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> NdJson<W> {
        NdJson {
            out,
            text: Vec::new(),
            totals: Totals::default(),
            start: Vec::new(),
        }
    }
}

impl<W: Write> Sink for NdJson<W> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.totals.buckets += 1;
        self.start.clear();
        self.start.extend_from_slice(b"{\"bucket\":");
        json::write_string(&mut self.start, &bucket.id);
        self.start.push(b',');
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        if self.start.is_empty() {
            return Err(no_bucket());
        }
        for event in events {
            // An event is an object: its brace becomes the bucket.
            let brace = self.text.len();
            push_event(&mut self.text, event);
            self.text.splice(brace..=brace, self.start.iter().copied());
            self.text.push(b'\n');
            flush(&mut self.out, &mut self.text, CHUNK)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        flush(&mut self.out, &mut self.text, 0)?;
        self.out.flush().map_err(Error::write)?;
        Ok(self.totals)
    }
}
