//! After a purge no byte of what was purged is on the disk: the raw files are searched, and whatever in them zstd can
//! decompress; also when the power goes at any moment of it.

use std::time::Duration;

use crate::plain::bucket;
use memchr::memmem;
use proptest::prelude::*;
use timberline_cancel::Cancel;
use timberline_disk::SimDisk;
use timberline_model::{EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::erasure::{Selected, Selection};
use timberline_views::history::Undoing;
use timberline_views::tools::differences;
use timberline_views::{BucketKey, HistoryError, Rebuild, Store, StoreOptions, TimeRange};

const SECRET: &str = "the-secret-of-the-crypt";
const SECOND: i64 = 1_000_000_000;

fn open(disk: &SimDisk) -> Store {
    let options = StoreOptions {
        background: false,
        manual_sync: true,
        segment_bytes: 16 << 10,
        history: Duration::ZERO,
        scratch: Some(disk.dir("scratch")),
        ..StoreOptions::default()
    };
    let (log, views) = (disk.dir("log"), disk.dir("views"));
    let (store, report) = Store::open_on(log, views, options, Rebuild::No, &mut |_, _| {}).expect("opens");
    assert!(
        report.damage.is_empty() && report.unfolded.is_empty(),
        "{report:?}"
    );
    store
}

fn data(n: i64, secret: bool) -> String {
    let title = if secret {
        format!("{SECRET} {}", n % 3)
    } else {
        format!("title {}", n % 7)
    };
    format!(r#"{{"app":"a{}","title":"{title}"}}"#, n % 5)
}

fn event(id: Option<u64>, n: i64, secret: bool) -> NewEvent<'static> {
    NewEvent {
        id: id.map(EventId),
        start: Timestamp::from_nanos(n * SECOND),
        duration: timberline_model::Duration::from_nanos(SECOND),
        data: data(n, secret).into(),
    }
}

/// The secret in every place where it can come to lie: heartbeats, inserts, events that were replaced or deleted, a
/// deleted bucket, squashed and other log segments, sealed and merged view segments, the checkpoint.
fn fill(store: &Store, rounds: i64, squash: bool) {
    for name in ["beats", "inserts", "gone"] {
        store.create_bucket(&bucket(name)).expect("is made");
    }
    for round in 0..rounds {
        let from = round * 1000;
        for n in from..from + 40 {
            let beat = Heartbeat {
                start: Timestamp::from_nanos(n * SECOND),
                duration: timberline_model::Duration::ZERO,
                data: data(n / 4, n % 16 < 4).into(),
            };
            let pulsetime = Pulsetime::from_secs_f64(5.0).expect("is one");
            store.heartbeat("beats", &beat, pulsetime).expect("is stored");
        }
        for name in ["inserts", "gone"] {
            let events: Vec<NewEvent<'_>> = (from..from + 60).map(|n| event(None, n, n % 10 == 3)).collect();
            let (ids, _) = store.insert_events(name, &events).expect("is stored");
            let id = |at: usize| ids.get(at).copied().expect("it was stored");
            store
                .insert_events(name, &[event(Some(id(3).0), from, false)])
                .expect("is replaced");
            store
                .insert_events(name, &[event(Some(id(5).0), from, true)])
                .expect("is replaced");
            store.delete_event(name, id(13)).expect("is deleted");
        }
        store.flush(1).expect("seals");
        if squash && round == rounds / 2 {
            store.checkpoint().expect("is written");
            store.sync_now().expect("is synced");
            store.maintain().expect("is squashed");
        }
    }
    store.delete_bucket("gone").expect("is deleted");
    store.compact().expect("compacts");
    store.checkpoint().expect("is written");
    store.sync_now().expect("is synced");
}

/// Everything with the secret, in these buckets; in all if none is named.
fn secrets(store: &Store, buckets: Vec<BucketKey>) -> Result<Selected, HistoryError> {
    let selection = Selection {
        buckets,
        ids: None,
        range: TimeRange::ALL,
        data: &|data| data.contains(SECRET),
    };
    store.select(&selection, 5, &Cancel::new())
}

fn purge(store: &Store) -> Result<(), HistoryError> {
    let selected = secrets(store, Vec::new())?;
    assert!(
        selected.events > 0 && selected.deleted > 0 && selected.prior_versions > 0,
        "{selected:?}"
    );
    assert_eq!(selected.samples.len(), 5);
    store.purge(selected.purges()).map(drop)
}

/// The files in which it is found, as it is or compressed.
fn found_in(disk: &SimDisk) -> Vec<String> {
    let mut found = Vec::new();
    for dir in ["log", "views", "scratch"] {
        let storage = disk.dir(dir);
        for name in storage.list().expect("is listed") {
            let bytes = storage.read_file(&name).expect("is read");
            if holds(&bytes) {
                found.push(format!("{dir}/{name}"));
            }
        }
    }
    found
}

fn holds(bytes: &[u8]) -> bool {
    let has = |bytes: &[u8]| memmem::find(bytes, SECRET.as_bytes()).is_some();
    let frame_holds = |at: usize| {
        // What follows the frame is not part of it.
        let mut plain = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(bytes.get(at..).unwrap_or_default());
        let _ = decoder.and_then(|d| std::io::Read::read_to_end(&mut d.single_frame(), &mut plain));
        has(&plain)
    };
    has(bytes) || memmem::find_iter(bytes, &[0x28, 0xb5, 0x2f, 0xfd]).any(frame_holds)
}

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|c| c.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(default),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(200))]
    #[test]
    fn nothing_is_left_whenever_the_power_goes(seed in any::<u64>(), cut in 0u64..60, rounds in 1i64..6, squash in any::<bool>()) {
        let disk = SimDisk::new(seed);
        let store = open(&disk);
        fill(&store, rounds, squash);
        prop_assert!(!found_in(&disk).is_empty(), "the search finds nothing");
        let before = store.snapshot().seq();
        disk.crash_at(disk.operations() + cut);
        let told = purge(&store);
        let disk = if disk.has_crashed() {
            drop(store);
            disk.crash(seed)
        } else {
            disk.crash_at(u64::MAX);
            prop_assert!(told.is_ok(), "{:?}", told);
            prop_assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
            drop(store);
            disk
        };
        let store = open(&disk);
        if store.snapshot().seq() > before {
            // It was ordered, so it is completed without being asked for again.
            store.maintain().expect("is completed");
        } else {
            purge(&store).expect("is erased");
        }
        prop_assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
        drop(store);
        let (store, again) = (open(&disk), SimDisk::new(1));
        let anew = {
            let mut replica = timberline_views::tools::Replica::new(again.dir("spill"));
            let mut records = store.log().expect("is there").read_from(timberline_log::Seq::FIRST).expect("is read");
            while let Some(record) = records.next() {
                replica.apply(&record.expect("is whole")).expect("folds");
            }
            replica.snapshot()
        };
        let different = differences(&store.snapshot(), &anew);
        prop_assert!(different.is_empty(), "{:?}", different);
    }
}

