//! Timberline's views: the log folded into one indexed, memory-mapped view per bucket.
//!
//! [`Store`] takes writes: it decides each one, appends a [`record`] to the log, folds it in and publishes a
//! [`Snapshot`]. Readers take a snapshot and never a lock. A background thread flushes what is in memory to view
//! segments and writes checkpoints, so that a start maps files and folds only the log's tail.
//!
//! | folder | what is in it |
//! |---|---|
//! | [`record`] | what the log holds, to the byte, and what each record does |
//! | `fold` | (state, record) -> state |
//! | `view` | what readers see: snapshots, and in them a view of each bucket |
//! | `head`, `segment` | a bucket's events in memory and on disk |
//! | `collections` | what snapshots share: collections of which a change copies a path |
//! | `sequencer`, `write` | the one lock under which writes get their order; the writes |
//! | `files` | the checkpoint; view segments that are healed |
//! | `background` | the threads that flush, merge and keep history short |
//! | `history` | the past: earlier states, the history of an event, undo, the trash |
//! | `erasure` | how bytes become unrecoverable |
//! | `time_trust` | whether the clock may be believed when something is to be erased |
//! | `salvage` | events that the log has lost and old view files still hold |
//! | `store` | the facade, and opening |
//! | `tools` | looking into a data directory, comparing, repairing |
//!
//! ```
//! use timberline_model::{Bucket, Data, Duration, Heartbeat, Pulsetime, Timestamp};
//! use timberline_views::{Store, StoreOptions, TimeRange};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let (store, _report) = Store::open(dir.path(), StoreOptions::default())?;
//! let bucket = Bucket {
//!     id: "aw-watcher-afk_laptop".into(),
//!     type_: "afkstatus".into(),
//!     client: "aw-watcher-afk".into(),
//!     hostname: "laptop".into(),
//!     created: Timestamp::now(),
//!     data: Data::default(),
//!     last_updated: None,
//! };
//! store.create_bucket(&bucket)?;
//! for second in 0..10 {
//!     let beat = Heartbeat {
//!         start: Timestamp::from_nanos(second * 1_000_000_000),
//!         duration: Duration::ZERO,
//!         data: r#"{"status":"not-afk"}"#.into(),
//!     };
//!     store.heartbeat(&bucket.id, &beat, Pulsetime::from_secs_f64(60.0)?)?;
//! }
//! let snapshot = store.snapshot();
//! let view = snapshot.bucket(&bucket.id).ok_or("it was just made")?;
//! let event = view.events(TimeRange::ALL)?.next().ok_or("it was just written")??;
//! assert_eq!(event.duration().nanos(), 9_000_000_000);
//! # store.close()?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod background;
mod collections;
pub mod erasure;
mod error;
mod files;
mod fold;
mod head;
pub mod history;
mod lifecycle;
mod pace;
pub mod record;
mod row;
mod salvage;
mod segment;
mod sequencer;
mod store;
pub mod time_trust;
pub mod tools;
mod view;
mod wakeup;
mod write;

pub use error::{CompactError, HistoryError, OpenError, WriteError};
pub use files::healer::ViewDamage;
pub use files::open_report::OpenReport;
pub use fold::FoldError;
pub use lifecycle::{Progress, Rebuild};
pub use pace::Pace;
pub use record::BucketKey;
pub use row::TimeRange;
pub use segment::SegmentError;
pub use store::{HeartbeatDurability, Store, StoreOptions};
pub use timberline_cancel::{Cancel, Cancelled};
pub use timberline_log::Seq;
pub use view::{BucketView, Erasures, EventRef, Events, Snapshot, Trashed};
pub use write::edit::{Edit, EditPlan, Edited, Plan, as_part, as_put};
pub use write::events::{HeartbeatAnswer, Receipt};
pub use write::heartbeats::{
    Again, BatchDigest, BatchOutcome, Beat, BeatAnswer, HeartbeatBatch, Refusal, Sent,
};
pub use write::known_events::{KnownEvents, KnownInBucket};
pub use write::listing::BucketListing;
pub use write::merge::MergedPart;
pub use write::redact::Redacting;

/// Events of several buckets, a page at a time.
pub mod pages {
    pub use crate::view::page::{Listed, Page, PageStart, Place};
}

/// Events as columns, for the query engine.
pub mod columns {
    pub use crate::collections::ByteList;
    pub use crate::segment::{ObjectTotals, Slots, Totals};
    pub use crate::view::{
        Columns, DataDictionary, DataSource, HeadData, Occurrence, Piece, Renumber, SegmentData, Sweep,
        column,
    };
}
