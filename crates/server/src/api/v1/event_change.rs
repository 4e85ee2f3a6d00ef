//! What happened to an event, as the API and `timberline log explain` show it.

use serde_json::{Value, json};
use timberline_views::history::{Change, ChangeKind, HeartbeatFacts};

/// One change.
pub fn change(change: &Change) -> Value {
    let mut json = json!({
        "seq": change.seq.get(),
        "time": change.time.to_string(),
        "what": name(change.what),
    });
    if let Some((start, duration)) = change.event {
        json["timestamp"] = json!(start.to_string());
        json["duration"] = json!(duration.as_secs_f64());
    }
    if let Some(data) = &change.data {
        // It is canonical JSON; text that were none is still better than nothing.
        json["data"] = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
    }
    if let ChangeKind::CreatedByMany(count) | ChangeKind::ExtendedByMany(count) = change.what {
        json["heartbeats"] = json!(count);
    }
    if let ChangeKind::Created(beat) | ChangeKind::Extended(beat) = change.what {
        json["heartbeat"] = heartbeat(&beat);
    }
    json
}

fn heartbeat(beat: &HeartbeatFacts) -> Value {
    json!({
        "timestamp": beat.start.to_string(),
        "duration": beat.duration.as_secs_f64(),
        "pulsetime": beat.pulsetime.nanos() as f64 / 1e9,
    })
}

/// What happened, in a word.
pub fn name(what: ChangeKind) -> &'static str {
    match what {
        ChangeKind::Created(_) | ChangeKind::CreatedByMany(_) => "created",
        ChangeKind::Extended(_) | ChangeKind::ExtendedByMany(_) => "extended",
        ChangeKind::Inserted => "inserted",
        ChangeKind::Replaced => "replaced",
        ChangeKind::Salvaged => "salvaged",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Restored => "restored",
        ChangeKind::Removed => "removed",
        ChangeKind::Squashed => "outcome",
        ChangeKind::BucketDeleted => "bucket_deleted",
        ChangeKind::BucketRestored => "bucket_restored",
        ChangeKind::Purged => "purged",
        ChangeKind::Redacted => "redacted",
    }
}