/// Events that are named go with everything that they were, and their deleted neighbours stay for as long as they may.
#[test]
fn events_that_are_named_go_with_all_they_ever_were() {
    let disk = SimDisk::new(7);
    let store = open(&disk);
    store.create_bucket(&bucket("b")).expect("is made");
    store.create_bucket(&bucket("other")).expect("is made");
    let insert = |name: &str, event| store.insert_events(name, &[event]).expect("is stored").0[0];
    let changed = insert("b", event(None, 1, true));
    insert("b", event(Some(changed.0), 2, false));
    store.flush(1).expect("seals");
    let present = insert("b", event(None, 3, true));
    let kept = insert("b", event(None, 4, false));
    // The same id in another bucket is another event.
    insert("other", event(Some(present.0), 5, false));
    let deleted = insert("b", event(None, 6, false));
    store.delete_event("b", deleted).expect("is deleted");
    let key = store.snapshot().bucket("b").expect("is there").key();
    store
        .order_purge_of(key, &[changed, present])
        .expect("is ordered");
    let ids = |name: &str| {
        let snapshot = store.snapshot();
        let listed = crate::plain::list(snapshot.bucket(name).expect("is there"), TimeRange::ALL);
        listed.iter().map(|event| event.0).collect::<Vec<_>>()
    };
    assert_eq!((ids("b"), ids("other")), (vec![kept.0], vec![present.0]));
    let stopped = store.complete_purges_at_leisure(&cancelled());
    assert!(
        matches!(stopped, Err(timberline_views::HistoryError::Cancelled)),
        "{stopped:?}"
    );
    assert_eq!(store.purges_pending(), 1);
    assert!(
        store
            .complete_purges_at_leisure(&Cancel::new())
            .expect("is erased")
            .is_some()
    );
    assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
    assert_eq!(store.trash(&Cancel::new()).expect("is read").len(), 1);
}

