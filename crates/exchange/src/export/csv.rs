//! CSV (RFC 4180) that spreadsheets open without harm.
//!
//! Texts that a spreadsheet would take as formulas (`=`, `+`, `-`, `@`, tab and carriage return in front) get an
//! apostrophe in front, as OWASP advises; so do texts in which such a character follows apostrophes, so that reading
//! can take exactly one away. Numbers are no texts and stay as they are. An empty text is `""`, a missing value is
//! nothing.

use std::io::Write;

use timberline_model::{Bucket, NewEvent};

use super::columns::{REST_COLUMN, needs_guard, plain};
use super::{Columns, Sink, Totals, no_bucket};
use crate::{Error, Result};

const CHUNK: usize = 64 << 10;
/// How our tables begin.
pub(crate) const OUR_CSV: &[u8] = b"bucket,id,timestamp,duration";

/// Writes a table: `bucket,id,timestamp,duration`, then a column for each key of the data.
pub struct Csv<W> {
    out: W,
    columns: Columns,
    text: Vec<u8>,
    bucket: Option<String>,
    totals: Totals,
    rest: String,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`. Without any columns all data are one column of JSON.
    pub fn new(out: W, columns: Columns) -> Csv<W> {
        let mut text = OUR_CSV.to_vec();
        for name in columns.names() {
            text.push(b',');
            push_text(&mut text, name);
        }
        if columns.has_rest() {
            text.push(b',');
            push_text(&mut text, REST_COLUMN);
        }
        text.extend_from_slice(b"\r\n");
        Csv {
            out,
            columns,
            text,
            bucket: None,
            totals: Totals::default(),
            rest: String::new(),
        }
    }

    fn flush(&mut self, limit: usize) -> Result<()> {
        if self.text.len() >= limit {
            self.out.write_all(&self.text).map_err(Error::write)?;
            self.text.clear();
        }
        Ok(())
    }
}

impl<W: Write> Sink for Csv<W> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.totals.buckets += 1;
        self.bucket = Some(bucket.id.clone());
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        let mut cells = Vec::new();
        for event in events {
            let text = &mut self.text;
            push_text(text, self.bucket.as_deref().ok_or_else(no_bucket)?);
            text.push(b',');
            if let Some(id) = event.id {
                text.extend_from_slice(id.to_string().as_bytes());
            }
            text.push(b',');
            event.start.write(text);
            text.push(b',');
            event.duration.write(text);
            self.columns
                .split(&event.data, &mut cells, &mut self.rest, |_, _| true);
            for cell in &cells {
                text.push(b',');
                if let Some(value) = cell {
                    push_value(text, value);
                }
            }
            if self.columns.has_rest() {
                text.push(b',');
                push_quoted(text, &self.rest);
            } else if !self.rest.is_empty() {
                return Err(Error::Unwritable(format!(
                    "an event of bucket '{}' has keys that were not surveyed",
                    self.bucket.as_deref().unwrap_or_default()
                )));
            }
            text.extend_from_slice(b"\r\n");
            self.flush(CHUNK)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        self.flush(0)?;
        self.out.flush().map_err(Error::write)?;
        Ok(self.totals)
    }
}

fn push_value(out: &mut Vec<u8>, value: &str) {
    if value.starts_with('"') {
        push_text(out, &plain(value));
    } else {
        push_quoted(out, value);
    }
}

/// A text, harmless for spreadsheets.
fn push_text(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() {
        out.extend_from_slice(b"\"\"");
    } else if needs_guard(text) {
        push_quoted(out, &format!("'{text}"));
    } else {
        push_quoted(out, text);
    }
}

/// A cell, in quotes where it needs them. Semicolons and tabs separate cells in some countries.
fn push_quoted(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| matches!(byte, b',' | b';' | b'\t' | b'"' | b'\r' | b'\n' | 0);
    if !text.bytes().any(is_special) && !text.starts_with(' ') && !text.ends_with(' ') {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
