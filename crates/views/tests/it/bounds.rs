//! What clients bring at the bounds: much at once, more than a segment holds, ids from far away.

#![allow(clippy::unwrap_used)]

use timberline_model::{Bucket, Data, Duration, EventId, NewEvent, Timestamp};
use timberline_views::{Store, StoreOptions, TimeRange, WriteError};

const SEGMENT: u64 = 1 << 20;

fn store(dir: &tempfile::TempDir) -> Store {
    let options = StoreOptions {
        segment_bytes: SEGMENT,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options).unwrap();
    let bucket = Bucket {
        id: "b".into(),
        type_: "t".into(),
        client: "c".into(),
        hostname: "h".into(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).unwrap();
    store
}

/// An event with so many bytes of data that repeat nothing.
fn event(id: Option<u64>, start: i64, bytes: usize) -> NewEvent<'static> {
    let mut state = start.unsigned_abs() | 1;
    let mut text = String::from(r#"{"x":""#);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // 64 of the printable characters, none of them special in JSON.
        let letter = b'#' + u8::try_from(state & 63).unwrap();
        text.push(if letter == b'\\' { 'z' } else { char::from(letter) });
    }
    text.push_str(r#""}"#);
    NewEvent {
        id: id.map(EventId),
        start: Timestamp::from_nanos(start),
        duration: Duration::ZERO,
        data: text.into(),
    }
}

fn count(store: &Store) -> u64 {
    let snapshot = store.snapshot();
    snapshot.bucket("b").unwrap().count(TimeRange::ALL).unwrap()
}

#[test]
fn many_events_that_together_are_larger_than_a_segment_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let fresh: Vec<_> = (1..4000).map(|i| event(None, i, 600)).collect();
    let (ids, _) = store.insert_events("b", &fresh).unwrap();
    assert_eq!(count(&store), 3999);
    let again: Vec<_> = ids
        .iter()
        .zip(5000..)
        .map(|(id, start)| event(Some(id.0), start, 600))
        .collect();
    store.insert_events("b", &again).unwrap();
    assert_eq!(count(&store), 3999);
    let snapshot = store.snapshot();
    for (event, id) in again.iter().zip(&ids).step_by(97) {
        let stored = snapshot.bucket("b").unwrap().event(*id).unwrap().unwrap();
        assert_eq!(
            (stored.start, stored.data.as_str()),
            (event.start, event.data.as_ref())
        );
    }
    store.close().unwrap();
}

#[test]
fn of_a_request_with_an_event_that_fits_no_segment_nothing_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mut events: Vec<_> = (1..4000).map(|i| event(None, i, 600)).collect();
    events.push(event(None, 9000, 2 << 20));
    let error = store.insert_events("b", &events).unwrap_err();
    assert!(matches!(error, WriteError::TooLarge(_)), "{error}");
    assert_eq!(count(&store), 0);
    store.close().unwrap();
}

#[test]
fn an_event_is_replaced_by_its_id_however_large_that_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let far = 1 << 52;
    let ids = |events: &[NewEvent<'_>]| -> Vec<u64> {
        let (ids, _) = store.insert_events("b", events).unwrap();
        ids.into_iter().map(|id| id.0).collect()
    };
    assert_eq!(
        ids(&[event(Some(far), 1, 10), event(None, 2, 10)]),
        [far, far + 1]
    );
    assert_eq!(ids(&[event(Some(far + 1), 3, 10)]), [far + 1]);
    assert_eq!(count(&store), 2);
    // One that nobody gave out is not taken.
    assert_eq!(ids(&[event(Some(far + 1000), 4, 10)]), [far + 2]);
    store.close().unwrap();
}
