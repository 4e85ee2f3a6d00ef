//! Copies of a log on a simulated disk: what is copied again, what a power cut leaves, and what replaces what.
//!
//! Every test runs on a plain and on an encrypted log. The copy itself never has the key.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk, Storage};
use timberline_log::{
    CopiedLog, CopiedSegment, CopyAction, Entry, Log, LogError, LogOptions, LogReader, Seq, copy_log,
    segment_name,
};

fn cases() -> u32 {
    std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

/// What the log's payloads are encrypted with, if they are.
type Key = Option<Arc<Cipher>>;

fn key() -> Key {
    Some(Arc::new(Cipher::repeatable(&[7; 32], [9; 16])))
}

/// Makes two tests of each function: on a plain and on an encrypted log.
macro_rules! plain_and_encrypted {
    ($($name:ident),* $(,)?) => {
        mod plain {
            $(#[test] fn $name() { super::$name(&None); })*
        }
        mod encrypted {
            $(#[test] fn $name() { super::$name(&super::key()); })*
        }
    };
}

plain_and_encrypted!(
    a_copy_is_the_log_as_it_was_and_the_next_copies_only_what_is_new,
    a_copy_of_another_history_is_left_alone,
    a_log_that_lost_its_end_takes_nothing_from_its_copy,
    damage_in_the_open_segment_does_not_reach_its_copy,
    a_damaged_copy_is_made_again,
    a_log_that_was_put_back_brings_nothing_back_that_was_erased,
    half_a_batch_is_never_copied,
    damage_is_copied_as_it_is_and_reported_and_does_not_reach_what_was_copied_before,
    a_segment_that_the_log_has_lost_stays_in_its_copy,
    a_full_disk_is_told_and_what_was_copied_stays,
    a_power_cut_on_the_way_costs_nothing_that_was_copied_before,
);

/// The bytes that a record with a payload of this size takes up.
fn frame_bytes(key: &Key, payload: usize) -> usize {
    let sealed = payload + key.as_ref().map_or(0, |_| Cipher::OVERHEAD);
    (32 + sealed).next_multiple_of(8)
}

fn options(key: &Key) -> LogOptions {
    LogOptions {
        cipher: key.clone(),
        segment_bytes: 16 << 10,
        manual_sync: true,
        clock: Arc::new(|| 77),
        ..LogOptions::default()
    }
}

fn open(disk: &SimDisk, key: &Key) -> Log {
    Log::open(disk.dir("log"), options(key)).unwrap().0
}

/// Appends batches of two records of this size.
fn fill(log: &mut Log, batches: usize, size: usize) {
    for _ in 0..batches {
        let payload: Vec<u8> = (0..size)
            .map(|at| (at as u64 + log.next_seq().get()) as u8)
            .collect();
        let entry = Entry {
            kind: 9,
            payload: &payload,
        };
        log.append(&[entry, entry]).unwrap();
    }
}

type Rows = Vec<(Seq, Vec<u8>)>;

fn rows(storage: Arc<dyn Storage>, key: &Key) -> Rows {
    let reader = LogReader::open(storage).unwrap().with_cipher(key.clone());
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    let mut rows = Vec::new();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        rows.push((record.seq, record.payload.to_vec()));
    }
    rows
}

fn copy(from: &SimDisk, to: &SimDisk) -> Result<CopiedLog, LogError> {
    let source = LogReader::open(from.dir("log"))?;
    copy_log(&source, &to.dir("copy"), &|_| None, &Cancel::new())
}

fn actions(copied: &CopiedLog) -> Vec<CopyAction> {
    copied.segments.iter().map(|segment| segment.action).collect()
}

fn a_copy_is_the_log_as_it_was_and_the_next_copies_only_what_is_new(key: &Key) {
    use CopyAction::{Copied, Extended, Kept};
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 30, 500);
    log.sync_now().unwrap();
    let first = copy(&disk, &backup).unwrap();
    assert_eq!(first.seq, Seq(60));
    assert!(first.damage.is_empty() && actions(&first).iter().all(|action| *action == Copied));
    assert!(first.segments.len() > 2, "{first:?}");
    assert_eq!(rows(backup.dir("copy"), key), rows(disk.dir("log"), key));

    let same = copy(&disk, &backup).unwrap();
    assert!(actions(&same).iter().all(|action| *action == Kept), "{same:?}");
    assert_eq!(same.segments.iter().map(|s| s.written).sum::<u64>(), 0);
    let crcs = |copied: &CopiedLog| copied.segments.iter().map(|s| s.crc).collect::<Vec<_>>();
    assert_eq!(crcs(&same), crcs(&first));

    fill(&mut log, 1, 40);
    let more = copy(&disk, &backup).unwrap();
    let last = more.segments.last().unwrap();
    assert_eq!(
        (last.action, last.written),
        (Extended, 2 * frame_bytes(key, 40) as u64)
    );

    // The rest of the segment, then its seal, then new ones.
    fill(&mut log, 30, 500);
    log.sync_now().unwrap();
    let grown = copy(&disk, &backup).unwrap();
    let count = |wanted| actions(&grown).iter().filter(|action| **action == wanted).count();
    // The last one has grown, unless no further batch went into it.
    assert_eq!(count(Kept) + count(Extended), more.segments.len());
    assert!(count(Extended) <= 1, "{grown:?}");
    assert_eq!(rows(backup.dir("copy"), key), rows(disk.dir("log"), key));

    // It is a log that can be gone on with.
    let (mut again, recovery) = Log::open(backup.dir("copy"), options(key)).unwrap();
    assert!(
        recovery.torn.is_none() && recovery.damage.is_empty(),
        "{recovery:?}"
    );
    assert_eq!(again.next_seq(), grown.seq.next());
    fill(&mut again, 1, 10);
}

fn is_other_history(outcome: &Result<CopiedLog, LogError>) -> bool {
    matches!(outcome, Err(LogError::OtherHistory { .. }))
}

/// The log ends earlier than its copy; then other records come under the same numbers.
fn a_copy_of_another_history_is_left_alone(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 2, 100);
    log.sync_now().unwrap();
    let fork = disk.crash(3);
    fill(&mut log, 3, 100);
    copy(&disk, &backup).unwrap();
    let all = rows(backup.dir("copy"), key);
    let mut log = open(&fork, key);
    for batches in [0, 3, 3] {
        fill(&mut log, batches, 101);
        let outcome = copy(&fork, &backup);
        assert!(is_other_history(&outcome), "{outcome:?}");
        assert_eq!(rows(backup.dir("copy"), key), all);
    }
    // What is still the same history goes on.
    copy(&disk, &backup).unwrap();
    let new = SimDisk::new(4);
    copy(&fork, &new).unwrap();
    assert_eq!(rows(new.dir("copy"), key), rows(fork.dir("log"), key));
}

