//! Bytes that went bad are reported with file and offset, and every other record is still served.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::Config;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::{Damage, Entry, Log, LogOptions, LogReader, Position, Records, Seq, segment_name};

fn cases() -> u32 {
    std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        manual_sync: true,
        clock: Arc::new(|| 77),
        ..LogOptions::default()
    }
}

fn payload(seq: Seq, size: usize) -> Vec<u8> {
    (0..size as u64)
        .map(|index| (seq.get() * 31 + index * 7) as u8)
        .collect()
}

/// Appends batches of one or two records, a sync after each few.
fn fill(log: &mut Log, sizes: &[usize]) {
    for (index, pair) in sizes.chunks(2).enumerate() {
        let first = log.next_seq();
        let payloads: Vec<_> = pair
            .iter()
            .zip(0..)
            .map(|(&size, nth)| payload(first.plus(nth), size))
            .collect();
        let entries: Vec<_> = payloads
            .iter()
            .map(|payload| Entry { kind: 9, payload })
            .collect();
        log.append(&entries).unwrap();
        if index % 3 == 0 {
            log.sync_now().unwrap();
        }
    }
}

/// Where the records lie and how long their frames are.
fn places(mut records: Records) -> BTreeMap<Seq, (Position, u64)> {
    let mut places = BTreeMap::new();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        let size = (32 + record.payload.len() as u64).next_multiple_of(8);
        places.insert(record.seq, (record.position, size));
    }
    places
}

/// All that can be read, and all damage that is reported on the way.
fn read(mut records: Records, sizes: &[usize]) -> (Vec<Seq>, Vec<Damage>) {
    let (mut served, mut damage) = (Vec::new(), Vec::new());
    while let Some(next) = records.next() {
        match next {
            Ok(record) => {
                assert_eq!(
                    record.payload,
                    payload(record.seq, sizes[record.seq.get() as usize - 1])
                );
                served.push(record.seq);
            }
            Err(found) => damage.push(found),
        }
    }
    (served, damage)
}

/// The one report must name the file and the place, and all records but the one that was hit must be there.
fn check(records: Records, sizes: &[usize], hit: Option<Seq>, file: &str, byte: u64) {
    let (served, damage) = read(records, sizes);
    let expected: Vec<Seq> = (1..=sizes.len() as u64)
        .map(Seq)
        .filter(|&seq| Some(seq) != hit)
        .collect();
    assert_eq!(served, expected, "byte {byte} of {file}: {damage:?}");
    let [damage] = &damage[..] else {
        panic!("byte {byte} of {file}: {damage:?}")
    };
    assert!(damage.path.ends_with(file), "{damage}");
    assert!(
        (damage.offset..damage.offset + damage.bytes).contains(&byte),
        "byte {byte}: {damage}"
    );
    assert_eq!(damage.lost, hit.map(|seq| seq..=seq));
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_flipped_bit_of_a_closed_log_is_reported_and_costs_one_record_at_most(
        sizes in prop::collection::vec(0usize..700, 1..120), picks in prop::collection::vec(any::<prop::sample::Index>(), 12)
    ) {
        let disk = SimDisk::new(1);
        let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
        fill(&mut log, &sizes);
        let places = places(log.reader().read_from(Seq::FIRST).unwrap());
        log.close().unwrap();
        // All bytes that hold something: headers and frames.
        let mut used: BTreeMap<Seq, u64> = BTreeMap::new();
        for (position, size) in places.values() {
            used.insert(position.segment, position.offset + size);
        }
        let bits: u64 = used.values().sum::<u64>() * 8;
        for pick in picks {
            let mut bit = pick.index(bits as usize) as u64;
            let (segment, _) = used.iter().find(|(_, bytes)| {
                let here = bit < **bytes * 8;
                if !here { bit -= **bytes * 8 }
                here
            }).unwrap();
            let (file, byte) = (segment_name(*segment), bit / 8);
            let hit = places.iter().find(|(_, (at, size))| {
                at.segment == *segment && (at.offset..at.offset + size).contains(&byte)
            }).map(|(&seq, _)| seq);
            let copy = disk.crash(0);
            copy.flip_bit("log", &file, bit as usize);
            check(LogReader::open(copy.dir("log")).unwrap().read_from(Seq::FIRST).unwrap(), &sizes, hit, &file, byte);
            // And after recovery, which may seal, but not cut.
            let (mut log, recovery) = Log::open(copy.dir("log"), options()).unwrap();
            prop_assert_eq!((recovery.last_seq, recovery.torn), (Seq(sizes.len() as u64), None));
            if hit.is_some() {
                check(log.reader().read_from(Seq::FIRST).unwrap(), &sizes, hit, &file, byte);
            }
            let after = log.append(&[Entry { kind: 9, payload: b"on" }]).unwrap();
            prop_assert_eq!(after.start().get(), sizes.len() as u64 + 1);
        }
    }

    #[test]
    fn a_flipped_bit_below_a_durable_mark_is_damage_even_if_the_log_was_never_closed(
        sizes in prop::collection::vec(0usize..300, 1..60), pick in any::<prop::sample::Index>()
    ) {
        let disk = SimDisk::new(2);
        let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
        fill(&mut log, &sizes);
        let places = places(log.reader().read_from(Seq::FIRST).unwrap());
        log.sync_now().unwrap();
        // One more record carries the durable mark.
        let mut all = sizes.clone();
        all.push(5);
        let last = payload(log.next_seq(), 5);
        log.append(&[Entry { kind: 9, payload: &last }]).unwrap();
        log.sync_now().unwrap();
        let copy = disk.crash(0);
        let (hit, (position, size)) = places.iter().nth(pick.index(places.len())).unwrap();
        let byte = position.offset + pick.index(*size as usize) as u64;
        let file = segment_name(position.segment);
        copy.flip_bit("log", &file, byte as usize * 8 + 3);
        check(LogReader::open(copy.dir("log")).unwrap().read_from(Seq::FIRST).unwrap(), &all, Some(*hit), &file, byte);
        let (log, recovery) = Log::open(copy.dir("log"), options()).unwrap();
        prop_assert_eq!((recovery.last_seq, recovery.torn), (Seq(all.len() as u64), None));
        check(log.reader().read_from(Seq::FIRST).unwrap(), &all, Some(*hit), &file, byte);
    }
}

