//! Files that are taken away while they are written: noticed before anything is reported durable, and put back.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use timberline_disk::{Cipher, FileStorage, SimDisk, Storage};
use timberline_log::{AppendError, Entry, Incident, Log, LogOptions, LogReader, Seq, segment_name};
use timberline_test_support::poll;

/// What was heard while a log was written.
type Heard = Arc<Mutex<Vec<Incident>>>;

fn options(heard: &Heard) -> LogOptions {
    let heard = Arc::clone(heard);
    LogOptions {
        segment_bytes: 16 << 10,
        sync_interval: Duration::from_millis(5),
        on_incident: Some(Arc::new(move |incident| {
            heard.lock().unwrap().push(incident.clone())
        })),
        ..LogOptions::default()
    }
}

fn by_hand(heard: &Heard) -> LogOptions {
    LogOptions {
        manual_sync: true,
        ..options(heard)
    }
}

fn open(dir: &Path, options: LogOptions) -> Log {
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(dir).unwrap());
    Log::open(storage, options).unwrap().0
}

fn payload(seq: u64) -> Vec<u8> {
    format!("record {seq} {}", "x".repeat((seq % 90) as usize)).into_bytes()
}

fn append(log: &mut Log) -> Result<Seq, AppendError> {
    let bytes = payload(log.next_seq().get());
    let entry = Entry {
        kind: 3,
        payload: &bytes,
    };
    log.append(&[entry]).map(|seqs| *seqs.end())
}

/// The records that are read back, all in order and none damaged.
fn whole(storage: Arc<dyn Storage>, cipher: Option<Arc<Cipher>>) -> u64 {
    let reader = LogReader::open(storage).unwrap().with_cipher(cipher);
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    let mut count = 0;
    while let Some(record) = records.next() {
        let record = record.unwrap();
        count += 1;
        assert_eq!((record.seq, record.payload), (Seq(count), &payload(count)[..]));
    }
    count
}

fn whole_dir(dir: &Path) -> u64 {
    whole(Arc::new(FileStorage::open(dir).unwrap()), None)
}

#[test]
fn a_segment_that_is_removed_is_written_again_before_anything_counts_as_durable() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), options(&heard));
    for round in 1..=40 {
        append(&mut log).unwrap();
        fs::remove_file(dir.path().join(segment_name(log.position().segment))).unwrap();
        // The append may come while the file is being written again; a client would try again, too.
        let last = poll("the segment to be written again", || match append(&mut log) {
            Ok(last) => Some(last),
            Err(AppendError::Misplaced { .. }) => None,
            Err(error) => panic!("{error}"),
        });
        log.durability().wait_blocking(last).unwrap();
        // What a killed process would leave.
        assert_eq!(whole_dir(dir.path()), last.get(), "round {round}");
    }
    let restored = log.durability().integrity().restored;
    assert!(restored >= 40, "{restored}");
    let heard = heard.lock().unwrap();
    assert!(
        heard
            .iter()
            .all(|one| matches!(one, Incident::Restored { replaced: None, .. })),
        "{heard:?}"
    );
    assert_eq!(heard.len() as u64, restored);
    log.close().unwrap();
    assert_eq!(whole_dir(dir.path()), 80);
}

#[test]
fn a_segment_that_is_removed_after_the_last_write_is_there_after_closing() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), options(&heard));
    let last = append(&mut log).unwrap();
    log.durability().wait_blocking(last).unwrap();
    fs::remove_file(dir.path().join(segment_name(Seq::FIRST))).unwrap();
    log.close().unwrap();
    assert_eq!(whole_dir(dir.path()), 1);
}

#[test]
fn a_file_that_took_the_name_of_the_segment_is_put_aside_and_kept() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), by_hand(&heard));
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    let name = segment_name(Seq::FIRST);
    fs::write(dir.path().join("other"), "not a segment").unwrap();
    fs::rename(dir.path().join("other"), dir.path().join(&name)).unwrap();
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    let heard = heard.lock().unwrap().clone();
    let [
        Incident::Restored {
            path,
            replaced: Some(aside),
        },
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert!(path.ends_with(&name) && path != aside);
    assert_eq!(fs::read(aside).unwrap(), b"not a segment");
    // A segment that was moved by hand within the file system stays where it was moved to.
    fs::rename(dir.path().join(&name), dir.path().join("moved")).unwrap();
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    assert!(dir.path().join("moved").exists());
    log.close().unwrap();
    assert_eq!(whole_dir(dir.path()), 3);
}

