//! The newest log lines, for `/api/0/log`.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use timberline_model::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::json;

/// Lines that are kept.
const LINES: usize = 1_000;
/// Longest text of a line; the rest is in the log file.
const LINE_BYTES: usize = 4 << 10;

/// The newest lines, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ring(Mutex<VecDeque<Line>>);

#[derive(Debug)]
struct Line {
    at: Timestamp,
    level: Level,
    target: &'static str,
    text: String,
}

impl Ring {
    fn push(&self, line: Line) {
        let mut lines = self.0.lock();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Writes the lines as a JSON list, newest first, with the keys that aw-server has.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, line) in self.0.lock().iter().rev().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(br#"{"asctime":""#);
            line.at.write(out);
            out.extend_from_slice(br#"","levelname":""#);
            out.extend_from_slice(line.level.as_str().as_bytes());
            out.extend_from_slice(br#"","name":"#);
            json::write_string(out, line.target);
            out.extend_from_slice(br#","message":"#);
            json::write_string(out, &line.text);
            out.push(b'}');
        }
        out.push(b']');
    }
}

/// Puts what happens into the ring.
pub(super) struct RingLayer(pub(super) Arc<Ring>);

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.0.push(Line {
            at: Timestamp::from(timberline_clock::wall()),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            text: text.finish(),
        });
    }
}

/// An event's fields as one text: the message, then `name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        let mut end = LINE_BYTES.min(self.message.len());
        while !self.message.is_char_boundary(end) {
            end -= 1;
        }
        self.message.truncate(end);
        self.message
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    fn lines(ring: &Ring) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        ring.write_json(&mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn lines_come_newest_first_with_their_fields() {
        let ring = Arc::new(Ring::default());
        let subscriber = tracing_subscriber::registry().with(RingLayer(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("first");
            tracing::warn!(count = 3, "second \"quoted\"");
        });
        let lines = lines(&ring);
        assert_eq!(lines[0]["levelname"], "WARN");
        assert_eq!(lines[0]["message"], "second \"quoted\" count=3");
        assert_eq!(lines[1]["message"], "first");
    }

    #[test]
    fn only_the_newest_lines_are_kept_and_long_ones_are_cut() {
        let ring = Arc::new(Ring::default());
        let subscriber = tracing_subscriber::registry().with(RingLayer(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("gone");
            for _ in 0..LINES {
                tracing::info!("{}", "ä".repeat(LINE_BYTES));
            }
        });
        let lines = lines(&ring);
        assert_eq!(lines.len(), LINES);
        assert!(lines[LINES - 1]["message"].as_str().unwrap().len() <= LINE_BYTES);
        assert_ne!(lines[LINES - 1]["message"], "gone");
    }
}
