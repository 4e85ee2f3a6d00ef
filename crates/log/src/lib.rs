//! Timberline's log: an append-only sequence of opaque records in segment files.
//!
//! One process writes ([`Log`]), any number read while it does ([`LogReader`], [`Tail`]). Appending copies into mapped
//! memory; one thread syncs for all writers ([`Durability`]). After a crash the log holds a prefix of what was
//! appended, with everything that was reported durable, and each batch wholly or not at all. Bytes that went bad
//! later are reported ([`Damage`]), never silently dropped.
//!
//! The bytes on disk are specified in `docs/format/log.md`.
//!
//! | module | what it does |
//! |---|---|
//! | `format` | the bytes of frames, segment headers and footers, as pure functions |
//! | `read` | walks along one segment; reads the whole log, also while it is written |
//! | `sync` | the active segment, group commit and the sync thread; whether the files are still at their paths |
//! | `recover` | what opening a log does with what a crash has left |
//! | `write` | [`Log`]: opens a log for writing, appends batches, begins the next segment |
//! | `rewrite` | replaces a sealed segment after squashing or erasing |
//! | `copy` | copies a log, compares the histories of log and copy, saves what is left of a damaged log |
//!
//! Each module uses only those above it; all of them use `seq`, `error` and `options`.
//!
//! ```
//! use std::sync::Arc;
//! use timberline_disk::FileStorage;
//! use timberline_log::{Entry, Log, LogOptions, Seq};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let storage = Arc::new(FileStorage::open(dir.path())?);
//! let (mut log, recovery) = Log::open(storage, LogOptions::default())?;
//! assert_eq!(recovery.last_seq, Seq::NONE);
//!
//! let seqs = log.append(&[Entry { kind: 1, payload: b"hello" }])?;
//! log.durability().wait_blocking(*seqs.end())?;
//!
//! let mut records = log.reader().read_from(Seq::FIRST)?;
//! while let Some(record) = records.next() {
//!     assert_eq!(record?.payload, b"hello");
//! }
//! log.close()?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

mod copy;
mod error;
#[cfg(feature = "sim")]
mod fault;
mod format;
mod options;
mod read;
mod recover;
mod rewrite;
mod seq;
mod sync;
mod write;

pub use copy::check::{CheckedFrames, CopiedSegment, CopyAction, check_frames};
pub use copy::lineage::{Lineage, is_rewritten_from, lineage};
pub use copy::salvage::{Salvage, Salvaged};
pub use copy::{CopiedLog, copy_log};
pub use error::{AppendError, Damage, LogError, SyncFailed};
#[cfg(feature = "sim")]
pub use fault::with_unchecked_length;
pub use format::frame::{Frame, FrameHead};
pub use format::segment::segment_name;
pub use options::{Clock, LogOptions, OnIncident};
pub use read::open_files::allow_segments;
pub use read::reader::LogReader;
pub use read::records::{Record, Records, Tail};
pub use read::scan::{Scanned, scan};
pub use read::segment_info::SegmentInfo;
pub use recover::recovery::{Recovery, TornTail};
pub use rewrite::{Rewrite, Rewritten};
pub use seq::{DeviceId, Position, Seq};
pub use sync::durability::Durability;
pub use sync::placement::{Incident, Integrity, replaced_files};
pub use write::batch::Entry;
pub use write::log::Log;
pub use write::opening::OpeningLog;