/// Records of a size that heartbeats have, none of which is known to be durable. The length of a frame is never one bit
/// alone: without that bit it would be no length, as in a write that was interrupted.
fn tail_sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = (9usize..180).prop_filter("a length of one bit", |size| !(32 + size).is_power_of_two());
    prop::collection::vec(size, 2..80)
}

/// What a power cut leaves of a log with these records, and where they are. Whether the footer of the last sync was on the
/// disk by then is up to the system.
fn cut_off(options: LogOptions, sizes: &[usize], marked: bool) -> (SimDisk, Vec<(Position, u64)>) {
    let disk = SimDisk::new(8);
    let overhead = if options.cipher.is_some() {
        Cipher::OVERHEAD
    } else {
        0
    };
    let (mut log, _) = Log::open(disk.dir("log"), options).unwrap();
    let places = sizes.iter().map(|&size| {
        let place = log.position();
        let payload = payload(log.next_seq(), size);
        let entry = Entry {
            kind: 9,
            payload: &payload,
        };
        log.append(&[entry]).unwrap();
        let place = Position {
            offset: log.position().offset - (32 + (size + overhead) as u64).next_multiple_of(8),
            ..if log.position().segment == place.segment {
                place
            } else {
                log.position()
            }
        };
        (place, log.position().offset - place.offset)
    });
    let places = places.collect();
    // On the disk, but no frame says so.
    log.sync_now().unwrap();
    let dir = disk.dir("log");
    for name in dir.list().unwrap().iter().filter(|name| name.ends_with(".seg")) {
        let region = dir.open_write_region(name).unwrap();
        if !marked {
            region.write(2048, &[0; 2048]);
        }
        region.sync(0..4096).unwrap();
    }
    (disk.crash(0), places)
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_flipped_bit_in_the_tail_costs_one_record_whether_a_mark_says_that_it_was_durable_or_not(
        sizes in tail_sizes(), picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 12),
        encrypted in any::<bool>(), marked in any::<bool>()
    ) {
        let cipher = encrypted.then(|| Arc::new(Cipher::taken_into_use(&[7; 32])));
        let options = || LogOptions { cipher: cipher.clone(), segment_bytes: 64 << 10, ..options() };
        let (disk, places) = cut_off(options(), &sizes, marked);
        for (which, bit) in picks {
            let which = which.index(sizes.len());
            let ((place, size), hit) = (places[which], Seq(which as u64 + 1));
            let bit = bit.index(size as usize * 8) as u64;
            if encrypted && bit / 8 < 4 && !marked {
                // With encryption a length may be one bit.
                continue;
            }
            let copy = disk.crash(0);
            let file = segment_name(place.segment);
            copy.flip_bit("log", &file, (place.offset * 8 + bit) as usize);
            // Nothing comes after the last one: without a footer it cannot be told from a write that was interrupted.
            let is_told = marked || which + 1 < sizes.len();
            let others: Vec<Seq> = (1..=sizes.len() as u64).map(Seq).filter(|&seq| seq != hit).collect();
            let read_back = |records: Records| read(records, &sizes);
            let reader = LogReader::open(copy.dir("log")).unwrap().with_cipher(cipher.clone());
            let (served, damage) = read_back(reader.read_from(Seq::FIRST).unwrap());
            prop_assert_eq!(&served, &others, "before recovery: bit {} of record {}", bit, hit);
            prop_assert_eq!(damage.len(), usize::from(is_told));
            let (mut log, recovery) = Log::open(copy.dir("log"), options()).unwrap();
            if !is_told {
                prop_assert!(recovery.damage.is_empty() && recovery.torn.is_some());
            } else {
                prop_assert_eq!(&recovery.torn, &None);
                prop_assert_eq!(recovery.damage.len(), 1);
                let found = &recovery.damage[0];
                prop_assert_eq!(found.lost.clone(), Some(hit..=hit));
                prop_assert_eq!((found.offset, found.bytes), (place.offset, size));
            }
            // Neither what follows nor another power cut makes a torn end of it.
            let next = payload(log.next_seq(), 20);
            log.append(&[Entry { kind: 9, payload: &next }]).unwrap();
            log.sync_now().unwrap();
            drop(log);
            let (log, again) = Log::open(copy.crash(1).dir("log"), options()).unwrap();
            prop_assert_eq!(again.torn, None);
            let (mut count, mut damaged) = (0, 0);
            let mut records = log.reader().read_from(Seq::FIRST).unwrap();
            while let Some(record) = records.next() {
                count += usize::from(record.is_ok());
                damaged += usize::from(record.is_err());
            }
            prop_assert_eq!((count, damaged), (others.len() + 1, usize::from(is_told)));
        }
    }
}

