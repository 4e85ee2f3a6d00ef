//! Sources that are found on this machine.

use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};
use timberline_exchange::import::{Found, Places, detect};
use timberline_model::Timestamp;

/// The data of ActivityWatch on this machine, newest first.
#[must_use]
pub fn detected() -> Vec<Found> {
    Places::of_this_process()
        .map(|places| detect(&places))
        .unwrap_or_default()
}

/// The one of them at this path, if it can be read.
pub(crate) fn detected_at(path: &Path) -> Option<Found> {
    let path = path.canonicalize().ok()?;
    let readable = |found: &Found| found.kind.is_some() && found.path == path;
    detected().into_iter().find(readable)
}

/// When a source was last changed.
#[must_use]
pub fn changed(found: &Found) -> Option<Timestamp> {
    let since = found.modified?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok().map(Timestamp::from_nanos)
}

/// Sources as JSON: `{"found": [...]}`.
#[must_use]
pub fn detected_json(found: &[Found]) -> Value {
    json!({ "found": found.iter().map(to_json).collect::<Vec<_>>() })
}

fn to_json(found: &Found) -> Value {
    json!({
        "path": found.path.display().to_string(),
        "kind": found.kind.map(|kind| kind.to_string()),
        "problem": found.problem,
        "size": found.size,
        "buckets": found.buckets,
        "testing": found.testing,
        "modified": changed(found).map(|at| at.to_string()),
    })
}