#[test]
fn nothing_is_appended_while_the_directory_is_gone_and_all_goes_on_when_it_is_back() {
    let (heard, parent) = (Heard::default(), tempfile::tempdir().unwrap());
    let (dir, elsewhere) = (parent.path().join("log"), parent.path().join("elsewhere"));
    let mut log = open(&dir, by_hand(&heard));
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    for replaced in [false, true] {
        let durable = log.durability().durable();
        fs::rename(&dir, &elsewhere).unwrap();
        if replaced {
            fs::create_dir(&dir).unwrap();
        }
        append(&mut log).unwrap();
        let error = log.sync_now().unwrap_err();
        assert!(error.reason.contains("no longer there"), "{error}");
        assert_eq!(log.durability().durable(), durable);
        let next = log.next_seq();
        for _ in 0..3 {
            let refused = append(&mut log).unwrap_err();
            assert!(matches!(refused, AppendError::Misplaced { .. }), "{refused}");
            log.sync_now().unwrap_err();
        }
        assert_eq!(log.next_seq(), next);
        assert!(log.durability().integrity().held.is_some());
        if replaced {
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 0, "nothing is written to it");
            fs::remove_dir(&dir).unwrap();
        }
        fs::rename(&elsewhere, &dir).unwrap();
        log.sync_now().unwrap();
        assert_eq!(log.durability().integrity().held, None);
        append(&mut log).unwrap();
        log.sync_now().unwrap();
    }
    let told = heard.lock().unwrap().clone();
    assert!(
        matches!(
            &told[..],
            [
                Incident::Held { .. },
                Incident::Resumed,
                Incident::Held { .. },
                Incident::Resumed
            ]
        ),
        "said once each time: {told:?}"
    );
    log.close().unwrap();
    assert_eq!(whole_dir(&dir), 5);
}

#[test]
fn threads_do_not_wait_for_a_directory_that_is_gone() {
    let (heard, parent) = (Heard::default(), tempfile::tempdir().unwrap());
    let dir = parent.path().join("log");
    let mut log = open(&dir, options(&heard));
    fs::rename(&dir, parent.path().join("elsewhere")).unwrap();
    let last = append(&mut log).unwrap();
    assert!(log.durability().wait_blocking(last).is_err());
    let closed = log.close().unwrap_err().to_string();
    assert!(closed.contains("no longer there"), "{closed}");
}

#[test]
fn sealed_segments_and_the_lock_are_looked_after() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), by_hand(&heard));
    while log.position().segment < Seq(200) {
        append(&mut log).unwrap();
    }
    log.sync_now().unwrap();
    assert_eq!(heard.lock().unwrap()[..], []);
    let segments = log.reader().segments().unwrap();
    let (gone, next) = (&segments[1], &segments[2]);
    let aside = dir.path().join("aside");
    fs::rename(dir.path().join(&gone.file), &aside).unwrap();
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    let missing = log.durability().integrity().missing;
    let [damage] = &missing[..] else {
        panic!("{missing:?}")
    };
    assert_eq!(damage.lost, Some(gone.first..=next.first.prev()));
    assert!(damage.path.ends_with(&gone.file));
    let refused = Log::open(Arc::new(FileStorage::open(dir.path()).unwrap()), by_hand(&heard));
    assert!(refused.is_err(), "the lock holds again");
    fs::rename(&aside, dir.path().join(&gone.file)).unwrap();
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    assert_eq!(log.durability().integrity().missing, []);
    let told = heard.lock().unwrap().clone();
    assert!(
        matches!(
            &told[..],
            [
                Incident::LockRestored { .. },
                Incident::Missing(_),
                Incident::Back { .. }
            ]
        ),
        "{told:?}"
    );
    log.close().unwrap();
}

#[test]
fn a_writer_whose_lock_was_taken_over_writes_no_more() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), by_hand(&heard));
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    let other = timberline_disk::WriterLock::acquire(dir.path()).unwrap();
    append(&mut log).unwrap();
    let failed = log.sync_now().unwrap_err();
    assert!(failed.reason.contains("has become the writer"), "{failed}");
    assert!(matches!(append(&mut log), Err(AppendError::Failed(_))));
    drop(other);
}

