//! The files of other programs: what ActivityWatch's servers, its web UI and spreadsheets write and read.
//!
//! [`import`] opens a file, says what it is, and gives its buckets, settings and events. [`export`] takes buckets and
//! events, and writes them. Neither knows where Timberline keeps events: the caller connects the two.
//! Memory does not grow with history, in either direction.
//!
//! ```
//! use timberline_exchange::export::{Columns, Csv, Sink};
//! use timberline_exchange::import::{Options, Source};
//! use timberline_model::{Bucket, Timestamp};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("aw-bucket-export.json");
//! # std::fs::write(&path, r#"{"buckets": {"afk": {"id": "afk", "type": "afkstatus", "client": "w", "hostname": "h",
//! #     "events": [{"timestamp": "2024-03-01T10:00:00Z", "duration": 1.5, "data": {"status": "afk"}},
//! #     {"timestamp": "yesterday", "duration": 1, "data": {}}]}}}"#)?;
//! let mut source = Source::open(&path, &Options::default())?;
//! assert_eq!(source.kind().to_string(), "ActivityWatch export");
//!
//! let mut csv = Csv::new(Vec::new(), Columns::chosen(&["status"]));
//! while let Some(batch) = source.next_batch()? {
//!     let bucket = &source.buckets()[batch.bucket];
//!     csv.bucket(&Bucket {
//!         id: bucket.id.clone(),
//!         type_: bucket.type_.clone(),
//!         client: bucket.client.clone(),
//!         hostname: bucket.hostname.clone(),
//!         created: bucket.created.unwrap_or(Timestamp::from_nanos(0)),
//!         data: bucket.data.clone(),
//!         last_updated: bucket.last_updated,
//!     })?;
//!     csv.events(&batch.events)?;
//! }
//! let written = csv.finish()?;
//!
//! let read = &source.report().buckets[0];
//! assert_eq!((read.events, read.total), (1, 1_500_000_000));
//! assert_eq!((written.events, written.total), (read.events, read.total));
//! assert_eq!(read.left_out.iter().next().map(|note| note.reason.to_string()).as_deref(), Some("unreadable time"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

mod error;
pub mod export;
pub mod import;

pub use error::{Error, Result};
