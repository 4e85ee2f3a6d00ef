//! The log survives every crash that the simulated disk can think of.
//!
//! `TIMBERLINE_CASES=20000 cargo test -p timberline-log --release --test crash` looks harder.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Arc;

use crate::harness::{PlantedBug, any_history, cases, run};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use timberline_disk::{Cipher, SimDisk};
use timberline_log::{AppendError, Entry, Log, LogOptions, Seq};

proptest! {
    #![proptest_config(Config { cases: cases(300), failure_persistence: None, ..Config::default() })]

    /// After a crash the log is a prefix of what was appended, with everything that was reported durable, each batch
    /// wholly or not at all; nothing is taken for damage; and it goes on.
    #[test]
    fn a_crash_leaves_a_prefix_with_all_that_was_durable(
        seed in any::<u64>(), actions in any_history()
    ) {
        if let Err(violation) = run(seed, &actions, None) {
            prop_assert!(false, "{violation}");
        }
    }
}

/// The first of some random histories in which the harness finds a violation.
fn found(bug: Option<PlantedBug>) -> Option<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..100).find_map(|seed| {
        let actions = any_history().new_tree(&mut runner).ok()?.current();
        run(seed, &actions, bug).err()
    })
}

#[test]
fn the_harness_finds_a_log_that_reports_durable_before_it_syncs() {
    let violation = found(Some(PlantedBug::ReportsTooEarly)).unwrap();
    // The log ends too early, or a footer covers records that are not there.
    assert!(
        violation.contains("durable") || violation.contains("zeroes where a record belongs"),
        "{violation}"
    );
}

#[test]
fn the_harness_finds_a_log_whose_checksum_leaves_out_the_length() {
    let violation = found(Some(PlantedBug::LengthIsUnchecked)).unwrap();
    assert!(
        violation.contains("not what was appended") || violation.contains("durable"),
        "{violation}"
    );
}

#[test]
fn the_same_histories_without_a_bug_are_fine() {
    assert_eq!(found(None), None);
}

/// The same with the sync thread running, and writers that wait for it: what was reported to them must be true.
#[test]
fn what_waiters_were_told_is_durable_survives_a_power_cut_at_any_moment() {
    for seed in 0..u64::from(cases(30)).min(1000) {
        let disk = SimDisk::new(seed);
        let cipher = (seed % 2 == 1).then(|| Arc::new(Cipher::ephemeral().unwrap()));
        let options = || LogOptions {
            segment_bytes: 16 << 10,
            cipher: cipher.clone(),
            ..LogOptions::default()
        };
        let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
        let payload = |seq: Seq| seq.get().to_le_bytes().repeat(1 + seq.get() as usize % 40);
        let images: Vec<(Seq, SimDisk)> = std::thread::scope(|scope| {
            let (durability, disk) = (log.durability(), &disk);
            let cutter = scope.spawn(move || {
                let cuts = (0..8).map(|round| {
                    // Told first, cut then.
                    durability.wait_blocking(Seq(round * 20 + 1)).unwrap();
                    (durability.durable(), disk.crash(seed + round))
                });
                cuts.collect()
            });
            for count in 0..160 {
                log.append(&[Entry {
                    kind: 0,
                    payload: &payload(log.next_seq()),
                }])
                .unwrap();
                if count % 7 == 0 {
                    log.durability().request(log.next_seq().prev());
                }
            }
            cutter.join().unwrap()
        });
        for (told, image) in images {
            let (log, recovery) = Log::open(image.dir("log"), options()).unwrap();
            assert!(
                recovery.last_seq >= told && recovery.damage.is_empty(),
                "told {told}, there is {recovery:?}"
            );
            let mut records = log.reader().read_from(Seq::FIRST).unwrap();
            let mut last = Seq::NONE;
            while let Some(record) = records.next() {
                let record = record.unwrap();
                last = last.next();
                assert_eq!((record.seq, record.payload), (last, &payload(last)[..]));
            }
            assert_eq!(last, recovery.last_seq);
        }
    }
}

#[test]
fn a_failed_sync_fails_the_log_until_it_is_opened_anew() {
    let disk = SimDisk::new(4);
    let (mut log, _) = Log::open(disk.dir("log"), LogOptions::default()).unwrap();
    let one = [Entry {
        kind: 0,
        payload: b"one",
    }];
    log.append(&one).unwrap();
    log.durability().wait_blocking(Seq(1)).unwrap();
    disk.fail_syncs(true);
    log.append(&one).unwrap();
    let failed = log.durability().wait_blocking(Seq(2)).unwrap_err();
    assert_eq!(failed.durable, Seq(1));
    disk.fail_syncs(false);
    // The disk is well again, but what it has forgotten nobody knows.
    assert!(log.durability().wait_blocking(Seq(2)).is_err());
    assert!(matches!(log.append(&one), Err(AppendError::Failed(_))));
    let message = log.durability().failure().unwrap();
    assert!(message.contains("check the disk, then restart"), "{message}");
    assert!(log.close().is_err());
    let (log, recovery) = Log::open(disk.dir("log"), LogOptions::default()).unwrap();
    assert_eq!((recovery.last_seq, log.durability().durable()), (Seq(2), Seq(2)));
    let after = disk.crash(0);
    let (_log, recovery) = Log::open(after.dir("log"), LogOptions::default()).unwrap();
    assert_eq!(
        recovery.last_seq,
        Seq(2),
        "what was reported durable at the restart is"
    );
}

#[test]
fn a_full_disk_holds_appends_up_until_there_is_space() {
    let disk = SimDisk::new(5);
    let options = || LogOptions {
        segment_bytes: 16 << 10,
        ..LogOptions::default()
    };
    disk.set_capacity(0);
    let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
    let big = [1; 4000];
    let entry = [Entry {
        kind: 0,
        payload: &big,
    }];
    assert!(
        matches!(log.append(&entry), Err(AppendError::NoSpace { .. })),
        "not even the first segment fits"
    );
    disk.set_capacity(20 << 10);
    let appended = (0..10).take_while(|_| log.append(&entry).is_ok()).count();
    assert_eq!(appended, 3);
    assert_eq!(log.next_seq(), Seq(4));
    log.close().unwrap();
    disk.set_capacity(0);
    let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
    assert!(
        matches!(log.append(&entry), Err(AppendError::NoSpace { .. })),
        "a trimmed segment cannot grow"
    );
    let mut records = log.reader().read_from(Seq::FIRST).unwrap();
    assert!((0..3).all(|_| records.next().is_some_and(|record| record.is_ok())) && records.next().is_none());
    disk.set_capacity(u64::MAX);
    assert_eq!(log.append(&entry).unwrap(), Seq(4)..=Seq(4));
    log.close().unwrap();
}
