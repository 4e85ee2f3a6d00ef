//! Bytes that went bad are reported with file and offset, and every other record is still served.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::Config;
use timberline_log::{
    Damage, Entry, Log, LogOptions, LogReader, Position, Records, Seq, SimDisk, segment_name,
};

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
        // One more record carries the mark.
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

/// Records 1 to 3 are durable, which only record 4 says; the batch of 4 and 5 is torn, so record 4 goes. `hit` is a
/// damaged byte of what stays.
fn check_after_the_witness_is_cut_off(hit: usize, lost: Option<Seq>) {
    let disk = SimDisk::new(4);
    let sizes = [40; 5];
    let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
    for seq in [1, 2, 3] {
        let payload = payload(Seq(seq), 40);
        log.append(&[Entry {
            kind: 9,
            payload: &payload,
        }])
        .unwrap();
    }
    log.sync_now().unwrap();
    let payloads = [payload(Seq(4), 40), payload(Seq(5), 40)];
    let batch = payloads.each_ref().map(|payload| Entry { kind: 9, payload });
    log.append(&batch).unwrap();
    log.sync_now().unwrap();
    let mut disk = disk.crash(0);
    disk.flip_bit("log", &segment_name(Seq::FIRST), (4096 + 4 * 72 + 50) * 8);
    disk.flip_bit("log", &segment_name(Seq::FIRST), hit * 8);
    let expected: Vec<Seq> = [1, 2, 3]
        .map(Seq)
        .into_iter()
        .filter(|&seq| Some(seq) != lost)
        .collect();
    for round in 0..3 {
        let (log, recovery) = Log::open(disk.dir("log"), options()).unwrap();
        assert_eq!((recovery.last_seq, recovery.torn.is_some()), (Seq(3), round == 0));
        assert_eq!(recovery.damage.len(), 1, "{:?}", recovery.damage);
        let (served, damage) = read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
        assert_eq!((served, damage.len()), (expected.clone(), 1), "round {round}");
        let after = disk.crash(round);
        drop(log);
        disk = after;
    }
}

#[test]
fn damage_stays_damage_when_the_record_that_vouched_for_it_is_cut_off() {
    check_after_the_witness_is_cut_off(4096 + 72 + 50, Some(Seq(2)));
}

#[test]
fn a_damaged_header_costs_nothing_when_the_record_that_vouched_for_it_is_cut_off() {
    check_after_the_witness_is_cut_off(20, None);
}

/// The end of one segment is damaged, and the next one, whose only record says that it was durable, has no header: so
/// the log goes on where its last records are missing.
#[test]
fn what_is_appended_after_lost_records_is_there_the_next_time() {
    let disk = SimDisk::new(5);
    let dir = disk.dir("log");
    let (mut log, _) = Log::open(dir.clone(), options()).unwrap();
    let mut sizes = Vec::new();
    while log.reader().segments().unwrap().len() < 2 {
        log.sync_now().unwrap();
        sizes.push(400);
        fill_one(&mut log, 400);
    }
    log.sync_now().unwrap();
    let first = log.position().segment;
    let (damaged, headless) = (segment_name(Seq::FIRST), segment_name(first));
    let write = |name: &str, at: usize, bytes: &[u8]| {
        let region = dir.open_region(name, timberline_log::Access::Write).unwrap();
        region.write(at, bytes);
        region.sync(0..region.len()).unwrap();
    };
    write(&damaged, 2048, &[0; 2048]);
    write(
        &damaged,
        4096 + 2 * 432,
        &vec![0; (first.get() as usize - 3) * 432],
    );
    write(&headless, 0, &[0; 4096]);
    let mut disk = disk.crash(0);
    for round in 0..3 {
        let (mut log, recovery) = Log::open(disk.dir("log"), options()).unwrap();
        assert_eq!(recovery.last_seq.get(), first.get() - 1 + round, "{recovery:?}");
        sizes.truncate(recovery.last_seq.get() as usize);
        sizes.push(400);
        let seq = fill_one(&mut log, 400);
        assert_eq!(seq, recovery.last_seq.next());
        log.sync_now().unwrap();
        let (served, damage) = read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
        let expected: Vec<Seq> = [1, 2]
            .into_iter()
            .chain(first.get()..=seq.get())
            .map(Seq)
            .collect();
        assert_eq!(served, expected, "round {round}: {damage:?}");
        let killed = disk.crash(round);
        log.close().unwrap();
        let closed = LogReader::open(disk.dir("log")).unwrap();
        let (served, damage) = read(closed.read_from(Seq::FIRST).unwrap(), &sizes);
        assert_eq!(served, expected, "round {round}, closed: {damage:?}");
        disk = killed;
    }
    // And opened without appending anything.
    drop(Log::open(disk.dir("log"), options()).unwrap());
    let (_, recovery) = Log::open(disk.dir("log"), options()).unwrap();
    assert_eq!(recovery.last_seq.get(), first.get() + 2);
}

fn fill_one(log: &mut Log, size: usize) -> Seq {
    let payload = payload(log.next_seq(), size);
    let entry = Entry {
        kind: 9,
        payload: &payload,
    };
    *log.append(&[entry]).unwrap().end()
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
    let region = dir
        .open_region(&segment_name(Seq::FIRST), timberline_log::Access::Write)
        .unwrap();
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
fn zeroes_in_a_log_that_was_never_closed_are_damage_for_readers_too() {
    let disk = SimDisk::new(6);
    let sizes = [400; 5];
    let (mut log, _) = Log::open(disk.dir("log"), options()).unwrap();
    for size in sizes {
        fill_one(&mut log, size);
        log.sync_now().unwrap();
    }
    let region = disk
        .dir("log")
        .open_region(&segment_name(Seq::FIRST), timberline_log::Access::Write);
    let region = region.unwrap();
    region.write(4096 + 432, &[0; 432]);
    region.sync(0..region.len()).unwrap();
    let disk = disk.crash(0);
    let (log, recovery) = Log::open(disk.dir("log"), options()).unwrap();
    assert_eq!((recovery.last_seq, recovery.damage.len()), (Seq(5), 1));
    let (served, damage) = read(log.reader().read_from(Seq::FIRST).unwrap(), &sizes);
    assert_eq!((served, damage.len()), ([1, 3, 4, 5].map(Seq).to_vec(), 1));
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
    let region = dir
        .open_region(&segment_name(Seq::FIRST), timberline_log::Access::Write)
        .unwrap();
    let mut block = region.read(0..2048).to_vec();
    block[8] = 9;
    block[60..64].fill(0);
    let crc = crc32fast::hash(&block);
    block[60..64].copy_from_slice(&crc.to_le_bytes());
    region.write(0, &block);
    let refused = Log::open(dir, options()).unwrap_err().to_string();
    assert!(
        refused.ends_with("has log format version 9, this program knows versions up to 2: update Timberline"),
        "{refused}"
    );
}
