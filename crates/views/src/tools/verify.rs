//! Whether a snapshot is whole, and whether two snapshots are equal.

use rustc_hash::FxHashSet;
use timberline_cancel::Cancelled;
use timberline_model::Timestamp;

use crate::pace::Pace;
use crate::row::{Row, TimeRange};
use crate::segment::SegmentError;
use crate::view::Snapshot;
use crate::view::{BucketView, EventRef};

/// How many differences of one bucket are reported.
const MAX_REPORTED: usize = 10;

/// Reads a whole snapshot, compares every checksum of its view segments and every invariant of the fold: events in
/// order, ids given once, as many events as counted, start and end of the bucket those of its events. Tells what is wrong.
pub fn check(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .buckets()
        .flat_map(|b| check_bucket(b).unwrap_or_else(|e| vec![e.to_string()]))
        .collect()
}

/// Compares every checksum of a snapshot's view segments. Returns what is damaged.
///
/// # Errors
/// [`Cancelled`] by `pace`, which sets the speed.
pub fn damaged_view_segments(snapshot: &Snapshot, pace: &mut dyn Pace) -> Result<Vec<String>, Cancelled> {
    let mut damaged = Vec::new();
    for bucket in snapshot.kept() {
        for sealed in bucket.segments.iter() {
            if let Err(damage) = sealed.segment.verify() {
                damaged.push(damage.to_string());
            }
            sealed.segment.release();
            pace.spent(sealed.segment.size())?;
        }
    }
    Ok(damaged)
}

fn check_bucket(view: &BucketView) -> Result<Vec<String>, SegmentError> {
    let id = &view.bucket.id;
    let mut wrong = Vec::new();
    for sealed in view.segments.iter() {
        if let Err(damage) = sealed.segment.verify() {
            wrong.push(damage.to_string());
            continue;
        }
        if !sealed.hidden.is_sorted()
            || sealed
                .hidden
                .last()
                .is_some_and(|p| u64::from(*p) >= sealed.segment.rows())
        {
            wrong.push(format!(
                "bucket {id}: the list of hidden events of {} is malformed",
                sealed.segment.file()
            ));
        }
    }
    if !wrong.is_empty() {
        // Reading the events would only come across the same again.
        return Ok(wrong);
    }
    let mut ids = FxHashSet::default();
    let mut previous: Option<Row> = None;
    let mut n = 0u64;
    let mut extent: Option<(Timestamp, Timestamp)> = None;
    for event in view.events(TimeRange::ALL)? {
        let event = event?;
        let row = *event.row();
        n += 1;
        if previous.is_some_and(|p| p.cmp(&row).is_lt()) {
            wrong.push(format!("bucket {id}: event {} is out of order", row.id));
        }
        if !ids.insert(row.id) {
            wrong.push(format!("bucket {id}: id {} is given twice", row.id));
        }
        let (start, end) = extent.unwrap_or((row.start, row.end()));
        extent = Some((start.min(row.start), end.max(row.end())));
        previous = Some(row);
        if wrong.len() > MAX_REPORTED {
            return Ok(wrong);
        }
    }
    if extent != view.extent {
        wrong.push(format!("bucket {id}: its start or end is not that of its events"));
    }
    if n != view.len {
        wrong.push(format!("bucket {id}: {n} events instead of {}", view.len));
    }
    if view.last.is_some_and(|l| !ids.contains(&l.id)) {
        wrong.push(format!("bucket {id}: its last event is not there"));
    }
    Ok(wrong)
}

/// Tells in what two snapshots differ; nothing when they show the same.
pub fn differences(a: &Snapshot, b: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    if a.settings != b.settings {
        found.push("the settings differ".to_owned());
    }
    let only_in_b = b.buckets().filter(|view| a.names.get(&view.bucket.id).is_none());
    for view in a.buckets().chain(only_in_b) {
        let name = view.bucket.id.as_str();
        match (a.bucket(name), b.bucket(name)) {
            (Some(x), Some(y)) => {
                found.extend(bucket_differences(x, y).unwrap_or_else(|e| vec![e.to_string()]));
            }
            (Some(_), None) => found.push(format!("bucket {name} is only in the first")),
            _ => found.push(format!("bucket {name} is only in the second")),
        }
    }
    found
}

fn bucket_differences(a: &BucketView, b: &BucketView) -> Result<Vec<String>, SegmentError> {
    let id = &a.bucket.id;
    let mut found = Vec::new();
    if a.bucket != b.bucket || a.key != b.key {
        found.push(format!("bucket {id}: its fields differ"));
    }
    if (a.len, a.extent, a.last) != (b.len, b.extent, b.last) {
        found.push(format!("bucket {id}: number, extent or last event differ"));
    }
    let (mut x, mut y) = (a.events(TimeRange::ALL)?, b.events(TimeRange::ALL)?);
    loop {
        match (x.next().transpose()?, y.next().transpose()?) {
            (None, None) => return Ok(found),
            (Some(e), Some(f)) if equal(&e, &f) => {}
            (e, f) => {
                let name =
                    |e: Option<EventRef<'_>>| e.map_or("none".to_owned(), |e| format!("event {}", e.id()));
                found.push(format!(
                    "bucket {id}: {} in the first, {} in the second",
                    name(e),
                    name(f)
                ));
                if found.len() >= MAX_REPORTED {
                    return Ok(found);
                }
            }
        }
    }
}

fn equal(a: &EventRef<'_>, b: &EventRef<'_>) -> bool {
    let text = |e: &EventRef<'_>| {
        let mut out = Vec::new();
        e.write_data(&mut out);
        out
    };
    (a.row().order(), a.id()) == (b.row().order(), b.id()) && text(a) == text(b)
}
