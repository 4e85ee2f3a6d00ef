//! Damaged view segments are put together again from the log while the store serves: every answer is right, every damage
//! is counted, the damaged file is set aside. Flipped bits, cut and missing files, in every part of a file, plain and
//! encrypted, found at the start and while serving.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plain::{Event, columns, list};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tempfile::TempDir;
use timberline_cancel::Cancel;
use timberline_disk::{FileStorage, KeyFile};
use timberline_log::{LogReader, segment_name};
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::columns::{Occurrence, Slots};
use timberline_views::record::Record;
use timberline_views::tools::{check, damaged_view_segments};
use timberline_views::{SegmentError, Snapshot, Store, StoreOptions, TimeRange, ViewDamage};

const SECOND: i64 = 1_000_000_000;
const BUCKET: &str = "window";

fn cases() -> u32 {
    std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(6)
}

fn event(second: i64) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(second * SECOND),
        duration: Duration::from_nanos(SECOND * (1 + second % 3)),
        data: format!(r#"{{"app":"a{}","title":"t {second}"}}"#, second % 7).into(),
    }
}

/// A closed store and what it shows.
struct Fixture {
    dir: TempDir,
    options: StoreOptions,
    shown: Shown,
}

/// The events of each bucket, those in the trash included.
type Shown = BTreeMap<String, Vec<Event>>;

fn shown(snapshot: &Snapshot) -> Shown {
    let trash = snapshot.trashed().map(|t| t.view());
    let all = snapshot.buckets().chain(trash);
    all.map(|view| (view.bucket().id.clone(), list(view, TimeRange::ALL)))
        .collect()
}

/// Three buckets, one of them deleted, with several view segments each; events of them deleted, replaced and extended,
/// before and after the checkpoint.
fn filled(encrypted: bool) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let cipher = encrypted.then(|| Arc::new(KeyFile::cheap(dir.path()).create(b"passphrase").unwrap()));
    let options = StoreOptions {
        background: false,
        cipher,
        // A start looks through the unsealed segment to its end.
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options.clone()).unwrap();
    for id in [BUCKET, "afk", "gone"] {
        store.create_bucket(&crate::plain::bucket(id)).unwrap();
        for round in 0..2 {
            let events: Vec<_> = (round * 1300..round * 1300 + 1500).map(event).collect();
            let (ids, _) = store.insert_events(id, &events).unwrap();
            store.flush(1).unwrap();
            for victim in ids.iter().step_by(97) {
                store.delete_event(id, *victim).unwrap();
            }
            let replaced = NewEvent {
                id: Some(ids[5]),
                ..event(7)
            };
            store.insert_events(id, &[replaced]).unwrap();
        }
        store.flush(1).unwrap();
    }
    store.delete_bucket("gone").unwrap();
    store.checkpoint().unwrap();
    store.delete_event(BUCKET, EventId(11)).unwrap();
    store.insert_events("afk", &[event(90)]).unwrap();
    let shown = shown(&store.snapshot());
    // Not closed: the start has records to fold.
    drop(store);
    Fixture { dir, options, shown }
}

impl Fixture {
    fn open(&self) -> Store {
        Store::open(self.dir.path(), self.options.clone()).unwrap().0
    }

    /// Opened so that nothing was read of the segments yet.
    fn settled(&self) -> Store {
        self.open().checkpoint().unwrap();
        self.open()
    }

    fn views(&self) -> Vec<PathBuf> {
        files(self.dir.path(), "view")
    }

    /// What readers see is what was there, however they ask.
    fn assert_right(&self, store: &Store) {
        let snapshot = store.snapshot();
        let now = shown(&snapshot);
        for (id, events) in &self.shown {
            if now[id] == *events {
                continue;
            }
            let gone: Vec<_> = events.iter().filter(|e| !now[id].contains(e)).take(3).collect();
            let new: Vec<_> = now[id].iter().filter(|e| !events.contains(e)).take(3).collect();
            panic!(
                "{id}: {} of {} gone {gone:?}, new {new:?} {:?}",
                now[id].len(),
                events.len(),
                store.view_damage()
            );
        }
        for view in snapshot.buckets() {
            let events = &self.shown[&view.bucket().id];
            assert_eq!(view.len(), events.len() as u64);
            assert!(columns(view, TimeRange::ALL) == *events, "as columns");
            let range = TimeRange {
                start: Some(Timestamp::from_nanos(500 * SECOND)),
                end: Some(Timestamp::from_nanos(900 * SECOND)),
            };
            let within = |e: &&Event| e.1 + e.2 >= 500 * SECOND && e.1 <= 900 * SECOND;
            let expected = events.iter().filter(within).count() as u64;
            assert_eq!(view.count(range).unwrap(), expected);
            for one in events.iter().step_by(211) {
                let found = view.event(EventId(one.0)).unwrap().unwrap();
                assert_eq!(
                    (found.start.nanos(), found.data.as_str()),
                    (one.1, one.3.as_str())
                );
            }
        }
        assert_eq!(check(&snapshot), Vec::<String>::new());
        // Not all readers read all of a file, and nobody has read those of the trash whole.
        let damaged = damaged_view_segments(&snapshot, &mut &Cancel::new()).unwrap();
        assert_eq!(damaged, Vec::<String>::new());
    }