#[test]
fn the_segment_that_is_prepared_may_be_removed_too() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), by_hand(&heard));
    while !dir.path().join("next.seg.tmp").exists() {
        append(&mut log).unwrap();
        log.sync_now().unwrap();
    }
    fs::remove_file(dir.path().join("next.seg.tmp")).unwrap();
    while log.position().segment == Seq::FIRST {
        append(&mut log).unwrap();
    }
    let count = log.next_seq().prev().get();
    log.close().unwrap();
    assert_eq!(whole_dir(dir.path()), count);
}

#[test]
fn a_trimmed_segment_that_is_removed_is_put_back_and_lengthened() {
    let (heard, dir) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut log = open(dir.path(), by_hand(&heard));
    append(&mut log).unwrap();
    log.close().unwrap();
    let mut log = open(dir.path(), by_hand(&heard));
    fs::remove_file(dir.path().join(segment_name(Seq::FIRST))).unwrap();
    log.sync_now().unwrap();
    while log.position().segment == Seq::FIRST {
        append(&mut log).unwrap();
    }
    let count = log.next_seq().prev().get();
    log.close().unwrap();
    assert_eq!(whole_dir(dir.path()), count);
}

/// A removal, then a power cut at every later operation: what was reported durable is there, plain and encrypted.
#[test]
fn a_power_cut_while_a_segment_is_written_again_loses_nothing_durable() {
    for encrypted in [false, true] {
        for after in 0.. {
            let disk = SimDisk::new(after);
            let cipher = encrypted.then(|| Arc::new(Cipher::taken_into_use(&[7; 32])));
            let heard = Heard::default();
            let options = || LogOptions {
                cipher: cipher.clone(),
                ..by_hand(&heard)
            };
            let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
            for _ in 0..20 {
                append(&mut log).unwrap();
            }
            disk.dir("log").remove(&segment_name(Seq::FIRST)).unwrap();
            disk.crash_at(disk.operations() + after);
            let synced = log.sync_now().is_ok();
            let durable = log.durability().durable();
            let finished = !disk.has_crashed();
            let image = disk.crash(after);
            if synced {
                assert_eq!(durable, Seq(20));
            }
            // The removal itself may survive the power cut only if nothing was ever reported durable.
            let (log, recovery) = Log::open(image.dir("log"), options()).unwrap();
            assert!(recovery.last_seq >= durable, "{after}: {recovery:?}");
            assert!(recovery.damage.is_empty(), "{after}: {recovery:?}");
            drop(log);
            let kept = whole(image.dir("log"), cipher.clone());
            assert_eq!(kept, recovery.last_seq.get());
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_holds_appends_until_the_segment_can_be_written_again() {
    let (heard, disk) = (Heard::default(), SimDisk::new(1));
    let (mut log, _) = Log::open(disk.dir("log"), by_hand(&heard)).unwrap();
    append(&mut log).unwrap();
    disk.dir("log").remove(&segment_name(Seq::FIRST)).unwrap();
    disk.set_capacity(0);
    let error = log.sync_now().unwrap_err();
    assert!(error.reason.contains("cannot be written again"), "{error}");
    assert!(matches!(append(&mut log), Err(AppendError::Misplaced { .. })));
    disk.set_capacity(u64::MAX);
    log.sync_now().unwrap();
    append(&mut log).unwrap();
    log.sync_now().unwrap();
    drop(log);
    assert_eq!(whole(disk.dir("log"), None), 2);
}

#[test]
fn a_directory_that_is_moved_away_and_back_on_the_simulated_disk() {
    let (heard, disk) = (Heard::default(), SimDisk::new(2));
    let (mut log, _) = Log::open(disk.dir("log"), by_hand(&heard)).unwrap();
    append(&mut log).unwrap();
    disk.move_away("log");
    log.sync_now().unwrap_err();
    assert!(matches!(append(&mut log), Err(AppendError::Misplaced { .. })));
    disk.move_back("log");
    log.sync_now().unwrap();
    append(&mut log).unwrap();
    log.close().unwrap();
    assert_eq!(whole(disk.dir("log"), None), 2);
}
