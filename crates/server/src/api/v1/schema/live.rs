//! The live stream.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use utoipa::ToSchema;

/// A server-sent event of the stream.
#[derive(ToSchema)]
pub(crate) struct StreamEvent {
    event: StreamEventName,
    /// The number of a record: who has the event has everything up to it.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// JSON, which `docs/live.md` describes for each kind of event.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// After how many milliseconds a client that has lost the connection comes back.
    #[schema(nullable = false)]
    retry: Option<u32>,
}

/// What kind of event it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StreamEventName {
    Start,
    Head,
    Buckets,
    Record,
    Usage,
    Gap,
}

/// What a stream follows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StreamMode {
    /// The newest state of each bucket that has changed.
    Heads,
    /// Every record of the log.
    Records,
    /// The usage of today.
    Usage,
}
