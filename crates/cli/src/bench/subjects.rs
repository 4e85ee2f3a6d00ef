//! Whose data the queries are about.

use anyhow::Context;
use timberline_model::Timestamp;
use timberline_views::{BucketView, Snapshot};

use super::set::Subjects;

/// What the web UI takes for a phone.
const PHONE: &str = "aw-watcher-android";
/// The host of a bucket that does not know its own.
const NO_HOST: &str = "unknown";

/// The buckets of one host.
pub(super) struct Found<'a> {
    pub(super) host: &'a str,
    pub(super) buckets: Vec<&'a BucketView>,
    pub(super) subjects: Subjects,
    /// From the first event of any of these buckets to the end of the last.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// Finds the host whose windows were recorded last, and its other watchers.
///
/// # Errors
/// When there is no window watcher, or no watcher of idle times.
pub(super) fn find(snapshot: &Snapshot) -> anyhow::Result<Found<'_>> {
    let is_window = |view: &&BucketView| !view.bucket().id.starts_with(PHONE);
    let window = newest(snapshot, "currentwindow", is_window).context(
        "no bucket of the type currentwindow has an event: there is nothing to ask the web UI's queries of",
    )?;
    let host = window.bucket().hostname.as_str();
    let of_host = |view: &&BucketView| view.bucket().hostname == host;
    let of_host_or_none = |view: &&BucketView| of_host(view) || view.bucket().hostname == NO_HOST;
    let afk = newest(snapshot, "afkstatus", of_host)
        .with_context(|| format!("no bucket of the type afkstatus of the host '{host}' has an event"))?;
    let web = newest(snapshot, "web.tab.current", of_host_or_none);
    let editor = newest(snapshot, "app.editor.activity", of_host_or_none);
    let stopwatch = newest(snapshot, "general.stopwatch", of_host_or_none);
    let id = |view: &BucketView| view.bucket().id.clone();
    let buckets = [Some(window), Some(afk), web, editor, stopwatch];
    let buckets: Vec<&BucketView> = buckets.into_iter().flatten().collect();
    let first = buckets.iter().filter_map(|view| view.start()).min();
    let last = buckets.iter().filter_map(|view| view.end()).max();
    let (first, last) = first.zip(last).context("there are no events")?;
    Ok(Found {
        host,
        subjects: Subjects {
            window: id(window),
            afk: id(afk),
            web: web.map(id),
            editor: editor.map(id),
            stopwatch: stopwatch.map(id),
        },
        buckets,
        first,
        last,
    })
}

/// Of the buckets of a type that have events, the one whose last event ends last.
fn newest<'a>(
    snapshot: &'a Snapshot,
    type_: &str,
    wanted: impl Fn(&&'a BucketView) -> bool,
) -> Option<&'a BucketView> {
    snapshot
        .buckets()
        .filter(|view| view.bucket().type_ == type_ && !view.is_empty())
        .filter(wanted)
        .max_by_key(|view| view.end())
}
