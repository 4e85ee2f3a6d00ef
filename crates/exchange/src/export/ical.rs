//! iCalendar (RFC 5545): each event as one of a calendar.
//!
//! Calendars have whole seconds. So an event begins at the second in which it began and ends at the second after it
//! ended; `X-TIMBERLINE-START` and `X-TIMBERLINE-DURATION` have the exact values, in nanoseconds.

use std::io::Write;

use sha2::{Digest, Sha256};
use timberline_model::data::Members;
use timberline_model::{Bucket, NewEvent, Timestamp};

use super::columns::plain;
use super::{Sink, Totals, no_bucket};
use crate::{Error, Result};

const CHUNK: usize = 64 << 10;
/// Octets of a line without its end.
const LINE: usize = 75;
/// Characters of a title: calendars show one line.
const SUMMARY: usize = 200;
const SECOND: i64 = 1_000_000_000;
/// Keys whose value says best what an event is about, the first that is there.
const TITLES: [&str; 7] = [
    "\"title\"",
    "\"label\"",
    "\"app\"",
    "\"status\"",
    "\"file\"",
    "\"url\"",
    "\"project\"",
];

/// Writes a calendar.
pub struct Ical<W> {
    out: W,
    text: Vec<u8>,
    stamp: Timestamp,
    bucket: Option<(String, String)>,
    totals: Totals,
}

impl<W: Write> Ical<W> {
    /// Writes to `out`. `now` is when the calendar is made, which each of its events has to say.
    pub fn new(out: W, now: Timestamp) -> Ical<W> {
        let mut text = Vec::new();
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Timberline//timberline-exchange//EN",
            "CALSCALE:GREGORIAN",
        ] {
            push_line(&mut text, line);
        }
        Ical {
            out,
            text,
            stamp: now,
            bucket: None,
            totals: Totals::default(),
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

impl<W: Write> Sink for Ical<W> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.totals.buckets += 1;
        self.bucket = Some((bucket.id.clone(), bucket.type_.clone()));
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        for event in events {
            let (bucket, type_) = self.bucket.as_ref().ok_or_else(no_bucket)?;
            push_event(&mut self.text, bucket, type_, event, self.stamp);
            self.flush(CHUNK)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        push_line(&mut self.text, "END:VCALENDAR");
        self.flush(0)?;
        self.out.flush().map_err(Error::write)?;
        Ok(self.totals)
    }
}

fn push_event(out: &mut Vec<u8>, bucket: &str, type_: &str, event: &NewEvent<'_>, stamp: Timestamp) {
    push_line(out, "BEGIN:VEVENT");
    push_line(out, &format!("UID:{}", uid(bucket, event)));
    push_line(
        out,
        &format!("DTSTAMP:{}", instant(stamp.nanos().div_euclid(SECOND))),
    );
    let start = event.start.nanos().div_euclid(SECOND);
    push_line(out, &format!("DTSTART:{}", instant(start)));
    // An end must be after the start. An event that lasts no time has none.
    if event.duration.nanos() > 0 {
        let end = event.end().nanos().div_euclid(SECOND);
        let begun = i64::from(event.end().nanos().rem_euclid(SECOND) > 0);
        push_line(out, &format!("DTEND:{}", instant((end + begun).max(start + 1))));
    }
    let summary: String = title(&event.data)
        .unwrap_or_else(|| bucket.to_owned())
        .chars()
        .take(SUMMARY)
        .collect();
    push_line(out, &format!("SUMMARY:{}", escaped(&summary)));
    let lines: Vec<String> = Members::of(&event.data)
        .map(|(key, value)| format!("{}: {}", plain(key), plain(value)))
        .collect();
    if !lines.is_empty() {
        push_line(out, &format!("DESCRIPTION:{}", escaped(&lines.join("\n"))));
    }
    push_line(out, &format!("CATEGORIES:{},{}", escaped(bucket), escaped(type_)));
    // Such an event does not make its person busy.
    push_line(out, "TRANSP:TRANSPARENT");
    push_line(out, &format!("X-TIMBERLINE-START:{}", event.start.nanos()));
    push_line(out, &format!("X-TIMBERLINE-DURATION:{}", event.duration.nanos()));
    push_line(out, "END:VEVENT");
}

/// The same in every export: an event that grows stays one event in the calendar.
fn uid(bucket: &str, event: &NewEvent<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update((bucket.len() as u64).to_le_bytes());
    hash.update(bucket);
    match event.id {
        Some(id) => hash.update(id.0.to_le_bytes()),
        None => {
            hash.update(event.start.nanos().to_le_bytes());
            hash.update(event.data.as_bytes());
        }
    }
    let mut uid = String::new();
    for byte in hash.finalize().iter().take(16) {
        uid.push_str(&format!("{byte:02x}"));
    }
    uid + "@timberline"
}

/// A second as `20240301T100000Z`.
fn instant(seconds: i64) -> String {
    // The last second of a timestamp may be cut off in the second after it.
    let nanos = seconds
        .checked_mul(SECOND)
        .unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX });
    let mut text = Vec::new();
    Timestamp::from_nanos(nanos).write(&mut text);
    let text = String::from_utf8_lossy(&text);
    let whole = text.split(['.', 'Z']).next().unwrap_or_default();
    whole.replace(['-', ':'], "") + "Z"
}

fn title(data: &str) -> Option<String> {
    let find = |title: &str| Members::of(data).find(|(key, value)| *key == title && value.starts_with('"'));
    let (_, value) = TITLES.iter().find_map(|title| find(title))?;
    Some(plain(value).into_owned()).filter(|title| !title.is_empty())
}

/// A text as a value. Control characters are not allowed, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push('\t'),
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

/// A line, folded where it is too long, never within a character.
fn push_line(out: &mut Vec<u8>, line: &str) {
    let mut length = 0;
    for character in line.chars() {
        if length + character.len_utf8() > LINE {
            out.extend_from_slice(b"\r\n ");
            length = 1;
        }
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        length += character.len_utf8();
    }
    out.extend_from_slice(b"\r\n");
}