/// What is in the trash is asked for by the record that deleted it.
#[test]
fn what_a_record_deleted_is_in_the_trash_until_it_comes_back() {
    let disk = SimDisk::new(7);
    let store = open(&disk);
    store.create_bucket(&bucket("b")).expect("is made");
    store.create_bucket(&bucket("gone")).expect("is made");
    let events = [event(None, 1, false), event(None, 2, false)];
    let (ids, _) = store.insert_events("b", &events).expect("is stored");
    store.delete_event("b", ids[0]).expect("is deleted");
    let first = store.snapshot().seq();
    store.delete_event("b", ids[1]).expect("is deleted");
    let second = store.snapshot().seq();
    store.delete_bucket("gone").expect("is deleted");
    let third = store.snapshot().seq();
    let in_trash = |seq| store.is_in_trash(seq, &Cancel::new()).expect("is read");
    let listed = || {
        let trash = store.trash(&Cancel::new()).expect("is read");
        trash.iter().map(|deleted| deleted.seq).collect::<Vec<_>>()
    };
    assert_eq!(listed(), [third, second, first]);
    for seq in (0..=third.get() + 1)
        .map(timberline_log::Seq)
        .chain([timberline_log::Seq(u64::MAX)])
    {
        assert_eq!(in_trash(seq), listed().contains(&seq), "{seq}");
    }
    // It comes back, and goes again.
    store
        .insert_events("b", &[event(Some(ids[0].0), 1, false)])
        .expect("is stored");
    assert!(!in_trash(first) && in_trash(second));
    store.delete_event("b", ids[0]).expect("is deleted");
    assert!(!in_trash(first) && in_trash(store.snapshot().seq()));
    let key = store.snapshot().bucket("b").expect("is there").key();
    store.purge_bucket(key).expect("is erased");
    assert!(!in_trash(second) && in_trash(third));
}

/// Redacted data are nowhere, and the events are where they were, also in the past.
#[test]
fn redacted_data_are_nowhere_and_the_events_stay() {
    let disk = SimDisk::new(7);
    let store = open(&disk);
    fill(&store, 3, false);
    let seq = store.snapshot().seq();
    let before = store.snapshot().bucket("beats").map(|b| b.len());
    let beats = store.snapshot().bucket("beats").expect("is there").key();
    let selected = secrets(&store, vec![beats]).expect("is read");
    let new = |data: &str| Some(data.replace(SECRET, "xxx"));
    store.redact(&selected, &new).expect("is redacted");
    assert_eq!(store.snapshot().bucket("beats").map(|b| b.len()), before);
    for snapshot in [
        store.snapshot(),
        store.as_of(seq, &Cancel::new()).expect("is folded"),
    ] {
        let beats = snapshot.bucket("beats").expect("is there");
        let listed = crate::plain::list(beats, TimeRange::ALL);
        assert!(listed.iter().all(|e| !e.3.contains(SECRET)));
        assert!(listed.iter().filter(|e| e.3.contains("xxx")).count() > 5);
    }
    // The other buckets have it still; without them it is nowhere.
    for name in ["inserts", "gone"] {
        let snapshot = store.snapshot();
        let there = snapshot.bucket(name).map(|b| b.key());
        let key = there
            .or(snapshot.trashed().next().map(|t| t.view().key()))
            .expect("is there");
        store.purge_bucket(key).expect("is erased");
    }
    assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
}

/// A file that somebody put in the place of a log segment is a copy of it.
#[test]
fn files_that_were_put_in_the_place_of_segments_go_with_a_purge() {
    let disk = SimDisk::new(9);
    let store = open(&disk);
    fill(&store, 3, false);
    let aside = "00000000000000000001.seg.replaced-17";
    disk.dir("log")
        .write_file(aside, SECRET.as_bytes())
        .expect("is written");
    assert!(found_in(&disk).contains(&format!("log/{aside}")));
    purge(&store).expect("is erased");
    assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
}

