//! What is delivered while it happens: records of the log, and the newest state of buckets.
//!
//! A reader keeps no queue. It has a sequence number, up to which it has everything, and reads what is after it whenever
//! its client takes more: from the log ([`RecordFeed`]), or from the snapshot ([`HeadFeed`]). So a reader that has stalled
//! costs nothing, and no reader can be forgotten.
//!
//! | file | what it does |
//! |---|---|
//! | `hub` | tells all readers when something is published; how many there may be |
//! | `filter` | which records and buckets a reader gets |
//! | `records` | every record, from the log |
//! | `heads` | the newest state of each changed bucket, from the snapshot |

mod filter;
mod heads;
mod hub;
mod records;
#[cfg(test)]
mod tests;

use serde_json::Value;
use timberline_log::Seq;

pub(crate) use filter::Filter;
pub(crate) use heads::HeadFeed;
pub(crate) use hub::{Hub, Listener, Place};
pub(crate) use records::RecordFeed;

/// A batch ends with the message that reaches this size: little enough for hundreds of readers to hold one.
const BATCH_BYTES: usize = 8 << 10;

/// One message to a reader.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// What it is: `record`, `gap`, `head`, `buckets`.
    pub(crate) event: &'static str,
    /// Who has this message and all before it has everything up to this record.
    pub(crate) seq: Seq,
    /// JSON.
    pub(crate) data: String,
}

impl Message {
    fn new(event: &'static str, seq: Seq, data: &Value) -> Message {
        Message {
            event,
            seq,
            data: data.to_string(),
        }
    }
}

/// What a reader gets at once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Message>,
    /// The reader has everything up to this record.
    pub(crate) seq: Seq,
    /// Whether there is nothing more for now.
    pub(crate) is_last: bool,
}