    /// After the compactor came by, a new file is in the place of the damaged one, for good.
    fn assert_replaced(&self, store: Store, damaged: &Path) {
        store.compact().unwrap();
        self.assert_right(&store);
        store.close().unwrap();
        assert!(!damaged.exists());
        let store = self.open();
        self.assert_right(&store);
        assert_eq!(store.view_damage(), ViewDamage::default());
    }
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let views = fs::read_dir(dir.join("views")).unwrap();
    let mut files: Vec<_> = views
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip(usize),
    Zero(usize),
    Cut(usize),
    Remove,
}

/// In place: the file may be mapped.
fn harm(path: &Path, harm: Harm) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    match harm {
        Harm::Flip(at) => {
            bytes[at] ^= 4;
            file.write_all_at(&bytes[at..=at], at as u64).unwrap();
        }
        Harm::Zero(at) => {
            let end = (at + 700).min(bytes.len());
            bytes[at] |= 1;
            let zeroes = vec![bytes[at] ^ 0xff; end - at];
            file.write_all_at(&zeroes, at as u64).unwrap();
        }
        Harm::Cut(length) => file.set_len(length as u64).unwrap(),
        Harm::Remove => fs::remove_file(path).unwrap(),
    }
}

/// The number at a place of a plain segment.
fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Where the parts of a plain segment begin: header, first block, last block, index, totals,
/// dictionary, its end.
fn parts(path: &Path) -> Vec<usize> {
    let bytes = fs::read(path).unwrap();
    let (index, dictionary, totals) = (word(&bytes, 80), word(&bytes, 88), word(&bytes, 104));
    vec![
        0,
        60,
        128,
        index - 1,
        index,
        totals - 1,
        totals,
        dictionary - 1,
        dictionary,
        (dictionary + 200).min(bytes.len() - 1),
        bytes.len() - 1,
    ]
}

#[test]
fn a_flipped_bit_in_any_part_is_healed_at_the_start_and_while_serving() {
    let fixture = filled(false);
    let originals: Vec<_> = fixture
        .views()
        .iter()
        .map(|p| (p.clone(), fs::read(p).unwrap()))
        .collect();
    let checkpoint = fixture.dir.path().join("views/checkpoint");
    let saved = fs::read(&checkpoint).unwrap();
    for (file, _) in originals.iter().step_by(4) {
        for at in parts(file) {
            for serving in [false, true] {
                // A header that was read is not read again.
                if serving && at < 128 {
                    continue;
                }
                let before = serving.then(|| fixture.settled());
                harm(file, Harm::Flip(at));
                let store = before.unwrap_or_else(|| fixture.open());
                fixture.assert_right(&store);
                let damage = store.view_damage();
                assert_eq!(
                    (damage.found, damage.healed, damage.failed),
                    (1, 1, 0),
                    "byte {at}"
                );
                fixture.assert_replaced(store, file);
                assert!(file.with_extension("view.damaged").exists());
                for path in files(fixture.dir.path(), "view") {
                    fs::remove_file(path).unwrap();
                }
                originals
                    .iter()
                    .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
                fs::write(&checkpoint, &saved).unwrap();
            }
        }
    }
}

