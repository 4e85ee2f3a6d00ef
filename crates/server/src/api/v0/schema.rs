//! JSON of v0 that is read and written by hand (`model/src/json/`), described for the OpenAPI document.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A JSON object with anything in it.
pub(crate) type Object = Map<String, Value>;

/// Information about the server.
#[derive(ToSchema)]
pub(crate) struct Info {
    /// The host name that buckets get.
    hostname: String,
    /// `timberline` and the version, such as `timberline v0.1.0`.
    version: String,
    /// Whether this is a test instance.
    testing: bool,
    /// The identity of the machine.
    device_id: String,
}

/// A bucket.
#[derive(ToSchema)]
pub(crate) struct Bucket {
    id: String,
    /// What its events are, such as `currentwindow`.
    #[schema(rename = "type")]
    type_: String,
    /// The program that records into it.
    client: String,
    hostname: String,
    #[schema(format = DateTime)]
    created: String,
    data: Object,
    metadata: Extent,
    /// When it was changed last, for a bucket that came with such a time.
    #[schema(required, format = DateTime)]
    last_updated: Option<String>,
    /// Always null; events have a path of their own.
    #[schema(required, value_type = Value)]
    events: (),
}

/// Where the events of a bucket begin and end.
#[derive(ToSchema)]
pub(crate) struct Extent {
    /// When the first event begins.
    #[schema(required, format = DateTime)]
    start: Option<String>,
    /// When the last event ends.
    #[schema(required, format = DateTime)]
    end: Option<String>,
}

/// A bucket to create.
#[derive(ToSchema)]
pub(crate) struct NewBucket {
    /// Ignored: the path has the id.
    id: Option<String>,
    #[schema(rename = "type")]
    type_: String,
    client: String,
    /// `!local` stands for the host name of the server.
    hostname: String,
    /// Now, if it is missing. A time without an offset is in UTC.
    #[schema(format = DateTime)]
    created: Option<String>,
    #[schema(nullable = false)]
    data: Option<Object>,
    /// A time without an offset is in UTC.
    #[schema(format = DateTime)]
    last_updated: Option<String>,
    /// Events to store at once. Those that cannot be read are left out, and their ids mean nothing.
    events: Option<Vec<Value>>,
}

/// The changes to a bucket. Fields that are missing or null stay unchanged.
#[derive(ToSchema)]
pub(crate) struct BucketChange {
    #[schema(rename = "type")]
    type_: Option<String>,
    client: Option<String>,
    /// `!local` stands for the host name of the server.
    hostname: Option<String>,
    data: Option<Object>,
}

/// A stored event.
#[derive(ToSchema)]
pub(crate) struct Event {
    #[schema(minimum = 0)]
    id: u64,
    /// When it begins, in UTC.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Seconds.
    duration: f64,
    data: Object,
}

/// An event as the answer to a heartbeat: the stored one, or, without an id, the heartbeat itself.
#[derive(ToSchema)]
pub(crate) struct RecordedEvent {
    /// Null if the client may only record, or if a privacy filter dropped the heartbeat and the bucket is empty.
    #[schema(required, minimum = 0)]
    id: Option<u64>,
    /// When it begins, in UTC.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Seconds.
    duration: f64,
    data: Object,
}

/// An event to store.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewEvent {
    /// The event that this one replaces. A new event has none, and gets one.
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    id: Option<u64>,
    /// When it begins, in RFC 3339, from 1677-09-21 to 2262-04-11.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Seconds; 0 if it is missing.
    #[schema(nullable = false, minimum = -9223372036i64, maximum = 9223372036u64)]
    duration: Option<f64>,
    data: Object,
}

/// A heartbeat: an event that may extend the bucket's last one.
#[derive(ToSchema)]
pub(crate) struct Heartbeat {
    /// It means nothing.
    #[schema(minimum = 1, maximum = 9007199254740991u64)]
    id: Option<u64>,
    /// When it begins, in RFC 3339, from 1677-09-21 to 2262-04-11. A time without an offset is in UTC.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Seconds; 0 if it is missing.
    #[schema(nullable = false, minimum = -9223372036i64, maximum = 9223372036u64)]
    duration: Option<f64>,
    data: Object,
}

/// One event or many.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NewEvents {
    Many(Vec<NewEvent>),
    One(NewEvent),
}

/// A line of the server's log.
#[derive(ToSchema)]
pub(crate) struct LogLine {
    #[schema(format = DateTime)]
    asctime: String,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    levelname: String,
    /// The part of the server.
    name: String,
    message: String,
}

/// Buckets with their events, in ActivityWatch's export format.
#[derive(ToSchema)]
pub(crate) struct Export {
    buckets: BTreeMap<String, ExportedBucket>,
}

/// A bucket with its events.
#[derive(ToSchema)]
pub(crate) struct ExportedBucket {
    id: String,
    #[schema(rename = "type")]
    type_: String,
    client: String,
    hostname: String,
    #[schema(format = DateTime)]
    created: String,
    data: Object,
    /// Only in exports of v0, as is the next one.
    #[schema(nullable = false)]
    metadata: Option<Extent>,
    #[schema(format = DateTime)]
    last_updated: Option<String>,
    events: Vec<Event>,
}

/// Buckets to import: the export of an ActivityWatch server or of this one.
#[derive(ToSchema)]
pub(crate) struct ImportFile {
    /// The buckets by id, each with the fields of an exported bucket. What cannot be read is left out or changed to what
    /// can be stored, and the answer says so.
    buckets: BTreeMap<String, Value>,
}

/// The same file in a form. Other fields are ignored.
#[derive(ToSchema)]
pub(crate) struct ImportForm {
    /// The file. The field may also be called `buckets`.
    #[schema(rename = "buckets.json", value_type = String)]
    file: String,
}

/// What an import did.
#[derive(ToSchema)]
pub(crate) struct ImportOutcome {
    buckets_created: u64,
    events_added: u64,
    /// Events that were there already.
    events_known: u64,
    /// Events that cannot be read and were left out.
    events_unreadable: u64,
    /// Events that privacy filters dropped.
    events_dropped: u64,
    /// Events that were changed to what can be stored.
    events_changed: u64,
    /// Buckets that were changed to what can be stored.
    buckets_changed: u64,
    /// Buckets that cannot be read and were left out.
    buckets_left_out: u64,
    /// Why something was left out or changed.
    notes: Vec<ImportNote>,
    /// How many more notes there are.
    notes_omitted: u64,
    /// Only with `by_bucket=true`.
    #[schema(nullable = false)]
    by_bucket: Option<BTreeMap<String, ImportedBucket>>,
}

/// Why a part of an import was left out or changed.
#[derive(ToSchema)]
pub(crate) struct ImportNote {
    bucket: String,
    place: String,
    reason: String,
    left_out: bool,
}

/// What an import did to one bucket.
#[derive(ToSchema)]
pub(crate) struct ImportedBucket {
    added: u64,
    known: u64,
    dropped: u64,
}

/// Why a setting has no effect, or not all of it.
#[derive(ToSchema)]
pub(crate) struct SettingWarnings {
    warnings: Vec<SettingWarning>,
    /// How many there are; the answer has the first ones.
    count: u64,
}

/// One problem of a list of rules.
#[derive(ToSchema)]
pub(crate) struct SettingWarning {
    /// The rule's place in the list, counted from 0; null if there is no list.
    #[schema(required)]
    index: Option<u64>,
    reason: String,
}
