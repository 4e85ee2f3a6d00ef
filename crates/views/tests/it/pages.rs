//! Pages in both directions, of several buckets, against the plain model: together they are the whole list, each event
//! once, also while events come in.

use crate::plain::{Command, Plain, bucket_name, command, tell};
use proptest::prelude::*;
use timberline_disk::SimDisk;
use timberline_model::Timestamp;
use timberline_views::pages::{Listed, Page, PageStart, Place};
use timberline_views::{BucketView, Rebuild, Snapshot, Store, StoreOptions, TimeRange};

fn open(disk: &SimDisk) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 64 << 10,
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

fn views(snapshot: &Snapshot) -> Vec<&BucketView> {
    snapshot.buckets().collect()
}

/// Start, end, id and bucket of each event that touches the range, newest first.
fn expected(plain: &Plain, range: TimeRange) -> Vec<(i64, i64, u64, u32)> {
    let from = range.start.map_or(i64::MIN, Timestamp::nanos);
    let to = range.end.map_or(i64::MAX, Timestamp::nanos);
    let buckets = plain.buckets.values();
    let mut all: Vec<_> = buckets
        .flat_map(|bucket| {
            let events = bucket.touching(from, to);
            events.into_iter().map(|e| (e.1, e.1 + e.2, e.0, bucket.key))
        })
        .collect();
    all.sort_by_key(|(start, end, id, key)| (std::cmp::Reverse(*start), *end, *id, *key));
    all
}

fn shown(event: &Listed) -> (i64, i64, u64, u32) {
    let Place {
        start,
        duration,
        id,
        bucket,
    } = event.place;
    (
        start.nanos(),
        start.nanos() + duration.0.nanos(),
        id.0.0,
        bucket.0.0,
    )
}

/// All pages of one direction, as one list.
fn all(
    buckets: &[&BucketView],
    range: TimeRange,
    first: PageStart,
    limit: usize,
) -> Vec<(i64, i64, u64, u32)> {
    let (mut from, mut list) = (first, Vec::new());
    loop {
        let page = Page::read(buckets, range, from, limit).expect("is read");
        assert!(page.events.len() <= limit);
        assert!(
            page.events.len() == limit || !page.more,
            "a page ends early: {page:?}"
        );
        let mut events: Vec<_> = page.events.iter().map(shown).collect();
        let older = matches!(from, PageStart::Newest | PageStart::Before(_));
        if !older {
            events.reverse();
        }
        list.extend(events);
        let last = if older {
            page.events.last()
        } else {
            page.events.first()
        };
        match last.filter(|_| page.more) {
            Some(last) if older => from = PageStart::Before(last.place),
            Some(last) => from = PageStart::After(last.place),
            None => break,
        }
    }
    if matches!(first, PageStart::Oldest | PageStart::After(_)) {
        list.reverse();
    }
    list
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn pages_are_the_whole_list_in_both_directions(
        commands in prop::collection::vec((command(), 0u8..8), 1..60),
        limit in 1usize..5,
        (from, length) in (-2i64..24, 0i64..24),
        whole in any::<bool>(),
    ) {
        let disk = SimDisk::new(0);
        let (store, mut plain) = (open(&disk), Plain::new());
        for (command, seal) in commands {
            tell(&store, &plain, &command).expect("is stored");
            plain.apply(&command);
            if seal == 0 {
                store.flush(1).expect("is flushed");
            }
        }
        let range = if whole { TimeRange::ALL } else {
            TimeRange {
                start: Some(Timestamp::from_nanos(from * 1_000_000_000)),
                end: Some(Timestamp::from_nanos((from + length) * 1_000_000_000)),
            }
        };
        let snapshot = store.snapshot();
        let expected = expected(&plain, range);
        prop_assert_eq!(&all(&views(&snapshot), range, PageStart::Newest, limit), &expected);
        prop_assert_eq!(&all(&views(&snapshot), range, PageStart::Oldest, limit), &expected);
    }
}

#[test]
fn events_that_come_in_between_pages_are_on_a_later_page_and_none_is_twice() {
    let disk = SimDisk::new(0);
    let (store, mut plain) = (open(&disk), Plain::new());
    let mut act = |command: Command| {
        tell(&store, &plain, &command).expect("is stored");
        plain.apply(&command);
    };
    let beat = |start: i64, data| Command::Heartbeat {
        bucket: 0,
        start: start * 1_000_000_000,
        duration: 0,
        pulsetime: 2_000_000_000,
        data,
    };
    act(Command::Create(0));
    act(beat(1, 1));
    act(beat(3, 2));
    let read = |from, limit| {
        let snapshot = store.snapshot();
        let view = snapshot.bucket(&bucket_name(0)).expect("is there");
        Page::read(&[view], TimeRange::ALL, from, limit).expect("is read")
    };
    let newest = read(PageStart::Newest, 1);
    let place = newest.events[0].place;
    assert_eq!((place.id.0.0, newest.more), (2, true));
    // The event of the page is extended, and another comes.
    act(beat(5, 2));
    act(beat(6, 1));
    let older = read(PageStart::Before(place), 9);
    assert_eq!(
        older.events.iter().map(|e| e.place.id.0.0).collect::<Vec<_>>(),
        [1]
    );
    let newer = read(PageStart::After(place), 9);
    assert_eq!(
        newer.events.iter().map(|e| e.place.id.0.0).collect::<Vec<_>>(),
        [3]
    );
    assert!(!newer.more);
    let none = read(PageStart::After(newer.events[0].place), 9);
    assert_eq!(none, Page::default());
}