/// Several records of the tail at once, also next to one another; a hole of zeroes is still the end.
#[test]
fn a_tail_that_was_overwritten_is_read_on_and_a_hole_in_it_is_not() {
    let sizes = vec![70; 60];
    let (disk, places) = cut_off(options(), &sizes, false);
    let name = segment_name(Seq::FIRST);
    let bytes = disk.dir("log").read_file(&name).unwrap();
    let overwritten = |from: usize, to: usize, with: u8| {
        let copy = disk.crash(0);
        let mut bytes = bytes.clone();
        bytes[places[from].0.offset as usize + 1..places[to].0.offset as usize].fill(with);
        copy.dir("log").write_file(&name, &bytes).unwrap();
        let (log, recovery) = Log::open(copy.dir("log"), options()).unwrap();
        let (served, _) = read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
        (served.len(), recovery)
    };
    let (served, recovery) = overwritten(20, 23, 0xa5);
    assert_eq!((served, recovery.torn), (57, None));
    assert_eq!(recovery.damage[0].lost, Some(Seq(21)..=Seq(23)));
    // Longer than a sector: one of them may not have been written.
    let (served, recovery) = overwritten(20, 40, 0);
    assert_eq!((served, recovery.damage.len()), (20, 0));
    assert!(recovery.torn.is_some());
}

