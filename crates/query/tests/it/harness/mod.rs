//! A store and an engine, and the same events in the reference's hands.

// Each test uses a part of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use tempfile::TempDir;
use timberline_model::{Data, Duration, EventId, NewEvent, Timestamp};
use timberline_query::{Cancel, Engine, Limits, Period, Query, QueryError};
use timberline_views::{Snapshot, Store, StoreOptions};

use crate::reference::buckets::{self, Bucket, Buckets};
use crate::reference::{Event, data_text, in_brackets};

/// Holds a property against random inputs: so many, or what `TIMBERLINE_CASES` says.
pub(crate) fn property<S: Strategy>(default: u32, input: S, holds: impl Fn(S::Value) -> TestCaseResult) {
    let cases = std::env::var("TIMBERLINE_CASES").ok();
    let config = ProptestConfig {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(default),
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if let Err(failure) = TestRunner::new(config).run(&input, holds) {
        panic!("{failure}");
    }
}

/// A store in a directory of its own, and an engine.
pub(crate) struct Stage {
    directory: TempDir,
    store: RefCell<Option<Store>>,
    pub(crate) engine: Engine,
    buckets: Cell<u32>,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Stage {
        let directory = tempfile::tempdir().expect("a directory");
        Stage {
            store: RefCell::new(Some(open(&directory))),
            directory,
            engine: Engine::new(limits).expect("threads"),
            buckets: Cell::new(0),
        }
    }

    /// Does something with the store.
    pub(crate) fn store<T>(&self, what: impl FnOnce(&Store) -> T) -> T {
        what(self.store.borrow().as_ref().expect("an open store"))
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.store(Store::snapshot)
    }

    /// A name that no bucket has or had.
    pub(crate) fn fresh_name(&self) -> String {
        self.buckets.set(self.buckets.get() + 1);
        format!("bucket-{}", self.buckets.get())
    }

    /// Deletes all buckets, so that the store does not grow with the number of cases.
    pub(crate) fn clear(&self) {
        for bucket in self.snapshot().buckets() {
            let id = &bucket.bucket().id;
            self.store(|store| store.delete_bucket(id)).expect("is deleted");
        }
    }

    /// A new bucket with these events, of which the reference gets to know the ids.
    pub(crate) fn bucket(&self, events: &[Event]) -> (String, Bucket) {
        let name = self.fresh_name();
        self.create(&name, "host");
        let mut bucket = Bucket {
            hostname: "host".to_owned(),
            events: events.to_vec(),
        };
        for (event, id) in bucket.events.iter_mut().zip(self.insert(&name, events)) {
            event.id = Some(id);
        }
        (name, bucket)
    }

    pub(crate) fn create(&self, name: &str, hostname: &str) {
        self.create_of(name, hostname, "test");
    }

    pub(crate) fn create_of(&self, name: &str, hostname: &str, type_: &str) {
        let bucket = timberline_model::Bucket {
            id: name.to_owned(),
            type_: type_.to_owned(),
            client: "test".to_owned(),
            hostname: hostname.to_owned(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        let (made, _) = self
            .store(|store| store.create_bucket(&bucket))
            .expect("is created");
        assert!(made, "{name} was there before");
    }

    /// Inserts the events, or replaces those whose ids they have. Gives their ids.
    pub(crate) fn insert(&self, bucket: &str, events: &[Event]) -> Vec<u64> {
        let new = |event: &Event| NewEvent {
            id: event.id.map(EventId),
            start: Timestamp::from_nanos(event.start),
            duration: Duration::from_nanos(event.duration),
            data: data_text(&event.data).into(),
        };
        let events: Vec<_> = events.iter().map(new).collect();
        let (ids, _) = self
            .store(|store| store.insert_events(bucket, &events))
            .expect("is stored");
        ids.into_iter().map(|id| id.0).collect()
    }

    /// Everything that is in memory goes into view segments, and those are merged.
    pub(crate) fn compact(&self) {
        self.store(|store| {
            store.flush(1).expect("seals");
            store.compact().expect("merges");
        });
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&self) {
        let store = self.store.borrow_mut().take().expect("an open store");
        store.close().expect("closes");
        *self.store.borrow_mut() = Some(open(&self.directory));
    }

    /// The answer now.
    pub(crate) fn ask(&self, program: &str, periods: &[buckets::Period]) -> Result<String, QueryError> {
        ask(&self.engine, &self.snapshot(), program, periods)
    }
}

fn open(directory: &TempDir) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, report) = Store::open(directory.path(), options).expect("opens");
    assert!(
        report.damage.is_empty() && report.unfolded.is_empty(),
        "{report:?}"
    );
    store
}

/// An engine that has not seen anything.
pub(crate) fn new_engine() -> Engine {
    Engine::new(Limits::default()).expect("threads")
}

/// A query of a program for some periods.
pub(crate) fn query(program: &str, periods: &[buckets::Period]) -> Query {
    let period = |period: &buckets::Period| Period {
        start: Timestamp::from_nanos(period.start),
        end: Timestamp::from_nanos(period.end),
    };
    Query {
        program: program.to_owned(),
        periods: periods.iter().map(period).collect(),
        name: String::new(),
        past: false,
    }
}

/// The engine's answer.
pub(crate) fn ask(
    engine: &Engine,
    snapshot: &Snapshot,
    program: &str,
    periods: &[buckets::Period],
) -> Result<String, QueryError> {
    let answer = engine.run(snapshot, &query(program, periods), &Cancel::new())?;
    Ok(String::from_utf8(answer.to_json()).expect("text"))
}

/// The reference's answer: one result for each period.
pub(crate) fn expected(
    program: &crate::reference::program::Program,
    buckets: &Buckets,
    periods: &[buckets::Period],
) -> String {
    in_brackets(
        periods
            .iter()
            .map(|period| program.evaluate(buckets, *period).to_json()),
    )
}
