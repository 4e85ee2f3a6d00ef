//! The file with what servers refuse, for a person to read: `refused.ndjson` in the directory of the queue.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use serde_json::json;
use timberline_disk::Storage;
use timberline_model::Timestamp;

use super::heartbeat::Waiting;

/// Its name.
const FILE: &str = "refused.ndjson";

/// It has at most so many bytes; the oldest lines go first.
const LIMIT: usize = 1 << 20;

/// Why a server refuses a heartbeat, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) number: u64,
    pub(crate) reason: String,
}

/// Lines that are to be added to the file.
#[derive(Debug)]
#[must_use = "nothing is noted before it is written"]
pub(crate) struct RefusedNote {
    storage: Arc<dyn Storage>,
    lines: Vec<u8>,
}

impl RefusedNote {
    pub(super) fn new(storage: Arc<dyn Storage>) -> RefusedNote {
        let lines = Vec::new();
        RefusedNote { storage, lines }
    }

    pub(super) fn add(&mut self, waiting: &Waiting, reason: &str, now: Timestamp) {
        let bucket = &waiting.bucket.id;
        tracing::warn!(
            "the server refuses a heartbeat for '{bucket}' ({reason}): it is put into {FILE} in {}",
            self.storage.path().display()
        );
        let data: serde_json::Value = serde_json::from_str(waiting.data.as_str()).unwrap_or_default();
        let line = json!({
            "refused": now.to_string(),
            "reason": reason,
            "bucket": bucket,
            "timestamp": waiting.start.to_string(),
            "duration": waiting.duration.as_secs_f64(),
            "pulsetime": timberline_model::Duration::from(waiting.pulsetime).as_secs_f64(),
            "data": data,
        });
        self.lines.extend_from_slice(line.to_string().as_bytes());
        self.lines.push(b'\n');
    }

    /// Adds all of them to the file, or none.
    pub(crate) fn write(self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut text = match self.storage.read_file(FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        text.extend_from_slice(&self.lines);
        if let Some(surplus) = text.len().checked_sub(LIMIT).filter(|surplus| *surplus > 0) {
            let end = text.iter().skip(surplus).position(|&byte| byte == b'\n');
            text.drain(..end.map_or(text.len(), |end| surplus + end + 1));
        }
        self.storage.write_file(FILE, &text)
    }
}
