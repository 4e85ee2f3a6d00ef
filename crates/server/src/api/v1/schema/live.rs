//! The live stream.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use utoipa::ToSchema;

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