/// What each text adds up to, as a search finds it: from totals, if there are any.
fn added_up(store: &Store, id: &str) -> (BTreeMap<String, (i64, u64)>, bool) {
    let snapshot = store.snapshot();
    let mut sums: BTreeMap<String, (i64, u64)> = BTreeMap::new();
    let mut from_totals = true;
    let view = snapshot.bucket(id).unwrap();
    for source in view.data_sources(TimeRange::ALL).unwrap() {
        let dictionary = source.dictionary();
        let text = |object: u32| {
            let mut text = Vec::new();
            dictionary.write_text(object, &mut text);
            String::from_utf8(text).unwrap()
        };
        let all: Vec<u32> = (0..dictionary.objects() as u32).collect();
        if let Some(totals) = source.totals(TimeRange::ALL).unwrap() {
            for object in all {
                let totals = totals.get(object).unwrap();
                let sum = sums.entry(text(object)).or_default();
                *sum = (sum.0 + totals.time, sum.1 + totals.events);
            }
            continue;
        }
        from_totals = false;
        let slots = Slots::of_numbers(all.len(), &all);
        let add = |found: &[Occurrence]| {
            for one in found {
                let sum = sums.entry(text(one.slot)).or_default();
                *sum = (sum.0 + one.end - one.start, sum.1 + 1);
            }
            Ok::<_, SegmentError>(())
        };
        source.occurrences(TimeRange::ALL, &slots, add).unwrap();
        assert!(source.holds().unwrap());
    }
    (sums, from_totals)
}

#[test]
fn damaged_totals_are_found_by_who_reads_them_and_what_they_say_is_added_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        background: false,
        ..StoreOptions::default()
    };
    let open = || Store::open(dir.path(), options.clone()).unwrap().0;
    let store = open();
    store.create_bucket(&crate::plain::bucket(BUCKET)).unwrap();
    let events: Vec<_> = (0..1500).map(|second| event(second / 3)).collect();
    store.insert_events(BUCKET, &events).unwrap();
    store.flush(1).unwrap();
    store.checkpoint().unwrap();
    let (expected, from_totals) = added_up(&store, BUCKET);
    assert!(from_totals && expected.len() == 500);
    assert_eq!(expected.values().map(|sum| sum.1).sum::<u64>(), 1500);
    let listed = list(store.snapshot().bucket(BUCKET).unwrap(), TimeRange::ALL);
    let time = listed.iter().map(|event| event.2).sum::<i64>();
    assert_eq!(expected.values().map(|sum| sum.0).sum::<i64>(), time);
    drop(store);

    let [file] = files(dir.path(), "view").try_into().unwrap();
    let bytes = fs::read(&file).unwrap();
    harm(&file, Harm::Flip(word(&bytes, 88) - 9));
    let store = open();
    assert_eq!(added_up(&store, BUCKET), (expected, false));
    let damage = store.view_damage();
    assert_eq!((damage.found, damage.healed, damage.failed), (1, 1, 0));
}

#[test]
#[cfg_attr(
    feature = "portable",
    ignore = "the standard library cannot catch SIGBUS: such a file ends the process there"
)]
fn a_file_that_is_cut_short_under_its_mapping_does_not_end_the_process() {
    for encrypted in [false, true] {
        for read_before in [false, true] {
            let fixture = filled(encrypted);
            let file = fixture.views().pop().unwrap();
            let length = fs::metadata(&file).unwrap().len() as usize;
            for cut in [length - 10, 0] {
                let store = fixture.open();
                if read_before {
                    fixture.assert_right(&store);
                }
                for view in fixture.views() {
                    let length = fs::metadata(&view).unwrap().len() as usize;
                    harm(&view, Harm::Cut(cut.min(length - 1)));
                }
                fixture.assert_right(&store);
                store.compact().unwrap();
                fixture.assert_right(&store);
                store.close().unwrap();
            }
            let store = fixture.open();
            fixture.assert_right(&store);
            assert_eq!(store.view_damage(), ViewDamage::default());
        }
    }
}

#[test]
fn several_damaged_segments_of_a_bucket_are_healed_under_concurrent_reads() {
    for encrypted in [false, true] {
        let fixture = filled(encrypted);
        let store = fixture.settled();
        let views = fixture.views();
        let of_bucket: Vec<_> = views
            .iter()
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("00000-"))
            })
            .collect();
        assert!(of_bucket.len() > 1, "{views:?}");
        for file in &of_bucket {
            let length = fs::metadata(file).unwrap().len() as usize;
            for part in 1..4 {
                harm(file, Harm::Flip(128 + (length - 256) / 4 * part));
            }
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| fixture.assert_right(&store));
            }
            // The compactor puts new files in their place meanwhile.
            scope.spawn(|| {
                for _ in 0..20 {
                    store.compact().unwrap();
                    std::thread::yield_now();
                }
            });
        });
        let damage = store.view_damage();
        let count = of_bucket.len() as u64;
        assert_eq!((damage.found, damage.healed, damage.failed), (count, count, 0));
        store.compact().unwrap();
        fixture.assert_right(&store);
        store.close().unwrap();
        let store = fixture.open();
        fixture.assert_right(&store);
        assert_eq!(store.view_damage(), ViewDamage::default());
    }
}

