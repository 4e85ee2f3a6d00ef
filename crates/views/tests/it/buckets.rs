//! Merging buckets: large ones in several writes, ids that both have, heartbeats that come meanwhile. What random commands
//! do to names is in `model.rs` and `history.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::SimDisk;
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::history::Undoing;
use timberline_views::{BucketListing, MergedPart, Rebuild, Store, StoreOptions, TimeRange, WriteError};

use crate::plain::{Event, bucket, list};

const SECOND: i64 = 1_000_000_000;

fn open(disk: &SimDisk) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let opened = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    );
    opened.expect("opens").0
}

fn store(disk: &SimDisk) -> Store {
    let store = open(disk);
    for id in ["a", "b"] {
        store.create_bucket(&bucket(id)).expect("is made");
    }
    store
}

fn event(id: Option<u64>, second: i64, text: &str) -> NewEvent<'static> {
    NewEvent {
        id: id.map(EventId),
        start: Timestamp::from_nanos(second * SECOND),
        duration: Duration::ZERO,
        data: text.to_owned().into(),
    }
}

fn events(store: &Store, id: &str) -> Vec<Event> {
    let snapshot = store.snapshot();
    list(snapshot.bucket(id).expect("is there"), TimeRange::ALL)
}

fn merge_all(store: &Store) -> Vec<MergedPart> {
    let snapshot = store.snapshot();
    let key = |id: &str| snapshot.bucket(id).expect("is there").key();
    let (from, into) = (key("a"), key("b"));
    let mut parts = Vec::new();
    loop {
        let part = store.merge_part(from, into).expect("is moved");
        parts.push(part);
        let snapshot = store.snapshot();
        let left = snapshot.bucket_of(from).map_or(0, |view| view.len());
        let there = snapshot.bucket_of(into).expect("is there").len();
        assert_eq!(left + there, 3_001, "each event is in one of the buckets");
        if part.finished {
            return parts;
        }
    }
}

/// Text that does not compress.
fn noise(seed: usize) -> String {
    let mut random = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut word = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        format!("{random:016x}")
    };
    format!(r#"{{"t":"{}"}}"#, (0..75).map(|_| word()).collect::<String>())
}

/// Three log segments of a MiB do not hold the events: they move part by part, also if the process ends in between.
#[test]
fn what_does_not_fit_a_log_segment_moves_part_by_part() {
    let disk = SimDisk::new(1);
    let store_ = store(&disk);
    let texts: Vec<String> = (0..3_000).map(noise).collect();
    for part in texts.chunks(500) {
        let new: Vec<NewEvent<'_>> = part
            .iter()
            .enumerate()
            .map(|(n, text)| event(None, n as i64, text))
            .collect();
        store_.insert_events("a", &new).expect("is stored");
    }
    store_
        .insert_events("b", &[event(None, 5, "{}")])
        .expect("is stored");
    let (a, b) = (events(&store_, "a"), events(&store_, "b"));
    let key = |id: &str| store_.snapshot().bucket(id).expect("is there").key();
    let first = store_.merge_part(key("a"), key("b")).expect("is moved");
    assert!(!first.finished && first.events > 0);
    drop(store_);
    let store = open(&disk);
    let mut parts = vec![first];
    parts.extend(merge_all(&store));
    assert!(parts.len() > 2, "{parts:?}");
    assert_eq!(parts.iter().map(|part| part.events).sum::<u64>(), 3_000);
    let mut both = [a.clone(), b.clone()].concat();
    both.sort_by_key(|event| (std::cmp::Reverse(event.1), event.0));
    assert_eq!(events(&store, "a"), both, "under the old id, too");
    for part in parts.iter().rev() {
        let undone = store.undo(part.first, part.receipt.seq, Undoing::All, &Cancel::new());
        let (undone, _) = undone.expect("is undone");
        assert!(undone.conflicts.is_empty(), "{undone:?}");
    }
    assert_eq!((events(&store, "a"), events(&store, "b")), (a, b));
}

