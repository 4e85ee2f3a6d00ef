//! Events, buckets and times, the rule that turns heartbeats into events, and the JSON of requests and answers.
//!
//! This crate knows nothing about storage or HTTP. It checks what a client sends, once, and turns it into types that
//! cannot hold anything invalid; the crates above trust these types.
//!
//! | module | contents |
//! |---|---|
//! | [`time`] | [`Timestamp`], [`Duration`], [`Pulsetime`]: nanoseconds in an `i64` |
//! | [`data`] | [`Data`]: the JSON object of an event, in the one canonical spelling |
//! | [`event`] | [`EventId`], [`NewEvent`], [`Event`] |
//! | [`bucket`] | [`Bucket`], [`NewBucket`], [`BucketUpdate`] |
//! | [`heartbeat`] | [`Heartbeat`] and [`heartbeat::merge`], the merge rule |
//! | [`json`] | parses request bodies without copying them, writes answers |
//!
//! ```
//! use timberline_model::{Timestamp, json};
//!
//! let body = br#"[{"timestamp": "2024-03-01T11:00:00+01:00", "duration": 1.5, "data": {"title": "a", "app": "b"}}]"#;
//! let events = json::parse_events(body)?;
//! assert_eq!(events[0].start, Timestamp::parse("2024-03-01T10:00:00Z")?);
//! assert_eq!(events[0].data, r#"{"app":"b","title":"a"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

pub mod bucket;
pub mod data;
mod escape;
pub mod event;
pub mod heartbeat;
pub mod json;
pub mod time;

pub use bucket::{Bucket, BucketUpdate, NewBucket};
pub use data::{Data, DataError};
pub use event::{Event, EventId, NewEvent};
pub use heartbeat::Heartbeat;
pub use json::{ParseError, ParseErrorKind};
pub use time::{Duration, Pulsetime, TimeError, Timestamp};
