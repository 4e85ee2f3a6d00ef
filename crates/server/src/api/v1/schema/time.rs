//! Timelines and searches.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use utoipa::ToSchema;

use crate::api::v0::schema::Object;

/// What is drawn of a time.
#[derive(ToSchema)]
pub(crate) struct Timeline {
    /// Where it begins.
    #[schema(format = DateTime)]
    start: String,
    /// Where it ends.
    #[schema(format = DateTime)]
    end: String,
    /// One for each bucket, by id, or for each category, those with most time first.
    lanes: Vec<TimelineLane>,
    /// The data that the spans refer to by number.
    data: Vec<Object>,
}

/// A lane of a timeline.
#[derive(ToSchema)]
pub(crate) struct TimelineLane {
    /// The id of the bucket, in a lane for a bucket.
    #[schema(nullable = false)]
    bucket: Option<String>,
    /// The names of the category, in a lane for a category; null for what has none.
    category: Option<Vec<String>>,
    /// Seconds of a span. Null if each event is a span.
    #[schema(required)]
    resolution: Option<f64>,
    /// Oldest first. Where there is no event, there is no span.
    spans: Vec<TimelineSpan>,
}

/// What is drawn as one.
#[derive(ToSchema)]
pub(crate) struct TimelineSpan {
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    /// Seconds of it in which there is an event.
    covered: f64,
    /// Events that lie in it, wholly or partly; only in a lane for a bucket.
    #[schema(nullable = false)]
    events: Option<u64>,
    /// Which data have most time in it: their place in the list `data`, counted from 0.
    data: u64,
    /// Seconds of the events with these data.
    time: f64,
    /// The id of the event, if it is only one.
    #[schema(nullable = false)]
    id: Option<u64>,
}

/// What a search found.
#[derive(ToSchema)]
pub(crate) struct Hits {
    /// Those with most time first.
    hits: Vec<Hit>,
    /// How many there are in all.
    total: u64,
    /// Their seconds, in all.
    time: f64,
    /// The value of `cursor` that continues the list; null at its end.
    #[schema(required)]
    cursor: Option<String>,
}

/// Data that have the same texts, in buckets of one type.
#[derive(ToSchema)]
pub(crate) struct Hit {
    /// The type of the buckets.
    #[schema(rename = "type")]
    kind: String,
    /// The data of its newest event.
    data: Object,
    /// Seconds of its events within the time that counts.
    time: f64,
    events: u64,
    /// When the first event begins.
    #[schema(format = DateTime)]
    first: String,
    /// When the last event ends.
    #[schema(format = DateTime)]
    last: String,
    /// The newest events, the newest first.
    spans: Vec<HitSpan>,
}

/// An event of a hit.
#[derive(ToSchema)]
pub(crate) struct HitSpan {
    bucket: String,
    /// The id of the event.
    id: u64,
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
}
