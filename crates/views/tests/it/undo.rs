//! Undoing what is large, and not undoing what nobody waits for any more.

use std::os::unix::fs::FileExt;

use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_model::{Bucket, Data, Duration, EventId, NewEvent, Timestamp};
use timberline_views::history::Undoing;
use timberline_views::{HistoryError, Store, StoreOptions};

const BUCKET: &str = "b";

/// A store whose log segments hold one MiB.
fn store(dir: &std::path::Path) -> Store {
    let options = StoreOptions {
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir, options).expect("opens");
    let bucket = Bucket {
        id: BUCKET.into(),
        type_: "t".into(),
        client: "c".into(),
        hostname: "h".into(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).expect("is made");
    store
}

fn put(store: &Store, id: Option<u64>, count: usize, data: &dyn Fn(usize) -> String) -> (Seq, Seq) {
    let first = store.snapshot().seq().next();
    let all: Vec<usize> = (0..count).collect();
    for part in all.chunks(4_000) {
        let texts: Vec<String> = part.iter().map(|n| data(*n)).collect();
        let events: Vec<NewEvent<'_>> = part
            .iter()
            .zip(&texts)
            .map(|(n, text)| NewEvent {
                id: id.map(|first| EventId(first + *n as u64)),
                start: Timestamp::from_nanos(*n as i64 * 1_000_000_000),
                duration: Duration::ZERO,
                data: text.as_str().into(),
            })
            .collect();
        store.insert_events(BUCKET, &events).expect("is stored");
        store.wait_for_room(BUCKET);
    }
    (first, store.snapshot().seq())
}

fn len(store: &Store) -> u64 {
    store.snapshot().bucket(BUCKET).map_or(0, |view| view.len())
}

/// A text of 1,200 letters that does not compress well.
fn noise(n: usize) -> String {
    let mut random = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut word = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        format!("{random:016x}")
    };
    format!(r#"{{"t":"{}"}}"#, (0..75).map(|_| word()).collect::<String>())
}

#[test]
fn what_does_not_fit_a_log_segment_is_undone_in_several_records() {
    let dir = tempfile::tempdir().expect("a directory");
    let store_ = store(dir.path());
    put(&store_, None, 3_000, &noise);
    let first = 1;
    let replaced = put(&store_, Some(first), 3_000, &|_| "{}".into());
    let (undone, _) = (store_.undo(replaced.0, replaced.1, Undoing::All, &Cancel::new())).expect("is undone");
    assert_eq!((undone.events_restored, len(&store_)), (3_000, 3_000));
    assert!(undone.conflicts.is_empty());
    store_.close().expect("closes");
    let (store_, report) = Store::open(dir.path(), StoreOptions::default()).expect("opens");
    assert!(report.damage.is_empty() && report.unfolded.is_empty());
    let snapshot = store_.snapshot();
    let view = snapshot.bucket(BUCKET).expect("is there");
    let event = view
        .event(EventId(first + 7))
        .expect("is read")
        .expect("is there");
    assert_eq!(event.data.as_str(), noise(7));
}

#[test]
fn an_undo_that_nobody_waits_for_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    let records = put(&store, None, 10, &|_| "{}".into());
    let seq = store.snapshot().seq();
    let cancelled = store.undo(records.0, records.1, Undoing::All, &cancelled());
    assert!(matches!(cancelled, Err(HistoryError::Cancelled)), "{cancelled:?}");
    assert_eq!((store.snapshot().seq(), len(&store)), (seq, 10));
}

/// What came long before is not read: damage there, which a reader of the whole log would stop at, does not matter.
#[test]
fn an_undo_reads_no_further_back_than_it_must() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    put(&store, None, 3_000, &noise);
    let newest = put(&store, None, 10, &|_| "{}".into());
    let log = dir.path().join("log/00000000000000000001.seg");
    // In its place: the store notices a file that is cut short while it is in use.
    let byte = std::fs::read(&log).expect("a segment")[6_000];
    let file = std::fs::File::options()
        .write(true)
        .open(&log)
        .expect("a segment");
    file.write_all_at(&[byte ^ 1], 6_000).expect("a segment");
    let (undone, _) = (store.undo(newest.0, newest.1, Undoing::All, &Cancel::new())).expect("is undone");
    assert_eq!((undone.events_removed, len(&store)), (10, 3_000));
}

fn cancelled() -> Cancel {
    let cancel = Cancel::new();
    cancel.cancel();
    cancel
}
