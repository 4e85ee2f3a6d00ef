//! JSON of buckets as v1 shows them.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use utoipa::ToSchema;

/// Buckets, by id.
#[derive(ToSchema)]
pub(crate) struct BucketList {
    buckets: Vec<ListedBucket>,
}

/// A bucket, and under which ids it is found.
#[derive(ToSchema)]
pub(crate) struct ListedBucket {
    id: String,
    /// What its events are, such as `currentwindow`.
    #[schema(rename = "type")]
    type_: String,
    /// The program that records into it.
    client: String,
    hostname: String,
    #[schema(format = DateTime)]
    created: String,
    /// How many events it has.
    count: u64,
    /// When the first event begins.
    #[schema(required, format = DateTime)]
    first: Option<String>,
    /// When the last event ends.
    #[schema(required, format = DateTime)]
    last: Option<String>,
    /// Other ids under which it is found: what it was called before, and buckets that were merged into it.
    aliases: Vec<String>,
    /// Whether it is archived: left out of lists and of results that are computed from all buckets.
    archived: bool,
}

/// A bucket after a change.
#[derive(ToSchema)]
pub(crate) struct BucketPatched {
    bucket: ListedBucket,
    /// The record of the change, for `POST /api/1/undo`; null if there was nothing to change.
    #[schema(required)]
    from: Option<u64>,
    /// The same record.
    #[schema(required)]
    to: Option<u64>,
}

/// What a merge moved, or would move.
#[derive(ToSchema)]
pub(crate) struct BucketsMerged {
    /// The id of the bucket whose events move.
    bucket: String,
    /// The id of the bucket that gets them.
    into: String,
    /// Whether this is only a preview.
    preview: bool,
    /// How many events.
    events: u64,
    /// The records that did it: each a body for `POST /api/1/undo`, to be sent in this order. Mostly one.
    undo: Vec<UndoneRecords>,
}

/// The first and the last of some records.
#[derive(ToSchema)]
pub(crate) struct UndoneRecords {
    from: u64,
    to: u64,
}
