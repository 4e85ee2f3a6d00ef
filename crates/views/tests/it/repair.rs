//! A damaged log, repaired: whatever was hit, everything else is in the new log, and nothing is wrong with that.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::Config;
use timberline_disk::{FileStorage, Storage};
use timberline_log::{DeviceId, LogReader};
use timberline_model::{Bucket, Data, Duration, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::record::{LossCause, Record};
use timberline_views::tools::{RepairReport, Replica, check, differences, last_checkpoint, read_log, repair};
use timberline_views::{Seq, Snapshot, Store, StoreOptions};

fn cases() -> u32 {
    std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(40)
}

const SECOND: i64 = 1_000_000_000;
const SEGMENT: u64 = 16 << 10;

/// A store with two buckets and several segments.
fn fill(dir: &Path, writes: &[(u8, u8)]) {
    let options = StoreOptions {
        segment_bytes: SEGMENT,
        background: false,
        device: DeviceId([7; 16]),
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir, options).unwrap();
    for id in ["a", "b"] {
        store.create_bucket(&bucket(id)).unwrap();
    }
    for (n, (what, size)) in (0i64..).zip(writes) {
        let id = if what % 2 == 0 { "a" } else { "b" };
        let start = Timestamp::from_nanos(n * SECOND);
        let data = format!(r#"{{"t":"{}"}}"#, "x".repeat(usize::from(*size)));
        if what % 5 == 0 {
            let event = NewEvent {
                id: None,
                start,
                duration: Duration::ZERO,
                data: data.into(),
            };
            store.insert_events(id, &[event]).unwrap();
        } else {
            let beat = Heartbeat {
                start,
                duration: Duration::ZERO,
                data: format!(r#"{{"n":{}}}"#, what % 3).into(),
            };
            store
                .heartbeat(id, &beat, Pulsetime::from_secs_f64(9.0).unwrap())
                .unwrap();
        }
    }
    store.close().unwrap();
}

fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.into(),
        type_: "t".into(),
        client: "c".into(),
        hostname: "h".into(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    }
}

type Rows = BTreeMap<Seq, (PathBuf, u64, u64, Vec<u8>)>;

/// Every record with its file, where it lies there, and its bytes; and what is damaged.
fn rows(reader: &LogReader) -> (Rows, Vec<String>) {
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    let (mut rows, mut damage) = (Rows::new(), Vec::new());
    while let Some(record) = records.next() {
        match record {
            Ok(r) => {
                let file = timberline_log::segment_name(r.position.segment).into();
                let bytes = [&[r.kind], &r.time.to_le_bytes()[..], r.payload].concat();
                rows.insert(r.seq, (file, r.position.offset, r.size(), bytes));
            }
            Err(found) => damage.push(found.to_string()),
        }
    }
    (rows, damage)
}

/// Folds what can be folded.
fn fold(reader: &LogReader, spill: &Path) -> (Snapshot, u64) {
    let mut replica = Replica::new(Arc::new(FileStorage::open(spill).unwrap()));
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    let mut unfolded = 0;
    while let Some(record) = records.next() {
        let folded = record.ok().map(|record| replica.apply(&record));
        unfolded += u64::from(!matches!(folded, Some(Ok(()))));
    }
    (replica.snapshot(), unfolded)
}

fn repaired(dir: &Path, new: &Path) -> RepairReport {
    repaired_with(dir, new, None)
}

fn repaired_with(dir: &Path, new: &Path, known: Option<&Snapshot>) -> RepairReport {
    let storage = |name| -> Arc<dyn Storage> { Arc::new(FileStorage::open(new.join(name)).unwrap()) };
    let reader = read_log(dir, None).unwrap();
    let options = (DeviceId([7; 16]), SEGMENT);
    repair(
        &reader,
        storage("log"),
        options,
        storage("spill"),
        known,
        &mut |_| {},
    )
    .unwrap()
}

/// What was whole before and is not reported as lost must be there, byte for byte, and nothing else.
fn assert_right(before: &Rows, dir: &Path, new: &Path, report: &RepairReport, hit: &BTreeSet<Seq>) {
    let reader = read_log(new, None).unwrap();
    let (after, damage) = rows(&reader);
    assert_eq!(damage, Vec::<String>::new());
    assert_eq!(after.len(), before.len(), "numbers stay dense");
    let mut lost = BTreeMap::new();
    for shortfall in &report.lost {
        let range = shortfall
            .lost
            .iter()
            .flat_map(|range| range.start().get()..=range.end().get());
        lost.extend(range.map(|seq| (Seq(seq), shortfall.unfoldable)));
    }
    for (seq, (_, _, _, bytes)) in before {
        let found = &after[seq].3;
        match lost.get(seq) {
            None => assert_eq!(found, bytes, "record {seq}"),
            Some(unfoldable) => {
                let Ok(Record::Lost(record)) = Record::decode(found[0], &found[9..]) else {
                    panic!("record {seq} is no longer and has something in its place");
                };
                assert_eq!(record.cause == LossCause::Unfoldable, *unfoldable, "record {seq}");
                assert!(*unfoldable || hit.contains(seq), "record {seq} was untouched");
            }
        }
    }
    assert!(hit.iter().all(|seq| lost.contains_key(seq)), "{hit:?} {report:?}");
    let (left, _) = fold(&read_log(dir, None).unwrap(), &new.join("spill"));
    let (whole, unfolded) = fold(&reader, &new.join("spill"));
    assert_eq!(unfolded, 0);
    assert_eq!(differences(&left, &whole), Vec::<String>::new());
    assert_eq!(check(&whole), Vec::<String>::new());
}

#[test]
fn a_whole_log_is_taken_over_byte_for_byte() {
    let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(dir.path(), &[(0, 200); 300]);
    let report = repaired(dir.path(), new.path());
    assert_eq!((report.rewritten, report.lost.len()), (0, 0), "{report:?}");
    for entry in fs::read_dir(dir.path().join("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            let copy = fs::read(new.path().join("log").join(path.file_name().unwrap())).unwrap();
            // But for the mark of the last one, which says when it was made.
            assert_eq!(copy[4096..], fs::read(&path).unwrap()[4096..]);
        }
    }
}

#[test]
fn a_missing_segment_leaves_its_numbers_and_what_does_not_need_it() {
    let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(dir.path(), &[(5, 200); 300]);
    let reader = read_log(dir.path(), None).unwrap();
    let (before, _) = rows(&reader);
    let second = reader.segments().unwrap()[1].clone();
    fs::remove_file(reader.path().join(&second.file)).unwrap();
    let hit: BTreeSet<Seq> = (second.first.get()..=second.last.unwrap().get())
        .map(Seq)
        .collect();
    let report = repaired(dir.path(), new.path());
    assert_eq!(report.damaged, hit.len() as u64);
    assert_eq!(report.lost[0].path, reader.path().join(&second.file));
    assert_right(&before, dir.path(), new.path(), &report, &hit);
    // It opens like any other, and goes on behind the last number.
    let (store, opened) = Store::open(new.path(), StoreOptions::default()).unwrap();
    assert!(
        opened.torn.is_none() && opened.damage.is_empty() && opened.unfolded.is_empty(),
        "{opened:?}"
    );
    store.set_setting("k", "1").unwrap();
    assert_eq!(store.snapshot().seq(), report.seq.next());
}

#[test]
fn what_builds_on_a_lost_bucket_is_kept_under_a_name_of_its_own() {
    let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(dir.path(), &[(2, 0); 40]);
    let (before, _) = rows(&read_log(dir.path(), None).unwrap());
    // Record 1 made the bucket that all the heartbeats are in.
    flip(dir.path(), &before[&Seq(1)], 40);
    let report = repaired(dir.path(), new.path());
    assert_eq!(
        (report.damaged, report.unfoldable, report.kept),
        (1, 0, 41),
        "{report:?}"
    );
    assert_right(&before, dir.path(), new.path(), &report, &[Seq(1)].into());
}

/// The checkpoint knows what a bucket was called of which the log has lost the beginning.
#[test]
fn a_bucket_whose_creation_is_lost_has_its_id_again_if_the_checkpoint_knows_it() {
    for lost in [&[1u64][..], &[2], &[1, 2]] {
        let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let writes: Vec<(u8, u8)> = (0..400u16).map(|n| (n as u8, 90)).collect();
        fill(dir.path(), &writes);
        let (before, _) = rows(&read_log(dir.path(), None).unwrap());
        let (whole, _) = fold(&read_log(dir.path(), None).unwrap(), &new.path().join("spill"));
        for seq in lost {
            flip(dir.path(), &before[&Seq(*seq)], 40);
        }
        let known = last_checkpoint(dir.path(), None).expect("closing wrote a checkpoint");
        let report = repaired_with(dir.path(), new.path(), Some(&known));
        assert_eq!(
            (report.renamed.len(), report.damaged),
            (lost.len(), lost.len() as u64)
        );
        let (again, unfolded) = fold(&read_log(new.path(), None).unwrap(), &new.path().join("spill"));
        assert_eq!(unfolded, 0);
        assert_eq!(
            differences(&whole, &again),
            Vec::<String>::new(),
            "records {lost:?}"
        );
    }
}

/// Somebody made a bucket of that id again: it stays its own.
#[test]
fn a_bucket_whose_id_was_given_again_keeps_the_name_that_tells_them_apart() {
    let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(dir.path(), &[(2, 0); 40]);
    let known = last_checkpoint(dir.path(), None).expect("closing wrote a checkpoint");
    let (before, _) = rows(&read_log(dir.path(), None).unwrap());
    flip(dir.path(), &before[&Seq(1)], 40);
    fs::remove_dir_all(dir.path().join("views")).unwrap();
    let options = StoreOptions {
        background: false,
        device: DeviceId([7; 16]),
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options).unwrap();
    store.create_bucket(&bucket("a")).unwrap();
    store.close().unwrap();
    let report = repaired_with(dir.path(), new.path(), Some(&known));
    assert_eq!(report.renamed, Vec::<String>::new());
    let (again, unfolded) = fold(&read_log(new.path(), None).unwrap(), &new.path().join("spill"));
    assert_eq!(unfolded, 0);
    let ids: BTreeSet<_> = again.buckets().map(|view| view.bucket().id.clone()).collect();
    assert_eq!(ids, ["a", "b", "recovered-0"].map(str::to_owned).into());
}

fn flip(dir: &Path, (file, offset, ..): &(PathBuf, u64, u64, Vec<u8>), at: u64) {
    let path = dir.join("log").join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(offset + at).unwrap()] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_is_damaged_everything_else_is_in_the_new_log(
        writes in prop::collection::vec((any::<u8>(), any::<u8>()), 30..400),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1usize..300, any::<u8>()), 1..6)
    ) {
        let (dir, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(dir.path(), &writes);
        let (before, _) = rows(&read_log(dir.path(), None).unwrap());
        let mut hit = BTreeSet::new();
        for (which, at, length, byte) in noise {
            // Anywhere in a frame, and on over what follows it.
            let (file, offset, size, _) = &before[&Seq(1 + which.index(before.len()) as u64)];
            let path = dir.path().join("log").join(file);
            let mut bytes = fs::read(&path).unwrap();
            let from = *offset as usize + at.index(*size as usize);
            let end = before.values().filter(|row| row.0 == *file).map(|row| row.1 + row.2).max().unwrap() as usize;
            let to = (from + length).min(end);
            for place in &mut bytes[from..to] {
                *place = place.wrapping_add(byte | 1);
            }
            fs::write(&path, &bytes).unwrap();
            hit.extend(before.iter().filter(|(_, row)| {
                row.0 == *file && (row.1 as usize) < to && (row.1 + row.2) as usize > from
            }).map(|(seq, _)| *seq));
        }
        // Two hits may have made one whole again.
        let (left, _) = rows(&read_log(dir.path(), None).unwrap());
        hit.retain(|seq| !left.contains_key(seq));
        let report = repaired(dir.path(), new.path());
        assert_right(&before, dir.path(), new.path(), &report, &hit);
    }
}
