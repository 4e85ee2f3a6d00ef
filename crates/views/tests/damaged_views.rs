//! A damaged view segment costs reads of what it held until the views are made anew, and nothing else: no heartbeat
//! is refused, no insert is lost.

#![allow(clippy::unwrap_used)]

mod plain;

use std::path::Path;

use plain::list;
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::{Store, StoreOptions, TimeRange};

const SECOND: i64 = 1_000_000_000;
const BUCKET: &str = "window";

fn options() -> StoreOptions {
    StoreOptions {
        background: false,
        ..StoreOptions::default()
    }
}

fn event(second: i64) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(second * SECOND),
        duration: Duration::from_nanos(SECOND),
        data: r#"{"app":"a"}"#.into(),
    }
}

/// A store whose hundred events all lie in one view segment.
fn filled(dir: &Path) {
    let (store, _) = Store::open(dir, options()).unwrap();
    let bucket = plain::bucket(BUCKET);
    store.create_bucket(&bucket).unwrap();
    let events: Vec<_> = (0..100).map(event).collect();
    store.insert_events(BUCKET, &events).unwrap();
    store.seal(1).unwrap();
    store.close().unwrap();
}

/// Flips a bit of the first block, which lies behind the header.
fn damage(dir: &Path) {
    let views = std::fs::read_dir(dir.join("views")).unwrap();
    let file = views
        .map(|f| f.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "view"))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[130] ^= 4;
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn writes_go_on_beside_a_damaged_view_and_a_rebuild_shows_everything() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    damage(dir.path());
    let (store, _) = Store::open(dir.path(), options()).unwrap();
    let snapshot = store.snapshot();
    let listed = snapshot
        .bucket(BUCKET)
        .unwrap()
        .events(TimeRange::ALL)
        .and_then(|e| e.collect::<Result<Vec<_>, _>>());
    assert!(listed.unwrap_err().to_string().contains("log rebuild"));

    // Within the pulsetime of the last event, which cannot be read: an event of its own.
    let beat = Heartbeat {
        start: Timestamp::from_nanos(101 * SECOND),
        duration: Duration::ZERO,
        data: r#"{"app":"a"}"#.into(),
    };
    let answer = store
        .heartbeat(BUCKET, &beat, Pulsetime::from_nanos(60 * SECOND))
        .unwrap();
    assert_eq!(answer.id, EventId(101));
    let (ids, _) = store.insert_events(BUCKET, &[event(200), event(201)]).unwrap();
    assert_eq!(ids, [EventId(102), EventId(103)]);
    // Which event this would replace cannot be seen, so it is refused before anything is written.
    assert!(
        store
            .insert_events(
                BUCKET,
                &[NewEvent {
                    id: Some(EventId(5)),
                    ..event(5)
                }]
            )
            .is_err()
    );
    assert!(store.delete_event(BUCKET, EventId(5)).is_err());
    let newest = TimeRange {
        start: Some(Timestamp::from_nanos(150 * SECOND)),
        end: None,
    };
    assert_eq!(list(store.snapshot().bucket(BUCKET).unwrap(), newest).len(), 2);
    store.close().unwrap();

    let (store, report) = Store::rebuild(dir.path(), options(), &mut |_, _| {}).unwrap();
    assert!(report.unfolded.is_empty(), "{report:?}");
    let events = list(store.snapshot().bucket(BUCKET).unwrap(), TimeRange::ALL);
    assert_eq!(events.len(), 103);
}