/// Undo must not take for new what only seems new because its prior data was erased.
#[test]
fn undo_keeps_an_event_whose_former_data_was_erased() {
    let disk = SimDisk::new(8);
    let store = open(&disk);
    store.create_bucket(&bucket("window")).expect("is created");
    let (ids, _) = store
        .insert_events("window", &[event(None, 1, true), event(None, 2, true)])
        .expect("is inserted");
    let (_, replaced) = store
        .insert_events("window", &[event(Some(ids[0].0), 1, false)])
        .expect("is replaced");
    store.delete_event("window", ids[1]).expect("is deleted");
    let selected = secrets(&store, Vec::new()).expect("is read");
    let new = |data: &str| Some(data.replace(SECRET, "xxx"));
    store.redact(&selected, &new).expect("is redacted");
    assert!(found_in(&disk).is_empty());
    assert_eq!(store.trash(&Cancel::new()).expect("is read"), [], "it was erased");

    let result = store.undo(replaced.seq, replaced.seq, Undoing::Possible, &Cancel::new());
    let (undone, _) = result.expect("is looked at");
    assert_eq!(
        (undone.events_removed, undone.conflicts.len()),
        (0, 1),
        "{undone:?}"
    );
    let view = store.snapshot().bucket("window").expect("is there").clone();
    assert!(view.event(ids[0]).expect("is read").is_some());
}

/// Deleted things go by themselves when their time has come, and not before.
#[test]
fn deleted_things_are_erased_after_their_time() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let disk = SimDisk::new(7);
    let clock = Arc::new(AtomicI64::new(0));
    let options = StoreOptions {
        background: false,
        manual_sync: true,
        erase_after: Duration::from_secs(100),
        clock: {
            let clock = clock.clone();
            timberline_views::time_trust::Clock::of(move || {
                Timestamp::from_nanos(clock.load(Ordering::Relaxed))
            })
        },
        ..StoreOptions::default()
    };
    let (store, _) = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    )
    .expect("opens");
    store.create_bucket(&bucket("b")).expect("is made");
    let (ids, _) = store
        .insert_events("b", &[event(None, 1, true)])
        .expect("is stored");
    store
        .insert_events("b", &[event(None, 2, false)])
        .expect("is stored");
    store.delete_event("b", ids[0]).expect("is deleted");
    store.create_bucket(&bucket("gone")).expect("is made");
    store
        .insert_events("gone", &[event(None, 1, true)])
        .expect("is stored");
    store.delete_bucket("gone").expect("is deleted");
    clock.store(99 * SECOND, Ordering::Relaxed);
    store.maintain().expect("is done");
    assert_eq!(store.trash(&Cancel::new()).expect("is read").len(), 2);
    clock.store(101 * SECOND, Ordering::Relaxed);
    assert_eq!(store.maintain().expect("is done").purges, 2);
    assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
    assert_eq!(store.trash(&Cancel::new()).expect("is read").len(), 0);
    // Once is enough.
    assert_eq!(store.maintain().expect("is done").purges, 0);
}

/// What could not be ordered for want of space is ordered by the next round, without a restart.
#[test]
fn an_expiry_that_could_not_be_written_down_is_tried_again() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let disk = SimDisk::new(7);
    let clock = Arc::new(AtomicI64::new(0));
    let options = StoreOptions {
        background: false,
        manual_sync: true,
        segment_bytes: 16 << 10,
        erase_after: Duration::from_secs(100),
        clock: {
            let clock = clock.clone();
            timberline_views::time_trust::Clock::of(move || {
                Timestamp::from_nanos(clock.load(Ordering::Relaxed))
            })
        },
        ..StoreOptions::default()
    };
    let (store, _) = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    )
    .expect("opens");
    store.create_bucket(&bucket("b")).expect("is made");
    let (ids, _) = store
        .insert_events("b", &[event(None, 1, true)])
        .expect("is stored");
    store.delete_event("b", ids[0]).expect("is deleted");
    store.sync_now().expect("is synced");
    clock.store(101 * SECOND, Ordering::Relaxed);
    disk.set_capacity(0);
    // Until not even an order has room.
    while store
        .set_setting("padding", "some words that fill the segment")
        .is_ok()
    {}
    assert!(store.maintain().is_err(), "there is no room for it");
    disk.set_capacity(u64::MAX);
    assert_eq!(store.maintain().expect("is done").purges, 1);
    assert!(found_in(&disk).is_empty(), "still there: {:?}", found_in(&disk));
}

fn cancelled() -> Cancel {
    let cancel = Cancel::new();
    cancel.cancel();
    cancel
}