/// The newest segment files are removed; then other records come under the same numbers.
fn a_log_that_lost_its_end_takes_nothing_from_its_copy(key: &Key) {
    for lost in 1..4 {
        let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
        let mut log = open(&disk, key);
        fill(&mut log, 60, 500);
        log.sync_now().unwrap();
        let names = copy(&disk, &backup).unwrap().segments;
        log.close().unwrap();
        let all = rows(backup.dir("copy"), key);
        for segment in names.iter().rev().take(lost) {
            disk.dir("log").remove(&segment_name(segment.first)).unwrap();
        }
        assert!(is_other_history(&copy(&disk, &backup)));
        let mut log = open(&disk, key);
        for _ in 0..6 {
            fill(&mut log, 15, 499);
            log.sync_now().unwrap();
            let outcome = copy(&disk, &backup);
            assert!(is_other_history(&outcome), "{outcome:?}");
            assert_eq!(rows(backup.dir("copy"), key), all);
        }
    }
}

fn damage_in_the_open_segment_does_not_reach_its_copy(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 5, 100);
    log.sync_now().unwrap();
    copy(&disk, &backup).unwrap();
    fill(&mut log, 2, 100);
    log.sync_now().unwrap();
    let all = rows(disk.dir("log"), key);
    disk.flip_bit("log", &segment_name(Seq::FIRST), (4096 + 200) * 8);
    let copied = copy(&disk, &backup).unwrap();
    assert_eq!(actions(&copied), [CopyAction::Extended]);
    assert_eq!(rows(backup.dir("copy"), key), all);
}

fn a_damaged_copy_is_made_again(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 5, 100);
    log.sync_now().unwrap();
    copy(&disk, &backup).unwrap();
    backup.flip_bit("copy", &segment_name(Seq::FIRST), (4096 + 200) * 8);
    let copied = copy(&disk, &backup).unwrap();
    assert_eq!(actions(&copied), [CopyAction::Copied]);
    assert_eq!(rows(backup.dir("copy"), key), rows(disk.dir("log"), key));
}

/// The log is as it was before something was erased; its copy is not.
fn a_log_that_was_put_back_brings_nothing_back_that_was_erased(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 30, 500);
    log.sync_now().unwrap();
    let earlier = disk.crash(3);
    let reader = LogReader::open(disk.dir("log")).unwrap().with_cipher(key.clone());
    let mut rewrite = reader.rewrite(Seq::FIRST).unwrap().unwrap();
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        if record.seq > rewrite.last() {
            break;
        }
        rewrite.replace(&record, 9, b"erased");
    }
    rewrite.commit().unwrap();
    copy(&disk, &backup).unwrap();
    let erased = rows(backup.dir("copy"), key);
    assert!(is_other_history(&copy(&earlier, &backup)));
    assert_eq!(rows(backup.dir("copy"), key), erased);
}

