//! A record of the log as JSON: what it is, and how much it changes.

use serde_json::{Value, json};
use timberline_log::Seq;
use timberline_model::json::write_event;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::record::{Effect, EventChanges, Purge, Record, RecordKind};

/// Events that are shown of one record.
const MAX_CHANGES: usize = 100;
/// Bytes of data that are shown of one record.
const MAX_CHANGES_BYTES: usize = 16 << 10;

/// The record with its number, time and kind, the id of its bucket, and how much it changes. Its contents are left to
/// `timberline log dump` and to the stream. `bucket` is the id of its bucket, if it has one that is still known.
pub(crate) fn line(framed: &timberline_log::Record<'_>, bucket: Option<&str>) -> Value {
    let mut line = json!({
        "seq": framed.seq.get(),
        "time": Timestamp::from_nanos(framed.time).to_string(),
        "kind": RecordKind::from_number(framed.kind).map(RecordKind::name),
    });
    match Record::decode(framed.kind, framed.payload) {
        Ok(record) => describe(&mut line, &record),
        Err(error) => line["error"] = json!(error.to_string()),
    }
    if let Ok(Some(_)) = Record::bucket_of(framed.kind, framed.payload) {
        line["bucket"] = json!(bucket);
    }
    line
}

fn describe(line: &mut Value, record: &Record<'_>) {
    if record.heartbeats() > 1 {
        line["heartbeats"] = json!(record.heartbeats());
    }
    if let Record::Heartbeat(r) = record {
        line["event"] = json!(r.event().0);
        return;
    }
    match record.effect() {
        Effect::ChangeEvents(changes) => {
            if !matches!(record, Record::EventsDeleted(_) | Record::Erased(_)) {
                line["events"] = json!(changes.put.map_or(0, |put| put.len()) + changes.extended.len());
            }
            if matches!(record, Record::EventsDeleted(_) | Record::EventsChanged(_)) {
                line["removed"] = json!(changes.removed.len());
            }
        }
        Effect::Set { key, .. } => line["key"] = json!(key),
        Effect::Purge(purge) => line["purged"] = purged(purge),
        Effect::CreateBucket(_)
        | Effect::UpdateBucket(_)
        | Effect::ListBucket(_)
        | Effect::DeleteBucket(_)
        | Effect::RestoreBucket(_)
        | Effect::EndPurges { .. }
        | Effect::TakeBatch { .. }
        | Effect::Nothing => {}
    }
}

/// What a record changes, as far as it fits: `put` are events that are new or replaced, `extended` those that got another
/// duration, `removed` the ids of deleted ones, `value` that of a setting. `left_out` says how many did not fit.
pub(crate) fn changes(record: &Record<'_>) -> Value {
    match record.effect() {
        Effect::ChangeEvents(changes) => event_changes(&changes),
        Effect::Set { value, .. } => match value {
            Some(text) if text.len() > MAX_CHANGES_BYTES => json!({ "left_out": 1 }),
            // It was checked when it was stored.
            text => json!({ "value": text.and_then(|text| serde_json::from_str::<Value>(text).ok()) }),
        },
        Effect::CreateBucket(_)
        | Effect::UpdateBucket(_)
        | Effect::ListBucket(_)
        | Effect::DeleteBucket(_)
        | Effect::RestoreBucket(_)
        | Effect::Purge(_)
        | Effect::EndPurges { .. }
        | Effect::TakeBatch { .. }
        | Effect::Nothing => json!({}),
    }
}

fn event_changes(changes: &EventChanges<'_>) -> Value {
    let mut room = Room::default();
    let put: Vec<Value> = changes
        .put
        .iter()
        .flat_map(|put| put.iter())
        .filter(|(_, _, _, text)| room.takes(text.len()))
        .map(|(id, start, duration, text)| event(id, start, duration, text))
        .collect();
    let extended: Vec<Value> = changes
        .extended
        .iter()
        .filter(|_| room.takes(0))
        .map(|(id, duration)| json!({ "id": id.0, "duration": duration.as_secs_f64() }))
        .collect();
    let removed: Vec<u64> = changes
        .removed
        .iter()
        .filter(|_| room.takes(0))
        .map(|id| id.0)
        .collect();
    let mut out = json!({ "put": put, "extended": extended, "removed": removed });
    if room.left_out > 0 {
        out["left_out"] = json!(room.left_out);
    }
    out
}

/// An event as the API shows it.
pub(crate) fn event(id: EventId, start: Timestamp, duration: Duration, data: &str) -> Value {
    let mut text = Vec::new();
    write_event(&mut text, id, start, duration, data);
    // We have just written it.
    serde_json::from_slice(&text).unwrap_or_default()
}

/// How much of a record's changes is shown.
#[derive(Default)]
struct Room {
    items: usize,
    bytes: usize,
    left_out: usize,
}

impl Room {
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = self.items < MAX_CHANGES && self.bytes + bytes <= MAX_CHANGES_BYTES;
        if fits {
            self.items += 1;
            self.bytes += bytes;
        } else {
            self.left_out += 1;
        }
        fits
    }
}

fn purged(purge: Purge<'_>) -> Value {
    match purge.is_whole() {
        true => json!("bucket"),
        false => json!(
            purge
                .erased(Seq::NONE)
                .map(|erased| erased.ids.len())
                .sum::<usize>()
        ),
    }
}