#[test]
fn an_id_that_both_have_stays_with_the_one_that_was_there() {
    let disk = SimDisk::new(2);
    let store = store(&disk);
    let put = |id: &str, number, text: &str| {
        let stored = store.insert_events(id, &[event(Some(number), number as i64, text)]);
        stored.expect("is stored");
    };
    put("a", 7, r#"{"of":"a"}"#);
    put("b", 7, r#"{"of":"b"}"#);
    put("a", 8, r#"{"of":"a"}"#);
    let key = |id: &str| store.snapshot().bucket(id).expect("is there").key();
    let part = store.merge_part(key("a"), key("b")).expect("is moved");
    assert!(part.finished);
    let found: BTreeSet<(u64, String)> = events(&store, "b").into_iter().map(|e| (e.0, e.3)).collect();
    let expected = [(7, "b"), (8, "a"), (9, "a")];
    let expected = expected.map(|(id, of)| (id, format!(r#"{{"of":"{of}"}}"#)));
    assert_eq!(found, expected.into());
}

/// A watcher never pauses: what it sends while the merge is prepared is in the target afterwards, whichever came first.
#[test]
fn heartbeats_that_come_meanwhile_are_not_lost() {
    let disk = SimDisk::new(3);
    let store = Arc::new(store(&disk));
    let beat = |store: &Store, second: i64| {
        let beat = Heartbeat {
            start: Timestamp::from_nanos(second * SECOND),
            duration: Duration::ZERO,
            data: "{}".into(),
        };
        store
            .heartbeat("a", &beat, Pulsetime::from_nanos(0))
            .expect("is stored");
    };
    beat(&store, 0);
    let (hook, mut second) = (Arc::downgrade(&store), 0);
    store.interleave(Some(Box::new(move || {
        let Some(store) = hook.upgrade() else { return };
        second += 1;
        beat(&store, second);
    })));
    let key = |id: &str| store.snapshot().bucket(id).expect("is there").key();
    let (from, into) = (key("a"), key("b"));
    assert!(store.merge_part(from, into).expect("is moved").finished);
    store.interleave(None);
    let sent = events(&store, "b").len();
    assert!(sent > 2, "it was prepared more than once");
    beat(&store, 1_000);
    assert_eq!(events(&store, "b").len(), sent + 1, "the old id goes on");
}

#[test]
fn a_name_is_given_once() {
    let disk = SimDisk::new(4);
    let store = store(&disk);
    let rename = |bucket: &str, id: &str| {
        let listing = BucketListing {
            id: Some(id.to_owned()),
            ..BucketListing::default()
        };
        store.list_bucket(bucket, &listing)
    };
    assert!(rename("a", "c").expect("is renamed").is_some());
    for (bucket, taken) in [("c", "b"), ("b", "a"), ("b", "c")] {
        let refused = rename(bucket, taken);
        assert!(matches!(refused, Err(WriteError::NameTaken(_))), "{taken}");
    }
    assert!(rename("a", "c").expect("is so already").is_none());
    assert!(rename("c", "a").expect("is renamed back").is_some());
    let (created, _) = store.create_bucket(&bucket("c")).expect("is answered");
    assert!(!created, "it is an alias");
    store.delete_bucket("a").expect("is deleted");
    let (created, _) = store.create_bucket(&bucket("c")).expect("is made");
    assert!(created, "the alias went with its bucket");
    let deleted = store.snapshot().trashed().next().expect("is there").deleted();
    let (undone, _) = store
        .undo(deleted, deleted, Undoing::All, &Cancel::new())
        .expect("is undone");
    assert!(undone.conflicts.is_empty());
    let snapshot = store.snapshot();
    assert_eq!(
        snapshot.bucket("a").expect("is back").aliases().count(),
        0,
        "the alias is another's"
    );
}
