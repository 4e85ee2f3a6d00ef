//! Timberline's views: the log folded into one indexed, memory-mapped view per bucket.
//!
//! [`Store`] takes writes: it decides each one, appends a [`record`] to the log, folds it in and publishes a
//! [`Snapshot`]. Readers take a snapshot and never a lock. A background thread seals what is in memory into view
//! segments and writes checkpoints, so that a start maps files and folds only the log's tail.
//!
//! | room | what is in it |
//! |---|---|
//! | [`record`] | what the log holds, to the byte |
//! | `state` | the fold: (state, record) -> state |
//! | `bucket` | one bucket: its view, its reads, its part of the fold |
//! | `head` | events in memory: sorted runs over a dictionary |
//! | `segment` | events on disk: packed columns, sparse index, dictionary |
//! | `snapshot` | what readers see |
//! | `persistent` | what snapshots share: collections of which a change copies a path |
//! | `replica`, `verify` | folding apart from the store, and comparing: for the tools that work on a log |
//! | `repair` | a log written anew from what is left of a damaged one |
//! | `time_trust` | whether the clock may be believed when something is to be erased |
//! | `store` | the sequencer, the compactor, the checkpoint, opening |
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

mod bucket;
mod byte_list;
mod head;
mod history;
mod persistent;
pub mod record;
mod repair;
mod replica;
mod row;
mod segment;
mod snapshot;
mod state;
mod store;
mod time_trust;
mod verify;

pub use bucket::{
    BucketView, Columns, DataDictionary, EventRef, Events, HeadData, Renumber, SegmentData, column,
};
pub use byte_list::ByteList;
pub use history::HistoryError;
pub use history::erase::LogErasure;
pub use history::erase_copy::CopyErasure;
pub use history::select::{Selected, Selection};
pub use history::story::{Beat, Change, Story, What};
pub use history::undo::Undone;
pub use record::BucketKey;
pub use repair::{RepairError, RepairReport, Shortfall, repair};
pub use replica::{Replica, ReplicaError};
pub use row::TimeRange;
pub use segment::SegmentError;
pub use snapshot::{Snapshot, Trashed};
pub use state::FoldError;
pub use store::{
    CompactError, Deleted, DeletedWhat, HeartbeatAnswer, HeartbeatDurability, KnownEvents, Maintenance,
    OpenError, OpenReport, Progress, PurgeReceipt, Receipt, Redacting, Store, StoreOptions, Undoing,
    ViewDamage, WriteError, check_start, damaged_views, explain, last_checkpoint, log_files, read_log,
    read_only, read_only_with, set_aside_views, view_files,
};
pub use timberline_log::Seq;
pub use time_trust::{
    BootTime, Clock, Suspension, TimeTrust, clock_confirmation_waits, clock_trust, confirm_clock,
};
pub use verify::{check, damaged_view_segments, differences};
