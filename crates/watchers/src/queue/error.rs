//! The result of storing a heartbeat.

use std::io;

use timberline_log::LogError;

/// Where a heartbeat is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the queue's log: it survives the death of this process.
    OnDisk,
    /// In memory, because the disk is full. It gets to the log when there is space.
    InMemory,
}

/// Why a heartbeat was not taken, or the queue not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue is full.
    #[error(
        "the queue is full: {count} heartbeats ({bytes} bytes) wait for the server. What waits is kept, and this heartbeat is not \
         recorded: start the server, or see why it refuses what it is sent"
    )]
    Full {
        /// Heartbeats that wait.
        count: usize,
        /// Their approximate size in bytes.
        bytes: usize,
    },
    /// The disk is full, and so is the room in memory.
    #[error(
        "the disk is full, and {count} changes already wait in memory: this heartbeat is not recorded; free some space"
    )]
    NoSpace {
        /// Changes that wait for space.
        count: usize,
    },
    /// The heartbeat is too large for the log.
    #[error("a heartbeat for '{bucket}' has {bytes} bytes of data; at most {limit} can be queued")]
    TooLarge {
        /// The bucket.
        bucket: String,
        /// Bytes of its data.
        bytes: usize,
        /// The most that fits.
        limit: usize,
    },
    /// A duration or a pulsetime is negative: sending such a heartbeat twice would store it twice.
    #[error("a heartbeat for '{bucket}' has a negative duration or pulsetime")]
    Negative {
        /// The bucket.
        bucket: String,
    },
    /// The client was closed.
    #[error("the client is closed: nothing more is recorded")]
    Closed,
    /// The queue's log cannot be opened.
    #[error("the queue of heartbeats cannot be opened: {0}")]
    Log(#[source] LogError),
    /// The queue's directory cannot be made.
    #[error("the directory of the queue of heartbeats cannot be created: {0}")]
    Directory(#[source] io::Error),
}