#[test]
fn a_reader_in_the_middle_of_a_segment_goes_on_as_if_nothing_were() {
    let fixture = filled(false);
    let store = fixture.settled();
    let snapshot = store.snapshot();
    let view = snapshot.bucket(BUCKET).unwrap();
    let mut events = view.events(TimeRange::ALL).unwrap();
    let mut seen = Vec::new();
    for n in 0.. {
        let Some(event) = events.next() else { break };
        let event = event.unwrap();
        let mut data = Vec::new();
        event.write_data(&mut data);
        seen.push((
            event.id().0,
            event.start().nanos(),
            event.duration().nanos(),
            String::from_utf8(data).unwrap(),
        ));
        if n == 3 {
            // The first blocks of each segment are read last.
            harm(&fixture.views()[0], Harm::Flip(128));
        }
    }
    assert!(seen == fixture.shown[BUCKET], "the whole list");
    assert!(store.view_damage().healed > 0);
}

#[test]
fn writes_that_read_a_damaged_segment_are_decided_right() {
    let fixture = filled(false);
    for file in fixture.views() {
        let at = *parts(&file).get(6).unwrap();
        harm(&file, Harm::Flip(at));
    }
    let store = fixture.open();
    let newest = fixture.shown[BUCKET][0].clone();
    let beat = Heartbeat {
        start: Timestamp::from_nanos(newest.1 + newest.2 + SECOND),
        duration: Duration::ZERO,
        data: newest.3.as_str().into(),
    };
    let answer = store
        .heartbeat(BUCKET, &beat, Pulsetime::from_nanos(60 * SECOND))
        .unwrap();
    assert_eq!(
        answer.id,
        EventId(newest.0),
        "it extends the newest event, which lies in the segment"
    );
    let old = fixture.shown[BUCKET][400].0;
    let put = NewEvent {
        id: Some(EventId(old)),
        ..event(5)
    };
    store.insert_events(BUCKET, &[put]).unwrap();
    assert!(
        store
            .delete_event(BUCKET, EventId(fixture.shown[BUCKET][500].0))
            .unwrap()
            .0
    );
    let expected = fixture.shown[BUCKET].len() - 1;
    assert_eq!(
        list(store.snapshot().bucket(BUCKET).unwrap(), TimeRange::ALL).len(),
        expected
    );
    assert_eq!(check(&store.snapshot()), Vec::<String>::new());
    store.compact().unwrap();
    assert_eq!(check(&store.snapshot()), Vec::<String>::new());
    store.close().unwrap();
    let store = fixture.open();
    assert_eq!(
        list(store.snapshot().bucket(BUCKET).unwrap(), TimeRange::ALL).len(),
        expected
    );
}

/// Flips a bit in the first record of the log that is an insert.
fn lose_first_insert(dir: &Path) {
    let storage = Arc::new(FileStorage::open(dir.join("log")).unwrap());
    let reader = LogReader::open(storage).unwrap();
    let mut records = reader.read_from(timberline_views::Seq::FIRST).unwrap();
    let position = loop {
        let record = records.next().unwrap().unwrap();
        if matches!(
            Record::decode(record.kind, record.payload),
            Ok(Record::EventsInserted(_))
        ) {
            break record.position;
        }
    };
    let segment = dir.join("log").join(segment_name(position.segment));
    harm(&segment, Harm::Flip(position.offset as usize + 40));
}

#[test]
fn an_event_that_is_lost_does_not_keep_its_neighbours_from_being_changed() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        background: false,
        ..StoreOptions::default()
    };
    let open = || Store::open(dir.path(), options.clone()).unwrap().0;
    let store = open();
    store.create_bucket(&crate::plain::bucket(BUCKET)).unwrap();
    let insert = |from: i64| {
        let events: Vec<_> = (from..from + 300).map(event).collect();
        store.insert_events(BUCKET, &events).unwrap().0
    };
    let (lost, there) = (insert(0), insert(300));
    store.flush(1).unwrap();
    store.checkpoint().unwrap();
    store.close().unwrap();
    lose_first_insert(dir.path());
    harm(&files(dir.path(), "view")[0], Harm::Flip(128));

    let store = open();
    assert!(store.delete_event(BUCKET, there[7]).unwrap().0);
    let put = |id: EventId, second: i64| NewEvent {
        id: Some(id),
        ..event(second)
    };
    store
        .insert_events(BUCKET, &[put(there[8], 1), put(lost[8], 2)])
        .unwrap();
    assert!(!store.delete_event(BUCKET, lost[9]).unwrap().0);
    assert_eq!(store.view_damage().events_lost, 300);
    let check_shown = |store: &Store| {
        let snapshot = store.snapshot();
        assert_eq!(check(&snapshot), Vec::<String>::new());
        let events = list(snapshot.bucket(BUCKET).unwrap(), TimeRange::ALL);
        assert_eq!(events.len(), 300);
        let at = |id: EventId| events.iter().find(|e| e.0 == id.0).map(|e| e.1 / SECOND);
        assert_eq!(
            (at(there[6]), at(there[7]), at(there[8]), at(lost[8]), at(lost[9])),
            (Some(306), None, Some(1), Some(2), None)
        );
    };
    store.compact().unwrap();
    check_shown(&store);
    store.close().unwrap();
    check_shown(&open());
}

