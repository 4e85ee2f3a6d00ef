//! What Timberline keeps: events in buckets, their times, the rule by which heartbeats become events, and the JSON
//! in which all of that comes in and goes out.
//!
//! This is the lowest floor, beside `timberline-log`: it knows nothing of storage or HTTP. Whatever a client sends
//! is checked here, once, and becomes a type that cannot hold anything wrong; the rooms above trust it.
//!
//! | module | owns |
//! |---|---|
//! | [`time`] | [`Timestamp`], [`Duration`], [`Pulsetime`]: nanoseconds in an `i64` |
//! | [`data`] | [`Data`]: the JSON object of an event, in the one canonical spelling |
//! | [`event`] | [`EventId`], [`NewEvent`], [`Event`] |
//! | [`bucket`] | [`Bucket`], [`NewBucket`], [`BucketUpdate`] |
//! | [`heartbeat`] | [`Heartbeat`] and [`heartbeat::merge`], the merge rule |
//! | [`json`] | reading request bodies without copying them, writing answers |
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

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

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
