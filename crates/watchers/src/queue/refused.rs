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

/// Adds a line.
pub(super) fn note(
    storage: &Arc<dyn Storage>,
    waiting: &Waiting,
    reason: &str,
    now: Timestamp,
) -> io::Result<()> {
    let mut text = match storage.read_file(FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let data: serde_json::Value = serde_json::from_str(waiting.data.as_str()).unwrap_or_default();
    let line = json!({
        "refused": now.to_string(),
        "reason": reason,
        "bucket": waiting.bucket.id,
        "timestamp": waiting.start.to_string(),
        "duration": waiting.duration.as_secs_f64(),
        "pulsetime": timberline_model::Duration::from(waiting.pulsetime).as_secs_f64(),
        "data": data,
    });
    text.extend_from_slice(line.to_string().as_bytes());
    text.push(b'\n');
    if let Some(surplus) = text.len().checked_sub(LIMIT).filter(|surplus| *surplus > 0) {
        let end = text.iter().skip(surplus).position(|&byte| byte == b'\n');
        text.drain(..end.map_or(text.len(), |end| surplus + end + 1));
    }
    storage.write_file(FILE, &text)
}