fn half_a_batch_is_never_copied(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 3, 100);
    // The last record of the last batch goes, as if it were just being written.
    let end = usize::try_from(log.position().offset).unwrap();
    let storage = disk.dir("log");
    let region = storage.open_write_region(&segment_name(Seq::FIRST)).unwrap();
    region.zero_from(end - frame_bytes(key, 100)).unwrap();
    let copied = copy(&disk, &backup).unwrap();
    assert_eq!(copied.seq, Seq(4));
    assert_eq!(rows(backup.dir("copy"), key).len(), 4);
}

fn damage_is_copied_as_it_is_and_reported_and_does_not_reach_what_was_copied_before(key: &Key) {
    let (disk, backup, late) = (SimDisk::new(1), SimDisk::new(2), SimDisk::new(3));
    let mut log = open(&disk, key);
    fill(&mut log, 30, 500);
    log.sync_now().unwrap();
    copy(&disk, &backup).unwrap();
    disk.flip_bit("log", &segment_name(Seq::FIRST), (4096 + 600) * 8);
    let kept = copy(&disk, &backup).unwrap();
    assert!(kept.damage.is_empty(), "the copy has it whole: {kept:?}");
    assert_eq!(rows(backup.dir("copy"), key).len(), 60);
    let copied = copy(&disk, &late).unwrap();
    let [damage] = &copied.damage[..] else {
        panic!("{copied:?}")
    };
    assert_eq!(damage.lost, Some(Seq(2)..=Seq(2)));
    assert!(damage.path.ends_with(segment_name(Seq::FIRST)));
}

fn a_segment_that_the_log_has_lost_stays_in_its_copy(key: &Key) {
    for lost in [0, 1] {
        let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
        let mut log = open(&disk, key);
        fill(&mut log, 30, 500);
        log.sync_now().unwrap();
        let before = copy(&disk, &backup).unwrap();
        let name = segment_name(before.segments[lost].first);
        disk.dir("log").remove(&name).unwrap();
        fill(&mut log, 2, 40);
        log.sync_now().unwrap();
        let copied = copy(&disk, &backup).unwrap();
        assert_eq!(
            copied.segments[lost],
            CopiedSegment {
                action: CopyAction::Kept,
                written: 0,
                ..before.segments[lost].clone()
            }
        );
        assert_eq!(rows(backup.dir("copy"), key).len(), 64);
    }
}

fn a_full_disk_is_told_and_what_was_copied_stays(key: &Key) {
    let (disk, backup) = (SimDisk::new(1), SimDisk::new(2));
    let mut log = open(&disk, key);
    fill(&mut log, 30, 500);
    log.sync_now().unwrap();
    backup.set_capacity(40 << 10);
    let error = copy(&disk, &backup).unwrap_err().to_string();
    assert!(error.contains("copy") && error.contains(".seg"), "{error}");
    backup.set_capacity(u64::MAX);
    let copied = copy(&disk, &backup).unwrap();
    assert!(actions(&copied).contains(&CopyAction::Kept), "{copied:?}");
    assert_eq!(rows(backup.dir("copy"), key), rows(disk.dir("log"), key));
}

fn a_power_cut_on_the_way_costs_nothing_that_was_copied_before(key: &Key) {
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec((1usize..12, 1usize..900, 0u64..60), 1..8);
    TestRunner::new(config)
        .run(&(steps, any::<u64>()), |(steps, seed)| {
            copies_with_power_cuts(steps, seed, key)
        })
        .unwrap();
}

/// The backup's disk loses power anywhere on the way: what is left is a beginning of the log that is no shorter
/// than the last complete copy, and the next copy is whole.
fn copies_with_power_cuts(
    steps: Vec<(usize, usize, u64)>,
    seed: u64,
    key: &Key,
) -> Result<(), TestCaseError> {
    let (disk, mut backup) = (SimDisk::new(1), SimDisk::new(seed));
    let mut log = open(&disk, key);
    let mut safe = 0;
    for (batches, size, cut) in steps {
        for _ in 0..batches {
            // Synced each, so that each frame says that those before it are durable: on the log's disk, that is.
            fill(&mut log, 1, size);
            log.sync_now().unwrap();
        }
        backup.crash_at(backup.operations() + cut);
        let outcome = copy(&disk, &backup);
        if let Ok(copied) = &outcome
            && !backup.has_crashed()
        {
            safe = copied.seq.get() as usize;
        }
        backup = backup.crash(seed ^ cut);
        let all = rows(disk.dir("log"), key);
        let left = rows(backup.dir("copy"), key);
        prop_assert!(left.len() >= safe, "{} of {safe} are left", left.len());
        prop_assert_eq!(&left[..], &all[..left.len()]);
    }
    copy(&disk, &backup).unwrap();
    prop_assert_eq!(rows(backup.dir("copy"), key), rows(disk.dir("log"), key));
    Ok(())
}
