//! Sealed segments rewritten and squashed: on real files while readers read them, and cut off at every disk operation.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Arc;

use timberline_disk::{FileStorage, SimDisk, Storage};
use timberline_log::{Entry, Log, LogOptions, LogReader, Seq};

type Seen = Vec<(u64, u8, Vec<u8>)>;

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        ..LogOptions::default()
    }
}

fn append(log: &mut Log, count: u64) {
    for _ in 0..count {
        let payload = format!("record {}", log.next_seq()).into_bytes();
        log.append(&[Entry {
            kind: 3,
            payload: &payload,
        }])
        .unwrap();
    }
}

fn all(reader: &LogReader, from: u64) -> Seen {
    let mut records = reader.read_from(Seq(from)).unwrap();
    let mut seen = Vec::new();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        seen.push((record.seq.get(), record.kind, record.payload.to_vec()));
    }
    seen
}

/// Replaces every record of the segment whose number is a multiple of ten.
fn erase_tenths(reader: &LogReader, first: Seq) -> Result<(), timberline_log::LogError> {
    let Some(mut rewrite) = reader.rewrite(first)? else {
        panic!("segment {first} is not sealed");
    };
    let last = rewrite.last();
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let record = record.unwrap();
        match record.seq {
            seq if seq > last => break,
            seq if seq.get() % 10 == 0 => rewrite.replace(&record, 9, b"gone"),
            _ => rewrite.keep(&record),
        }
    }
    rewrite.commit().map(|_| ())
}

fn squash(reader: &LogReader, first: Seq) -> Result<(), timberline_log::LogError> {
    let Some(mut squash) = reader.squash(first)? else {
        panic!("segment {first} is not sealed");
    };
    squash.add_squashed(5, 7, b"first part of the state");
    squash.add_squashed(6, 8, b"second part");
    squash.commit().map(|_| ())
}

#[test]
fn a_rewritten_segment_has_its_numbers_and_a_squashed_one_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(dir.path()).unwrap());
    let (mut log, _) = Log::open(Arc::clone(&storage), options()).unwrap();
    append(&mut log, 1000);
    log.begin_segment().unwrap();
    log.durability().wait_sealed_blocking(Seq(1000)).unwrap();
    // Nothing is there to be ended now, and nothing to wait for.
    log.begin_segment().unwrap();
    log.durability().wait_sealed_blocking(Seq(1000)).unwrap();
    append(&mut log, 10);

    let reader = log.reader();
    let segments = reader.segments().unwrap();
    assert!(segments.len() > 3 && segments[..segments.len() - 1].iter().all(|s| s.last.is_some()));
    let mut beside = reader.read_from(Seq::FIRST).unwrap();
    assert_eq!(beside.next().unwrap().unwrap().seq, Seq(1));

    let before = all(&reader, 1);
    squash(&reader, segments[0].first).unwrap();
    erase_tenths(&reader, segments[1].first).unwrap();
    let (last, next) = (segments[0].last.unwrap().get(), segments[1].last.unwrap().get());
    let after = all(&reader, 1);
    assert_eq!(after[0], (last, 7, b"first part of the state".to_vec()));
    assert_eq!(after[1], (last, 8, b"second part".to_vec()));
    for (old, new) in before[last as usize..].iter().zip(&after[2..]) {
        let erased = old.0 <= next && old.0 % 10 == 0;
        let expected = if erased {
            (old.0, 9, b"gone".to_vec())
        } else {
            old.clone()
        };
        assert_eq!(new, &expected);
    }
    assert_eq!(after.len() as u64, 1010 - last + 2);
    // From within its range, all of the squashed state is served; from behind it, none.
    assert_eq!(all(&reader, last - 1).len(), after.len());
    assert_eq!(all(&reader, last + 1).len(), after.len() - 2);
    // Who had the old file open goes on reading it, and then the new ones.
    assert_eq!(beside.next().unwrap().unwrap().seq, Seq(2));

    let info = reader.segments().unwrap();
    assert!(info[0].squashed && info[0].generation == 1 && info[0].last == Some(Seq(last)));
    assert!(!info[1].squashed && info[1].generation == 1);
    // A squashed one can be rewritten, and stays squashed.
    let mut again = reader.rewrite(segments[0].first).unwrap().unwrap();
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    again.keep(&records.next().unwrap().unwrap());
    again.commit().unwrap();
    assert_eq!(all(&reader, 1)[..2], [after[0].clone(), after[2].clone()]);

    log.close().unwrap();
    let (log, recovery) = Log::open(storage, options()).unwrap();
    assert_eq!((recovery.last_seq, recovery.damage.len()), (Seq(1010), 0));
    assert_eq!(log.next_seq(), Seq(1011));
}

#[test]
fn the_unsealed_segment_cannot_be_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(Arc::new(FileStorage::open(dir.path()).unwrap()), options()).unwrap();
    append(&mut log, 3);
    assert!(log.reader().rewrite(Seq::FIRST).unwrap().is_none());
    assert!(log.reader().squash(Seq::FIRST).unwrap().is_none());
}

