//! The log on real files: writing, reading while it is written, closing, opening again.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Arc;
use std::time::Duration;

use timberline_disk::{FileStorage, Storage};
use timberline_log::{AppendError, Entry, Log, LogError, LogOptions, LogReader, Records, Seq};
use timberline_test_support::poll;

fn storage(dir: &tempfile::TempDir) -> Arc<dyn Storage> {
    Arc::new(FileStorage::open(dir.path()).unwrap())
}

fn small_segments() -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        sync_interval: Duration::from_millis(5),
        ..LogOptions::default()
    }
}

fn payload(seq: u64) -> Vec<u8> {
    format!("record {seq} {}", "x".repeat((seq % 90) as usize)).into_bytes()
}

fn append(log: &mut Log, count: u64) {
    for _ in 0..count {
        let bytes = payload(log.next_seq().get());
        log.append(&[Entry {
            kind: 3,
            payload: &bytes,
        }])
        .unwrap();
    }
}

fn read_all(mut records: Records, first: u64) -> u64 {
    let mut expected = first;
    while let Some(record) = records.next() {
        let record = record.unwrap();
        assert_eq!(
            (record.seq, record.kind, record.ends_batch),
            (Seq(expected), 3, true)
        );
        assert_eq!(record.payload, payload(expected));
        expected += 1;
    }
    expected - 1
}

#[test]
fn what_is_appended_is_read_across_segments_and_reopenings() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let (mut log, recovery) = Log::open(storage(&dir), small_segments()).unwrap();
        assert_eq!(
            (recovery.last_seq, recovery.torn, recovery.damage.len()),
            (Seq(round * 500), None, 0)
        );
        append(&mut log, 500);
        log.durability().wait_blocking(Seq((round + 1) * 500)).unwrap();
        assert_eq!(
            read_all(log.reader().read_from(Seq::FIRST).unwrap(), 1),
            (round + 1) * 500
        );
        log.close().unwrap();
    }
    let reader = LogReader::open(storage(&dir)).unwrap();
    assert_eq!(read_all(reader.read_from(Seq(777)).unwrap(), 777), 2000);
    let segments = reader.segments().unwrap();
    assert!(segments.len() > 5, "{segments:?}");
    let (newest, older) = segments.split_last().unwrap();
    assert_eq!(newest.last, None);
    assert!(
        older
            .iter()
            .zip(&segments[1..])
            .all(|(this, next)| this.last.unwrap().next() == next.first)
    );
    let used: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(
        used < 2000 * 128 + segments.len() as u64 * 8192,
        "closed and sealed files are trimmed: {used}"
    );
}

#[test]
fn a_second_writer_is_locked_out_and_readers_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    append(&mut log, 3);
    let refused = Log::open(storage(&dir), small_segments()).unwrap_err();
    assert!(
        matches!(&refused, LogError::Locked { holder, .. } if holder.contains("process")),
        "{refused}"
    );
    assert_eq!(
        read_all(
            LogReader::open(storage(&dir))
                .unwrap()
                .read_from(Seq::FIRST)
                .unwrap(),
            1
        ),
        3
    );
    drop(log);
    Log::open(storage(&dir), small_segments()).unwrap();
}

#[test]
fn a_tail_follows_over_rolls_sealing_and_trimming() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    let reader = LogReader::open(storage(&dir)).unwrap();
    let mut tail = reader.tail(Seq::FIRST).unwrap();
    assert!(tail.next().is_none());
    let writer = std::thread::spawn(move || {
        append(&mut log, 20_000);
        log.close().unwrap();
    });
    let mut expected = 1;
    while expected <= 20_000 {
        let Some(record) = tail.next() else {
            std::thread::yield_now();
            continue;
        };
        let record = record.unwrap();
        assert_eq!(
            (record.seq.get(), record.payload),
            (expected, &payload(expected)[..])
        );
        expected += 1;
    }
    writer.join().unwrap();
    assert!(tail.next().is_none());
}

#[test]
fn many_waiters_share_syncs_and_all_wake() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(
        storage(&dir),
        LogOptions {
            sync_interval: Duration::from_secs(3600),
            ..small_segments()
        },
    )
    .unwrap();
    let waiters: Vec<_> = (0..32)
        .map(|_| {
            append(&mut log, 5);
            let (durability, seq) = (log.durability(), log.next_seq().prev());
            std::thread::spawn(move || {
                durability.wait_blocking(seq).unwrap();
                assert!(durability.durable() >= seq);
            })
        })
        .collect();
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
}

#[test]
fn records_without_hurry_are_synced_when_somebody_waits_with_later_ones_and_by_closing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    let without_hurry = |log: &mut Log| {
        let bytes = payload(log.next_seq().get());
        let entry = Entry {
            kind: 3,
            payload: &bytes,
        };
        *log.append_without_hurry(&[entry]).unwrap().end()
    };
    let durability = log.durability();
    let first = without_hurry(&mut log);
    assert_eq!(
        read_all(log.reader().read_from(Seq::FIRST).unwrap(), 1),
        1,
        "readers see it at once"
    );
    durability.wait_blocking(first).unwrap();
    let second = without_hurry(&mut log);
    append(&mut log, 1);
    poll("the later record to be synced", || {
        (durability.durable() > second).then_some(())
    });
    without_hurry(&mut log);
    log.close().unwrap();
    assert_eq!(durability.durable(), Seq(4));
}

#[test]
fn unrequested_records_are_synced_within_the_interval_and_by_closing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    append(&mut log, 5);
    let durability = log.durability();
    poll("the interval to be over", || {
        (durability.durable() >= Seq(5)).then_some(())
    });
    append(&mut log, 5);
    log.close().unwrap();
    assert_eq!(durability.durable(), Seq(10));
    assert!(
        durability.wait_blocking(Seq(11)).is_err(),
        "nobody waits for a closed log"
    );
}

#[test]
fn a_batch_that_fits_no_segment_is_refused_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    let big = vec![1; 20 << 10];
    let refused = log
        .append(&[Entry {
            kind: 3,
            payload: &big,
        }])
        .unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { .. }), "{refused}");
    append(&mut log, 1);
    assert_eq!(read_all(log.reader().read_from(Seq::FIRST).unwrap(), 1), 1);
}

#[test]
fn a_position_hint_leads_to_the_record_and_a_wrong_one_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(&dir), small_segments()).unwrap();
    append(&mut log, 300);
    let (seq, hint) = (log.next_seq(), log.position());
    append(&mut log, 300);
    for offset in [hint.offset, hint.offset + 8, hint.offset + 1, 0, 1 << 60] {
        let hint = timberline_log::Position { offset, ..hint };
        assert_eq!(
            read_all(log.reader().read_from_hint(seq, hint).unwrap(), seq.get()),
            600
        );
    }
}
