//! Notices that a bucket is no longer written to.
//!
//! Time is measured while the server runs, by the monotonic clock: a jump of the clock, a night in which the machine slept
//! and a stop of the server are no silence.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_views::{BucketKey, Snapshot};

use crate::service::live::Filter;

/// A bucket whose last event is older at the start is one that nobody writes to any more, until somebody does.
const FORGOTTEN_SECONDS: i64 = 86_400;

/// Watches buckets.
#[derive(Debug)]
pub(super) struct SilenceWatch {
    filter: Filter,
    limit: Duration,
    buckets: HashMap<BucketKey, Watched>,
    has_begun: bool,
}

#[derive(Debug)]
struct Watched {
    touched: Seq,
    since: Instant,
    /// Whether its silence is to be noticed: it was not yet, and somebody is expected to write.
    is_armed: bool,
}

/// A bucket that is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Silent {
    pub(super) bucket: String,
    /// When its last event ended.
    pub(super) last_event: Option<Timestamp>,
}

impl SilenceWatch {
    pub(super) fn new(filter: Filter, limit: Duration) -> SilenceWatch {
        SilenceWatch {
            filter,
            limit,
            buckets: HashMap::new(),
            has_begun: false,
        }
    }

    /// How often to look.
    pub(super) fn interval(&self) -> Duration {
        (self.limit / 10).clamp(Duration::from_millis(100), Duration::from_secs(5))
    }

    /// The buckets that have become silent since the last look.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Instant, time: Timestamp) -> Vec<Silent> {
        let mut silent = Vec::new();
        let mut before = std::mem::take(&mut self.buckets);
        for view in snapshot
            .listed()
            .filter(|view| self.filter.has_bucket(view.bucket()))
        {
            let is_recent = |end: Timestamp| time.since(end).nanos() / 1_000_000_000 < FORGOTTEN_SECONDS;
            let mut watched = before.remove(&view.key()).unwrap_or_else(|| Watched {
                touched: view.touched(),
                since: now,
                is_armed: self.has_begun || view.end().is_some_and(is_recent),
            });
            if watched.touched != view.touched() {
                watched = Watched {
                    touched: view.touched(),
                    since: now,
                    is_armed: true,
                };
            }
            if watched.is_armed && now.saturating_duration_since(watched.since) >= self.limit {
                watched.is_armed = false;
                silent.push(Silent {
                    bucket: view.bucket().id.clone(),
                    last_event: view.end(),
                });
            }
            self.buckets.insert(view.key(), watched);
        }
        self.has_begun = true;
        silent
    }
}

#[cfg(test)]
mod tests {
    use timberline_model::{Bucket, Data, Heartbeat, Pulsetime};
    use timberline_views::{Store, StoreOptions};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);

    fn bucket(id: &str) -> Bucket {
        Bucket {
            id: id.to_owned(),
            type_: "t".to_owned(),
            client: String::new(),
            hostname: String::new(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        }
    }

    fn beat(store: &Store, id: &str, seconds: i64) {
        let beat = Heartbeat {
            start: Timestamp::from_nanos(seconds * 1_000_000_000),
            duration: timberline_model::Duration::ZERO,
            data: "{}".into(),
        };
        let pulsetime = Pulsetime::from_secs_f64(0.0).unwrap();
        store.heartbeat(id, &beat, pulsetime).unwrap();
    }

    #[test]
    fn a_silence_is_noticed_once_until_somebody_writes_again() {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            background: false,
            ..StoreOptions::default()
        };
        let (store, _) = Store::open(dir.path(), options).unwrap();
        for id in ["recent", "old", "other"] {
            store.create_bucket(&bucket(id)).unwrap();
        }
        let today = 10 * FORGOTTEN_SECONDS;
        beat(&store, "recent", today);
        beat(&store, "old", 0);
        let filter = Filter {
            buckets: vec!["recent".to_owned(), "old".to_owned(), "new".to_owned()],
            ..Filter::default()
        };
        let mut watch = SilenceWatch::new(filter, LIMIT);
        let begin = Instant::now();
        let time = Timestamp::from_nanos((today + 60) * 1_000_000_000);
        let mut look = |after: Duration| {
            let silent = watch.look(&store.snapshot(), begin + after, time);
            silent
                .into_iter()
                .map(|silent| silent.bucket)
                .collect::<Vec<String>>()
        };
        let second = Duration::from_secs(1);
        assert_eq!(look(Duration::ZERO), [""; 0]);
        assert_eq!(look(LIMIT - second), [""; 0]);
        assert_eq!(look(LIMIT), ["recent"]);
        assert_eq!(look(2 * LIMIT), [""; 0]);
        beat(&store, "recent", today + 1);
        beat(&store, "old", 1);
        store.create_bucket(&bucket("new")).unwrap();
        assert_eq!(look(2 * LIMIT + second), [""; 0]);
        assert_eq!(look(3 * LIMIT), [""; 0]);
        assert_eq!(look(3 * LIMIT + second), ["new", "old", "recent"]);
        assert_eq!(look(9 * LIMIT), [""; 0]);
    }
}