/// A log that nobody closed, as a killed process leaves it: what was synced last is named by no frame, only by the footer.
#[test]
fn an_end_that_was_synced_and_went_bad_is_damage_and_no_torn_end() {
    let sizes = vec![70; 200];
    let options = || LogOptions {
        segment_bytes: 64 << 10,
        ..options()
    };
    let (disk, places) = cut_off(options(), &sizes, true);
    let name = segment_name(Seq::FIRST);
    let bytes = disk.dir("log").read_file(&name).unwrap();
    let end = places.last().map(|(place, size)| place.offset + size).unwrap() as usize;
    let last = places.last().unwrap().0.offset as usize;
    let zeroed = |from: usize, to: usize| {
        let mut bytes = bytes.clone();
        bytes[from..to].fill(0);
        bytes
    };
    for (what, bytes) in [
        (
            "the last page is zeroed",
            zeroed(end / 4096 * 4096, (end / 4096 + 1) * 4096),
        ),
        ("all pages are zeroed", zeroed(4096, bytes.len())),
        ("the last length is zeroed", zeroed(last, last + 4)),
        ("the file is cut in the middle", bytes[..end / 2].to_vec()),
        ("the file is cut behind its header", bytes[..4096].to_vec()),
    ] {
        let copy = disk.crash(0);
        copy.dir("log").write_file(&name, &bytes).unwrap();
        let read_back = |log: &Log| read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
        let (mut log, recovery) = Log::open(copy.dir("log"), options()).unwrap();
        assert_eq!(recovery.torn, None, "{what}");
        assert_eq!(
            (recovery.last_seq, recovery.damage.len()),
            (Seq(200), 1),
            "{what}"
        );
        let lost = recovery.damage[0].lost.clone().unwrap();
        assert_eq!(*lost.end(), Seq(200), "{what}");
        let kept: Vec<Seq> = (1..lost.start().get()).map(Seq).collect();
        assert_eq!(read_back(&log).0, kept, "{what}");
        // Nothing of it is forgotten when the log goes on.
        let next = payload(log.next_seq(), 70);
        let appended = log
            .append(&[Entry {
                kind: 9,
                payload: &next,
            }])
            .unwrap();
        assert_eq!(*appended.start(), Seq(201), "{what}");
        log.sync_now().unwrap();
        drop(log);
        let (log, again) = Log::open(copy.crash(1).dir("log"), options()).unwrap();
        assert_eq!(again.torn, None, "{what}");
        let (served, damage) = read(log.reader().read_from(Seq::FIRST).unwrap(), &[70; 201]);
        assert_eq!((served.len(), damage.len()), (kept.len() + 1, 1), "{what}");
    }
}

/// A segment is made with its full length. Without even a header, nobody can say what was in it, but not that it was nothing.
#[test]
fn a_segment_that_was_emptied_is_reported() {
    for left in [0, 100, 4095] {
        let (disk, _) = cut_off(options(), &[70; 20], true);
        let name = segment_name(Seq::FIRST);
        let bytes = disk.dir("log").read_file(&name).unwrap();
        disk.dir("log").write_file(&name, &bytes[..left]).unwrap();
        let (log, recovery) = Log::open(disk.dir("log"), options()).unwrap();
        assert!(
            recovery.damage.iter().any(|damage| damage.path.ends_with(&name)),
            "{left} bytes are left: {recovery:?}"
        );
        log.close().unwrap();
        let (_, again) = Log::open(disk.dir("log"), options()).unwrap();
        assert!(again.damage.is_empty(), "it was written again: {again:?}");
    }
}

/// A log of `count` records of 400 bytes over several segments, closed.
fn closed_log(count: usize) -> (SimDisk, Vec<usize>) {
    let disk = SimDisk::new(3);
    let sizes = vec![400; count];
    let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
    fill(&mut log, &sizes);
    log.close().unwrap();
    (disk, sizes)
}

#[test]
fn recovery_reports_damage_in_what_was_not_sealed_and_goes_on_after_it() {
    let (disk, sizes) = closed_log(10);
    disk.flip_bit("log", &segment_name(Seq::FIRST), (4096 + 432 * 9 + 100) * 8);
    let (mut log, recovery) = Log::open(disk.dir("log"), options()).unwrap();
    assert_eq!((recovery.last_seq, recovery.torn), (Seq(10), None));
    let [damage] = &recovery.damage[..] else {
        panic!("{:?}", recovery.damage)
    };
    assert_eq!(
        (damage.offset, damage.bytes, damage.lost.clone()),
        (4096 + 432 * 9, 432, Some(Seq(10)..=Seq(10)))
    );
    assert_eq!(
        damage.to_string(),
        "/sim/log/00000000000000000001.seg is damaged at byte 7984 (432 bytes, record 10 lost): checksum mismatch; \
         all other records are still served"
    );
    log.append(&[Entry {
        kind: 9,
        payload: &payload(Seq(11), 400),
    }])
    .unwrap();
    log.close().unwrap();
    let (served, damage) = read(
        LogReader::open(disk.dir("log"))
            .unwrap()
            .read_from(Seq::FIRST)
            .unwrap(),
        &[&sizes[..], &[400]].concat(),
    );
    assert_eq!(
        (served.len(), served.last(), damage.len()),
        (10, Some(&Seq(11)), 1)
    );
}

