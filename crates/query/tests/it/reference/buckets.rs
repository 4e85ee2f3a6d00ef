//! What comes from the store.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Event;

/// A bucket: its host, and its events in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) hostname: String,
    pub(crate) events: Vec<Event>,
}

/// All buckets, by their ids.
pub(crate) type Buckets = BTreeMap<String, Bucket>;

/// From an instant to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// `query_bucket`: the events that touch the period, newest first, those of negative duration whole, the others cut to it.
pub(crate) fn query_bucket(bucket: &Bucket, period: Period) -> Vec<Event> {
    let mut events = touching(bucket, period);
    events.sort_by_key(|event| (Reverse(event.start), event.end(), event.id));
    for event in &mut events {
        if event.duration < 0 {
            continue;
        }
        let end = event.end().min(period.end);
        event.start = event.start.max(period.start);
        event.duration = end - event.start;
    }
    events
}

/// `query_bucket_eventcount`: how many events touch the period.
pub(crate) fn query_bucket_eventcount(bucket: &Bucket, period: Period) -> usize {
    touching(bucket, period).len()
}

/// Those that end at or after the period's start and start at or before its end; none when it is backwards.
fn touching(bucket: &Bucket, period: Period) -> Vec<Event> {
    if period.start > period.end {
        return Vec::new();
    }
    let touches = |event: &&Event| event.end() >= period.start && event.start <= period.end;
    bucket.events.iter().filter(touches).cloned().collect()
}

/// `query_bucket_names`: the ids of all.
pub(crate) fn query_bucket_names(buckets: &Buckets) -> Vec<String> {
    buckets.keys().cloned().collect()
}

/// `find_bucket`: the bucket with just this id or else the first that begins so; with a host name, only those of that host.
pub(crate) fn find_bucket(buckets: &Buckets, prefix: &str, hostname: Option<&str>) -> Option<String> {
    let fits = |bucket: &Bucket| hostname.is_none_or(|host| bucket.hostname == host);
    if buckets.get(prefix).is_some_and(fits) {
        return Some(prefix.to_owned());
    }
    let mut all = buckets.iter();
    let found = all.find(|(id, bucket)| id.starts_with(prefix) && fits(bucket));
    found.map(|(id, _)| id.clone())
}
