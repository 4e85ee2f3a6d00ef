//! The problems that need attention, a line for each.

use super::report::{BucketStatus, DamageStatus, WatcherState};
use crate::app::App;
use crate::service::watchers::Watcher;

/// What is wrong with the files, and why things are kept that are to be erased; nothing if all is well.
pub(crate) fn troubles(app: &App) -> Vec<String> {
    let integrity = app.store.integrity();
    let missing = integrity.missing.iter().map(ToString::to_string);
    let suspended = app.store.suspension();
    let suspended = suspended.map(|why| format!("Erasing is suspended: {why}."));
    let held = app.retention.held();
    let files = integrity.held.iter().cloned().chain(missing);
    let waiting = app.erasure.waiting();
    let waiting = waiting
        .iter()
        .map(|copy| format!("A backup may still hold what was erased: {}", copy.why));
    files
        .chain(suspended)
        .chain(held.iter().cloned())
        .chain(waiting)
        .collect()
}

/// All of that, and what only the report has: readiness, damage, watchers.
pub(super) fn attention(
    app: &App,
    not_ready: Option<&str>,
    damage: &DamageStatus,
    buckets: &[BucketStatus],
) -> Vec<String> {
    let mut lines: Vec<String> = not_ready
        .map(|why| format!("Writes wait: {why}."))
        .into_iter()
        .collect();
    let known = troubles(app);
    lines.extend(known.into_iter().filter(|line| Some(line.as_str()) != not_ready));
    lines.extend(
        damage
            .log
            .iter()
            .map(|place| format!("The log is damaged: {place}.")),
    );
    if damage.scrub_places > 0 {
        let places = damage.scrub_places;
        lines.push(format!(
            "The scrub found damage in {places} places: the doctor says where."
        ));
    }
    if damage.events_lost > 0 {
        let lost = damage.events_lost;
        lines.push(format!(
            "{lost} events are lost: neither a damaged view segment nor the log had them."
        ));
    }
    if app.backups.failures() > 0 {
        let failures = app.backups.failures();
        lines.push(format!(
            "{failures} automatic backups have failed since the start: the server's log says why."
        ));
    }
    let watchers = app.watchers.as_ref().map(|watchers| watchers.list());
    let watchers = watchers.unwrap_or_default();
    let host = &app.identity.hostname;
    let stopped = buckets.iter().filter(|bucket| {
        let is_stopped = bucket.state == WatcherState::Stopped;
        is_stopped && !watchers.iter().any(|watcher| rests(watcher, bucket, host))
    });
    lines.extend(stopped.map(stopped_line));
    let not_started = app.watchers.as_ref().and_then(|watchers| watchers.not_started());
    lines.extend(not_started.map(|why| format!("Nothing is recorded on this machine: {why}.")));
    let queue = app.watchers.as_ref().and_then(|watchers| watchers.queue()?.alarm);
    lines.extend(queue.map(|alarm| format!("What the watchers record is not stored: {alarm}.")));
    let alarms = watchers.into_iter();
    lines.extend(
        alarms.filter_map(|watcher| Some(format!("The watcher {}: {}.", watcher.name, watcher.alarm?))),
    );
    lines
}

/// Whether a bucket gets no events because somebody has paused its watcher or switched it off.
fn rests(watcher: &Watcher, bucket: &BucketStatus, host: &str) -> bool {
    // One that has not run since the start has not said yet which bucket it fills.
    let usual = format!("aw-watcher-{}_{host}", watcher.name);
    let fills = watcher.bucket.as_ref().unwrap_or(&usual) == &bucket.id;
    fills && (watcher.paused.is_some() || !watcher.enabled)
}

fn stopped_line(bucket: &BucketStatus) -> String {
    let minutes = bucket.lag_seconds.unwrap_or(0) / 60;
    format!(
        "The watcher of {} has stopped: no event for {minutes} minutes.",
        bucket.id
    )
}