#[test]
fn damage_in_a_squashed_segment_is_told_and_costs_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(Arc::new(FileStorage::open(dir.path()).unwrap()), options()).unwrap();
    append(&mut log, 300);
    log.begin_segment().unwrap();
    log.durability().wait_sealed_blocking(Seq(300)).unwrap();
    append(&mut log, 1);
    let reader = log.reader();
    let first = reader.segments().unwrap()[0].clone();
    squash(&reader, first.first).unwrap();
    let path = dir.path().join(&first.file);
    let good = std::fs::read(&path).unwrap();
    for at in [2048, 4096 + 33] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mut records = reader.read_from(Seq::FIRST).unwrap();
        let (mut kinds, mut damage) = (Vec::new(), Vec::new());
        while let Some(record) = records.next() {
            match record {
                Ok(record) => kinds.push(record.kind),
                Err(found) => damage.push(found),
            }
        }
        assert_eq!(damage.len(), 1, "{damage:?}");
        let mark_only = at == 2048;
        assert_eq!(kinds.first(), Some(if mark_only { &7 } else { &8 }));
        assert_eq!(kinds.last(), Some(&3));
        if !mark_only {
            assert_eq!(damage[0].lost, Some(first.first..=first.last.unwrap()));
        }
    }
}

#[test]
fn a_power_cut_at_any_moment_leaves_the_old_segment_or_the_new_one() {
    for kind in 0..2 {
        let mut cuts = 0;
        for at in 0.. {
            let disk = SimDisk::new(at);
            let storage: Arc<dyn Storage> = disk.dir("log");
            let manual = LogOptions {
                manual_sync: true,
                ..options()
            };
            let (mut log, _) = Log::open(Arc::clone(&storage), manual.clone()).unwrap();
            append(&mut log, 700);
            log.begin_segment().unwrap();
            log.sync_now().unwrap();
            let before = all(&log.reader(), 1);
            let first = log.reader().segments().unwrap()[1].clone();
            disk.crash_at(disk.operations() + at);
            let done = match kind {
                0 => erase_tenths(&log.reader(), first.first),
                _ => squash(&log.reader(), first.first),
            };
            let whole = !disk.has_crashed();
            drop(log);
            let disk = disk.crash(at);
            let storage: Arc<dyn Storage> = disk.dir("log");
            let (log, recovery) = Log::open(storage, manual).unwrap();
            assert_eq!(
                (recovery.last_seq, recovery.damage.len()),
                (Seq(700), 0),
                "cut {at}"
            );
            let after = all(&log.reader(), 1);
            let changed = after != before;
            let complete = match kind {
                0 => after.len() == 700 && after.iter().filter(|r| r.1 == 9).count() > 10,
                _ => after.iter().filter(|r| r.1 != 3).count() == 2,
            };
            assert!(!changed || complete, "cut {at}: a half");
            if whole {
                assert!(done.is_ok() && changed, "cut {at}: what was done is gone");
                break;
            }
            cuts += 1;
        }
        assert!(cuts > 0, "nowhere to cut");
    }
}

/// What can be read of a damaged segment can still be read after it was rewritten, wherever records are missing.
#[test]
fn a_damaged_segment_keeps_all_that_is_readable_when_it_is_rewritten() {
    for lost in [1..=1u64, 1..=3, 40..=40, 40..=45, 98..=100] {
        let dir = tempfile::tempdir().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(dir.path()).unwrap());
        let (mut log, _) = Log::open(Arc::clone(&storage), options()).unwrap();
        append(&mut log, 100);
        log.begin_segment().unwrap();
        log.durability().wait_sealed_blocking(Seq(100)).unwrap();
        append(&mut log, 10);
        let reader = log.reader();
        let mut offsets = Vec::new();
        let mut records = reader.read_from(Seq::FIRST).unwrap();
        while let Some(record) = records.next() {
            let record = record.unwrap();
            if lost.contains(&record.seq.get()) {
                offsets.push(usize::try_from(record.position.offset).unwrap());
            }
        }
        let path = dir.path().join(timberline_log::segment_name(Seq::FIRST));
        let mut bytes = std::fs::read(&path).unwrap();
        for offset in offsets {
            bytes[offset + 34] ^= 1;
        }
        std::fs::write(&path, bytes).unwrap();

        let readable = |reader: &LogReader| {
            let mut records = reader.read_from(Seq::FIRST).unwrap();
            let (mut seqs, mut lost) = (Vec::new(), Vec::new());
            while let Some(record) = records.next() {
                match record {
                    Ok(record) => seqs.push(record.seq.get()),
                    Err(damage) => lost.extend(damage.lost.map(|lost| lost.start().get()..=lost.end().get())),
                }
            }
            (seqs, lost.into_iter().flatten().collect::<Vec<_>>())
        };
        let (seqs, missing) = readable(&reader);
        assert_eq!(missing, lost.clone().collect::<Vec<_>>());
        let mut rewrite = reader.rewrite(Seq::FIRST).unwrap().unwrap();
        let mut records = reader.read_from(Seq::FIRST).unwrap();
        while let Some(record) = records.next() {
            let Ok(record) = record else { continue };
            if record.seq > rewrite.last() {
                break;
            }
            rewrite.keep(&record);
        }
        rewrite.commit().unwrap();
        assert_eq!(readable(&reader), (seqs, missing));
    }
}