#[test]
fn a_missing_segment_file_is_reported_and_the_others_are_served() {
    let (disk, sizes) = closed_log(100);
    let dir = disk.dir("log");
    let firsts: Vec<Seq> = LogReader::open(dir.clone())
        .unwrap()
        .segments()
        .unwrap()
        .iter()
        .map(|at| at.first)
        .collect();
    dir.remove(&segment_name(firsts[1])).unwrap();
    let (served, damage) = read(
        LogReader::open(dir).unwrap().read_from(Seq::FIRST).unwrap(),
        &sizes,
    );
    let lost = firsts[1]..=firsts[2].prev();
    assert_eq!(
        served,
        (1..=100)
            .map(Seq)
            .filter(|seq| !lost.contains(seq))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        damage
            .iter()
            .map(|damage| damage.lost.clone())
            .collect::<Vec<_>>(),
        [Some(lost)]
    );
}

#[test]
fn a_page_of_zeroes_in_the_active_segment_is_damage_not_the_end() {
    let (disk, sizes) = closed_log(25);
    let dir = disk.dir("log");
    let region = dir.open_write_region(&segment_name(Seq::FIRST)).unwrap();
    region.write(8192, &[0; 4096]);
    let (served, damage) = read(
        LogReader::open(dir.clone())
            .unwrap()
            .read_from(Seq::FIRST)
            .unwrap(),
        &sizes,
    );
    assert_eq!(damage.len(), 1, "{damage:?}");
    let lost = damage[0].lost.clone().unwrap();
    assert_eq!(
        served,
        (1..=25)
            .map(Seq)
            .filter(|seq| !lost.contains(seq))
            .collect::<Vec<_>>()
    );
    let (_log, recovery) = Log::open(dir, options()).unwrap();
    assert_eq!(
        (recovery.last_seq, recovery.torn, recovery.damage.len()),
        (Seq(25), None, 1)
    );
}

#[test]
fn damage_before_the_record_asked_for_is_not_reported() {
    let (disk, sizes) = closed_log(20);
    disk.flip_bit("log", &segment_name(Seq::FIRST), (4096 + 432 * 2 + 50) * 8);
    let (served, damage) = read(
        LogReader::open(disk.dir("log"))
            .unwrap()
            .read_from(Seq(10))
            .unwrap(),
        &sizes,
    );
    assert_eq!(
        (served.first(), served.len(), damage.len()),
        (Some(&Seq(10)), 11, 0)
    );
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let (disk, _) = closed_log(1);
    let dir = disk.dir("log");
    let region = dir.open_write_region(&segment_name(Seq::FIRST)).unwrap();
    let mut block = vec![0; 2048];
    region.read_at(0, &mut block);
    block[8] = 9;
    block[60..64].fill(0);
    let crc = crc32fast::hash(&block);
    block[60..64].copy_from_slice(&crc.to_le_bytes());
    region.write(0, &block);
    let refused = Log::open(dir, options()).unwrap_err().to_string();
    assert!(
        refused.ends_with("has log format version 9, this program knows versions up to 3: update Timberline"),
        "{refused}"
    );
}

