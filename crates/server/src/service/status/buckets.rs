//! The report's part about buckets, and the rule by which a watcher counts as stopped.
//!
//! A watcher counts as *stopped* if all of this is true:
//!
//! - its bucket's type is `currentwindow` or `afkstatus`: such watchers report all the time, also while nobody is there;
//! - its last event ended more than [`LATE`] ago, and less than [`FORGOTTEN`] ago;
//! - its machine is on: it is the server's own host, or another bucket of the same host has a recent event.

use std::collections::BTreeSet;

use timberline_model::Timestamp;
use timberline_views::Snapshot;

use super::report::{BucketStatus, WatcherState};

/// Watchers of these types report all the time.
const CONTINUOUS: [&str; 2] = ["currentwindow", "afkstatus"];
/// A watcher that reports all the time is late after this many seconds.
const LATE: i64 = 600;
/// After so many seconds nobody expects the watcher any more: it was replaced, or its machine was.
const FORGOTTEN: i64 = 30 * 86_400;

/// Every bucket that is not archived. `own_host` is the machine that this runs on, if it is known to be on.
pub fn bucket_report(snapshot: &Snapshot, now: Timestamp, own_host: Option<&str>) -> Vec<BucketStatus> {
    let mut buckets: Vec<BucketStatus> = snapshot
        .listed()
        .map(|view| {
            let bucket = view.bucket();
            let lag = view.end().map(|end| now.since(end).nanos() / 1_000_000_000);
            BucketStatus {
                id: bucket.id.clone(),
                type_: bucket.type_.clone(),
                hostname: bucket.hostname.clone(),
                events: view.len(),
                last_event: view.end().map(|end| end.to_string()),
                lag_seconds: lag,
                state: match lag {
                    None => WatcherState::Empty,
                    Some(lag) if lag <= LATE => WatcherState::Reporting,
                    Some(_) => WatcherState::Quiet,
                },
            }
        })
        .collect();
    mark_stopped(&mut buckets, own_host);
    buckets
}

fn mark_stopped(buckets: &mut [BucketStatus], own_host: Option<&str>) {
    let reporting = buckets
        .iter()
        .filter(|bucket| bucket.state == WatcherState::Reporting);
    let mut hosts_on: BTreeSet<String> = reporting.map(|bucket| bucket.hostname.clone()).collect();
    hosts_on.extend(own_host.map(str::to_owned));
    for bucket in buckets {
        let expected = CONTINUOUS.contains(&bucket.type_.as_str()) && hosts_on.contains(&bucket.hostname);
        let missed = bucket
            .lag_seconds
            .is_some_and(|lag| lag > LATE && lag < FORGOTTEN);
        if expected && missed {
            bucket.state = WatcherState::Stopped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(type_: &str, hostname: &str, lag: i64) -> BucketStatus {
        BucketStatus {
            id: format!("{type_}_{hostname}"),
            type_: type_.to_owned(),
            hostname: hostname.to_owned(),
            events: 1,
            last_event: None,
            lag_seconds: Some(lag),
            state: if lag <= LATE {
                WatcherState::Reporting
            } else {
                WatcherState::Quiet
            },
        }
    }

    #[test]
    fn only_a_watcher_that_must_report_on_a_machine_that_is_on_has_stopped() {
        let mut buckets = [
            bucket("currentwindow", "here", LATE + 1),
            bucket("afkstatus", "here", LATE),
            bucket("web.tab.current", "here", LATE + 1),
            bucket("currentwindow", "here", FORGOTTEN),
            bucket("currentwindow", "off", LATE + 1),
            bucket("currentwindow", "on", LATE + 1),
            bucket("web.tab.current", "on", -5),
        ];
        mark_stopped(&mut buckets, Some("here"));
        let stopped: Vec<bool> = buckets
            .iter()
            .map(|bucket| bucket.state == WatcherState::Stopped)
            .collect();
        assert_eq!(stopped, [true, false, false, false, false, true, false]);
    }
}