/// A look at the past begins with the checkpoint. Another may take its place while it is read, and the files that it
/// names go: that is no damage.
#[test]
fn a_checkpoint_that_is_replaced_while_the_past_is_read_is_no_damage() {
    let fixture = filled(false);
    let store = fixture.open();
    let names = ["views/checkpoint", "views/checkpoint.copy"].map(|name| fixture.dir.path().join(name));
    let before = names.each_ref().map(|name| fs::read(name).unwrap());
    // Rewrites the segments in which something is hidden, and removes the old ones.
    let first = fixture.shown[BUCKET].last().unwrap().0;
    let window = store.snapshot().bucket(BUCKET).unwrap().key();
    let purge = timberline_views::record::PurgeBegun {
        bucket: window,
        whole: false,
        events: vec![timberline_views::record::PurgedEvents {
            through: timberline_views::record::Through::Now,
            ids: vec![EventId(first)],
        }],
        redact: false,
    };
    store.purge(&[purge]).unwrap();
    for (name, bytes) in names.iter().zip(&before) {
        fs::write(name, bytes).unwrap();
    }
    let seq = store.snapshot().seq();
    let past = store.as_of(seq, &Cancel::new()).unwrap();
    let expected = fixture.shown[BUCKET].len() - 1;
    assert_eq!(list(past.bucket(BUCKET).unwrap(), TimeRange::ALL).len(), expected);
    assert_eq!(store.view_damage(), ViewDamage::default());
}

#[test]
fn a_purge_takes_the_files_that_were_set_aside_along() {
    let fixture = filled(false);
    for file in fixture.views() {
        harm(&file, Harm::Flip(200));
    }
    let store = fixture.open();
    fixture.assert_right(&store);
    store.compact().unwrap();
    let aside = files(fixture.dir.path(), "damaged").len();
    assert!(aside > 0);
    let key = store.snapshot().bucket(BUCKET).unwrap().key();
    let purge = timberline_views::record::PurgeBegun {
        bucket: key,
        whole: true,
        events: Vec::new(),
        redact: false,
    };
    store.purge(&[purge]).unwrap();
    let of_bucket = format!("{:05}-", key.0);
    let left = files(fixture.dir.path(), "damaged");
    assert!(!left.is_empty(), "those of other buckets stay");
    assert!(
        left.iter()
            .all(|f| !f.file_name().unwrap().to_str().unwrap().starts_with(&of_bucket))
    );
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_to_view_files_every_answer_is_right_and_the_damage_counted(
        encrypted in any::<bool>(),
        serving in any::<bool>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..4), 1..4),
    ) {
        let fixture = filled(encrypted);
        let before = serving.then(|| fixture.settled());
        let mut harmed = std::collections::BTreeSet::new();
        for (which, at, what) in hits {
            let views = fixture.views();
            let path = which.get(&views).clone();
            let length = fs::metadata(&path).unwrap().len() as usize;
            if length == 0 || harmed.contains(&path) {
                continue;
            }
            // While serving, headers have been read, and a file without a name is there all the same.
            let least = if serving { 128.min(length - 1) } else { 0 };
            let at = least + at.index(length - least);
            harm(&path, match what {
                0 => Harm::Flip(at),
                1 => Harm::Zero(at),
                // Cut short under its mapping, a file ends the process where SIGBUS cannot be caught.
                2 if !(serving && cfg!(feature = "portable")) => Harm::Cut(at),
                _ if serving => Harm::Flip(at),
                _ => Harm::Remove,
            });
            harmed.insert(path);
        }
        let store = before.unwrap_or_else(|| fixture.open());
        fixture.assert_right(&store);
        let damage = store.view_damage();
        prop_assert_eq!(damage.found, harmed.len() as u64);
        prop_assert_eq!((damage.failed, damage.events_lost), (0, 0));
        fixture.assert_replaced(store, harmed.first().unwrap());
    }
}