/// What opening says about a log whose files were hurt, and that all the same everything else is read and writing goes on.
fn opened_after(hurt: impl FnOnce(&dyn timberline_disk::Storage, &[String])) -> Vec<Damage> {
    let (disk, sizes) = closed_log(200);
    let storage = disk.dir("log");
    let mut names = storage.list().unwrap();
    names.retain(|name| name.ends_with(".seg"));
    names.sort();
    assert!(names.len() > 4);
    hurt(&*storage, &names);
    let looked = Log::look(&storage, &options()).unwrap();
    let (mut log, recovery) = Log::open(Arc::clone(&storage), options()).unwrap();
    assert_eq!(looked.damage, recovery.damage, "looking finds what opening finds");
    assert_eq!(looked.last_seq, recovery.last_seq);
    let on = payload(Seq(201), 400);
    let after = log
        .append(&[Entry {
            kind: 9,
            payload: &on,
        }])
        .unwrap();
    assert_eq!(after.start().get(), 201);
    let sizes = [sizes, vec![400]].concat();
    let (served, damage) = read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
    let lost = |damage: &[Damage]| -> Vec<Seq> {
        let ranges = damage.iter().filter_map(|damage| damage.lost.clone());
        let mut lost: Vec<Seq> = ranges
            .flat_map(|range| (range.start().get()..=range.end().get()).map(Seq))
            .collect();
        lost.sort_unstable();
        lost.dedup();
        lost
    };
    // A reader begins with the oldest segment that is there.
    let found = lost(&recovery.damage);
    assert!(
        lost(&damage).iter().all(|seq| found.contains(seq)),
        "{damage:?} and {recovery:?}"
    );
    assert_eq!(served.len() + found.len(), 201);
    recovery.damage
}

#[test]
fn sealed_segments_that_are_missing_swapped_cut_or_flipped_are_noticed_when_the_log_is_opened() {
    assert_eq!(opened_after(|_, _| {}), []);
    // Missing, in the middle and at the beginning.
    for gone in [0, 2] {
        let damage = opened_after(|storage, names| storage.remove(&names[gone]).unwrap());
        let [damage] = &damage[..] else {
            panic!("{damage:?}")
        };
        assert!(damage.reason.contains("missing"), "{damage}");
    }
    let damage = opened_after(|storage, names| {
        storage.rename(&names[1], "aside").unwrap();
        storage.rename(&names[2], &names[1]).unwrap();
        storage.rename("aside", &names[2]).unwrap();
    });
    assert_eq!(damage.len(), 2, "{damage:?}");
    assert!(
        damage.iter().all(|one| one.reason.contains("under another name")),
        "{damage:?}"
    );
    // Two of the same.
    let damage = opened_after(|storage, names| {
        let bytes = storage.read_file(&names[1]).unwrap();
        storage.write_file(&names[2], &bytes).unwrap();
    });
    assert!(
        damage.len() == 1
            && damage[0]
                .path
                .ends_with(segment_name(*damage[0].lost.clone().unwrap().start()))
    );
    for left in [0u64, 100, 4096, 8000] {
        let damage = opened_after(|storage, names| storage.set_len(&names[1], left).unwrap());
        assert!(!damage.is_empty(), "cut to {left}");
        if left > 0 {
            assert!(
                damage.iter().any(|one| one.lost.is_some()) || left <= 4096,
                "cut to {left}: {damage:?}"
            );
        }
    }
    for byte in [20u64, 2048 + 24] {
        let damage = opened_after(|storage, names| {
            let mut bytes = storage.read_file(&names[1]).unwrap();
            bytes[byte as usize] ^= 4;
            storage.write_file(&names[1], &bytes).unwrap();
        });
        assert_eq!(damage.len(), 1, "{damage:?}");
    }
}

#[test]
fn a_log_that_is_not_opened_after_all_is_as_it_was() {
    let (disk, _) = closed_log(30);
    let storage = disk.dir("log");
    storage.write_file("next.seg.tmp", b"left over").unwrap();
    let content = || {
        let mut names = storage.list().unwrap();
        names.sort();
        names
            .into_iter()
            .map(|name| (storage.read_file(&name).unwrap(), name))
            .collect::<Vec<_>>()
    };
    let before = content();
    let opening = Log::prepare(Arc::clone(&storage), options()).unwrap();
    assert_eq!(opening.last_seq(), Seq(30));
    drop(opening);
    assert_eq!(content(), before);
    let dir = tempfile::tempdir().unwrap();
    let storage: Arc<dyn timberline_disk::Storage> =
        Arc::new(timberline_disk::FileStorage::open(dir.path()).unwrap());
    drop(Log::prepare(Arc::clone(&storage), options()).unwrap());
    assert_eq!(storage.list().unwrap(), Vec::<String>::new());
    // A lock file that was there stays.
    std::fs::write(dir.path().join("LOCK"), "").unwrap();
    drop(Log::prepare(Arc::clone(&storage), options()).unwrap());
    assert_eq!(storage.list().unwrap(), ["LOCK"]);
}
