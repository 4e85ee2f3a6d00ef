//! What an import changed or left out in order to store the rest. All are counted; the first ones are described.

use timberline_model::json::Mended;

use crate::json;

/// Notes that are kept; more are counted.
const MAX_LINES: usize = 100;
/// Notes that go into the log.
const LOGGED: usize = 20;
/// Of a bucket's name and of a reason, what a note repeats.
const SHOWN_BYTES: usize = 300;

/// Notes in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Notes {
    kept: Vec<Note>,
    omitted: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Note {
    bucket: String,
    /// A field, or `event 17` (counted from 0).
    place: String,
    reason: String,
    left_out: bool,
}

impl Notes {
    /// Adds one. Nothing that an event says may be in it: notes go into the log.
    pub(super) fn push(&mut self, bucket: &str, place: &str, reason: &str, left_out: bool) {
        if self.kept.len() == MAX_LINES {
            self.omitted += 1;
            return;
        }
        self.kept.push(Note {
            bucket: shown(bucket),
            place: place.to_owned(),
            reason: shown(reason),
            left_out,
        });
    }

    /// The first few in one line, for an error.
    pub(super) fn summary(&self) -> String {
        let lines: Vec<_> = self.kept.iter().take(3).map(Note::line).collect();
        lines.join("; ")
    }

    pub(super) fn log(&self) {
        for note in self.kept.iter().take(LOGGED) {
            let Note {
                bucket,
                place,
                reason,
                left_out,
            } = note;
            tracing::warn!(
                bucket,
                place,
                reason,
                left_out,
                "the import could not take something as it is"
            );
        }
    }

    /// Writes `"notes":[…],"notes_omitted":n`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#""notes":["#);
        for (index, note) in self.kept.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            for (name, value) in [
                (&br#"{"bucket":"#[..], &note.bucket),
                (br#","place":"#, &note.place),
                (br#","reason":"#, &note.reason),
            ] {
                out.extend_from_slice(name);
                json::write_string(out, value);
            }
            out.extend_from_slice(if note.left_out {
                br#","left_out":true}"#
            } else {
                br#","left_out":false}"#
            });
        }
        out.extend_from_slice(br#"],"notes_omitted":"#);
        json::write_number(out, self.omitted);
    }
}

impl Note {
    fn line(&self) -> String {
        let Note {
            bucket,
            place,
            reason,
            ..
        } = self;
        if place.is_empty() {
            format!("bucket '{bucket}' {reason}")
        } else {
            format!("bucket '{bucket}', {place}: {reason}")
        }
    }
}

/// What [`timberline_model::json::mend`] did, in words.
pub(super) fn mended(changed: Mended) -> String {
    let mut parts = Vec::new();
    if changed.characters > 0 {
        parts.push("half a surrogate pair, or what is no UTF-8, is the replacement character now");
    }
    if changed.numbers > 0 {
        parts.push("NaN or Infinity is null now");
    }
    if changed.mark {
        parts.push("a byte order mark is left out");
    }
    parts.join("; ")
}

fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_end_to_counting_but_to_naming() {
        let mut notes = Notes::default();
        for number in 0..250 {
            notes.push(
                &"b".repeat(10_000),
                &format!("event {number}"),
                "has no time",
                true,
            );
        }
        let mut out = b"{".to_vec();
        notes.write(&mut out);
        out.push(b'}');
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["notes"].as_array().unwrap().len(), MAX_LINES);
        assert_eq!(json["notes_omitted"], 150);
        assert_eq!(json["notes"][7]["place"], "event 7");
        assert!(out.len() < 64 << 10);
    }
}
