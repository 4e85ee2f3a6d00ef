//! The log after whatever has happened to its files: opening it never panics, finds every frame that is whole and that a
//! mark says was durable, invents none, agrees with a reader that looked before, and finds the same the second time.
//!
//! Two kinds of files: those that a [`Log`] wrote, hurt afterwards, of which is known what must be found; and those
//! that the fuzzer makes up, with right checksums under wrong numbers, lengths and marks.

#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use timberline_disk::Storage;
use timberline_fuzz::fixture::small_disk;
use timberline_fuzz::log_file::{self, FRAME, HEADER, MARK};
use timberline_fuzz::script::Script;
use timberline_log::{Entry, Log, LogOptions, LogReader, Scanned, Seq, scan};

/// Segment files by name.
type Files = BTreeMap<String, Vec<u8>>;
/// What a record is known by here: number, kind, payload.
type Known = (u64, u8, Vec<u8>);

const SEGMENT_BYTES: u64 = 16 << 10;
/// Steps of a history, and things done to its files.
const STEPS: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    match script.byte() % 3 {
        0 => {
            let mut files = written(&mut script);
            let before = files.clone();
            for _ in 0..script.byte() % 8 {
                hurt(&mut files, &mut script);
            }
            let found = check(&files, true);
            nothing_is_invented(&before, &found);
            nothing_durable_is_lost(&before, &files, &found);
        }
        1 => drop(check(&made_up(&mut script, false), false)),
        _ => survive(&made_up(&mut script, true)),
    }
});

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        clock: Arc::new(|| 0),
        manual_sync: true,
        ..LogOptions::default()
    }
}

/// What a log leaves that was written to and then killed, or closed.
fn written(script: &mut Script<'_>) -> Files {
    let storage = small_disk().dir("log");
    let open = || {
        Log::open(Arc::clone(&storage), options())
            .expect("a sound log opens")
            .0
    };
    let mut log = open();
    for _ in 0..STEPS {
        match script.byte() % 12 {
            0 => break,
            1 | 2 => log.sync_now().expect("the disk is sound"),
            3 => {
                log.close().expect("the disk is sound");
                log = open();
            }
            more => append(&mut log, script, usize::from(more % 3) + 1),
        }
    }
    if script.byte() & 1 == 1 {
        log.close().expect("the disk is sound");
        return files(&*storage);
    }
    files(&*storage)
}

fn append(log: &mut Log, script: &mut Script<'_>, count: usize) {
    let records: Vec<(u8, Vec<u8>)> = (0..count)
        .map(|_| {
            let kind = script.byte();
            // Some fill a good part of a segment, so that there are several.
            let fill = usize::from(script.byte());
            let length = if fill > 200 { (fill - 200) * 64 } else { fill };
            let mut payload = script.take(length.min(16)).to_vec();
            payload.resize(length, kind);
            (kind, payload)
        })
        .collect();
    let entries: Vec<Entry<'_>> = records
        .iter()
        .map(|(kind, payload)| Entry { kind: *kind, payload })
        .collect();
    log.append(&entries).expect("there is space");
}

fn files(storage: &dyn Storage) -> Files {
    let names = storage.list().expect("a directory").into_iter();
    let segments = names.filter(|name| name.ends_with(".seg"));
    segments
        .map(|name| {
            let bytes = storage.read_file(&name).expect("a file");
            (name, bytes)
        })
        .collect()
}

/// Does one bad thing to one file.
fn hurt(files: &mut Files, script: &mut Script<'_>) {
    let Some(name) = files.keys().nth(script.below(files.len().max(1))).cloned() else {
        return;
    };
    let Some(file) = files.get_mut(&name) else { return };
    let end = log_file::frames(file)
        .last()
        .map_or(HEADER, |frame| frame.offset + frame.size);
    let how = script.byte();
    // Mostly where something is.
    let within = if how & 0x80 == 0 { end + 64 } else { file.len() };
    let at = script.below(within.clamp(1, file.len().max(1)));
    let length = 1 + usize::from(script.byte());
    let range = at.min(file.len())..(at + length).min(file.len());
    match how % 6 {
        0 | 1 => file[range]
            .iter_mut()
            .for_each(|byte| *byte ^= 1 << (how >> 4 & 7)),
        2 => file[range].fill(0),
        3 => {
            let noise = script.take(range.len());
            file[range][..noise.len()].copy_from_slice(noise);
        }
        4 => file.truncate(at),
        _ => {
            files.remove(&name);
        }
    }
}

/// Segments that no log wrote. Frames are missing, damaged, or junk; if `wild`, numbers, marks and names are whatever
/// they like, and contradict one another.
fn made_up(script: &mut Script<'_>, wild: bool) -> Files {
    let mut files = Files::new();
    // A log whose numbers are used up is refused.
    let mut seq = (script.long() >> 2).max(1);
    for _ in 0..1 + script.byte() % 4 {
        let (name, bytes) = made_up_segment(script, &mut seq, wild);
        files.insert(log_file::name(name), bytes);
    }
    files
}

fn made_up_segment(script: &mut Script<'_>, seq: &mut u64, wild: bool) -> (u64, Vec<u8>) {
    let first = *seq;
    let mut frames = Vec::new();
    for _ in 0..script.byte() % 16 {
        match script.byte() {
            // A number of its own, from somewhere else.
            0..16 if wild => *seq = script.long(),
            16..32 => *seq = seq.wrapping_add(u64::from(script.byte())),
            32..48 => frames.extend_from_slice(script.take(24)),
            48..64 => frames.resize(frames.len() + 8 * usize::from(script.byte() % 16), 0),
            _ => {}
        }
        frames.resize(frames.len().next_multiple_of(8), 0);
        let lag = match script.byte() {
            0..64 if wild => script.long() as u32,
            // A frame is never durable when it is written.
            some => 1 + u32::from(some & 3),
        };
        let length = usize::from(script.byte() % 64);
        let payload = script.take(length);
        let start = frames.len();
        // Marks lie between batches, which made-up ones do not know of.
        let more = wild && script.byte() & 7 == 0;
        log_file::push_frame(&mut frames, *seq, lag, 1, more, payload);
        if script.byte() < 16 {
            let at = start + script.below(FRAME + payload.len());
            frames[at] ^= 1 | script.byte();
        }
        *seq = seq.wrapping_add(1);
    }
    let used = (HEADER + frames.len()) as u64;
    let mark = match script.byte() % 8 {
        0..4 => None,
        4 | 5 => Some((true, used, seq.wrapping_sub(1))),
        6 => Some((false, used, seq.wrapping_sub(1))),
        _ if wild => Some((script.byte() & 1 == 0, script.long(), script.long())),
        _ => None,
    };
    // No log seals a segment that holds nothing; the next one would have its name.
    let mark = mark.filter(|(sealed, _, last)| wild || !sealed || *last >= first);
    let named = if wild && script.byte() < 8 {
        script.long()
    } else {
        first
    };
    let version = if wild && script.byte() < 32 { 2 } else { 1 };
    let mut bytes = log_file::header(first, version, u32::from(version == 2), mark);
    if version == 2 {
        log_file::squash(&mut bytes, script.long());
    }
    match script.byte() {
        0..8 => bytes[..MARK].fill(0),
        8..16 => bytes[MARK + 9] ^= 1,
        _ => {}
    }
    bytes.extend_from_slice(&frames);
    bytes.resize(bytes.len() + usize::from(script.byte()), 0);
    (named, bytes)
}

fn disk_with(files: &Files) -> Arc<dyn Storage> {
    let storage = small_disk().dir("log");
    for (name, bytes) in files {
        storage.write_file(name, bytes).expect("a fresh disk takes files");
    }
    storage
}

fn records(reader: &LogReader) -> Vec<Known> {
    let mut records = reader.read_from(Seq::FIRST).expect("a log is read");
    let mut found: Vec<Known> = Vec::new();
    while let Some(record) = records.next() {
        if let Ok(record) = record {
            found.push((record.seq.0, record.kind, record.payload.to_vec()));
        }
    }
    found
}

/// Everything that must hold whatever the files are. Gives back the records that are found. Whether a reader finds the same
/// before recovery is asked only of files that a log `wrote`: made-up ones can contradict themselves (a mark that
/// speaks of records of the next segment), and then it depends on which word is believed.
fn check(files: &Files, wrote: bool) -> Vec<Known> {
    for (name, bytes) in files {
        check_scan(bytes, log_file::first_of(name).unwrap_or(1));
    }
    let storage = disk_with(files);
    let reader = LogReader::open(Arc::clone(&storage)).expect("a log is opened for reading");
    let Ok(infos) = reader.segments() else {
        // Of a version that is not known; refused as a whole, and nothing changes.
        assert!(Log::open(Arc::clone(&storage), options()).is_err());
        return Vec::new();
    };
    assert!(infos.len() <= files.len(), "{infos:?}");
    let read = records(&reader);
    assert!(read.is_sorted_by(|a, b| a.0 < b.0), "records out of order");

    let (mut log, recovery) = Log::open(Arc::clone(&storage), options()).expect("the disk is sound");
    let kept = records(&log.reader());
    assert!(
        !wrote || kept == read,
        "{read:?} before, {kept:?} after recovery: {recovery:?}"
    );
    let read = kept;
    let next = log.next_seq();
    assert_eq!(next, recovery.last_seq.next());
    let entry = Entry {
        kind: 9,
        payload: b"after",
    };
    log.append(&[entry]).expect("there is space");
    log.close().expect("the disk is sound");

    let (log, again) = Log::open(Arc::clone(&storage), options()).expect("the disk is sound");
    assert_eq!(again.torn, None, "once repaired it is whole");
    assert_eq!(again.last_seq, next);
    let expected: Vec<Known> = read
        .iter()
        .cloned()
        .chain([(next.0, 9, b"after".to_vec())])
        .collect();
    let now = log.reader().segments().expect("headers are read");
    assert_eq!(
        records(&log.reader()),
        expected,
        "{infos:?} and {recovery:?}, then {again:?} and {now:?}"
    );
    log.close().expect("the disk is sound");
    let reader = LogReader::open(storage).expect("a log is opened for reading");
    assert_eq!(records(&reader), expected);
    read
}

/// Opening, reading, appending to and opening again come to an end.
fn survive(files: &Files) {
    for (name, bytes) in files {
        check_scan(bytes, log_file::first_of(name).unwrap_or(1));
    }
    let storage = disk_with(files);
    let reader = LogReader::open(Arc::clone(&storage)).expect("a log is opened for reading");
    if reader.segments().is_err() {
        return;
    }
    records(&reader);
    for _ in 0..2 {
        let Ok((mut log, _)) = Log::open(Arc::clone(&storage), options()) else {
            return;
        };
        let entry = Entry {
            kind: 9,
            payload: b"",
        };
        let _ = log.append(&[entry]);
        records(&log.reader());
        let _ = log.close();
    }
}

fn check_scan(file: &[u8], first: u64) {
    let frames = file.get(HEADER..).unwrap_or_default();
    let mut end = 0;
    for item in scan(frames, Seq(first)) {
        let (offset, size) = match &item {
            Scanned::Frame { offset, frame } => (*offset, frame.size() as u64),
            Scanned::Gap { offset, bytes, .. } => (*offset, *bytes),
            Scanned::Torn { offset } => (*offset, 0),
        };
        assert!(offset >= end, "{item:?} lies before {end}");
        end = offset + size;
        assert!(end <= frames.len() as u64, "{item:?} ends beyond the file");
    }
}

fn nothing_is_invented(before: &Files, found: &[Known]) {
    let known: BTreeMap<u64, Vec<u8>> = before
        .values()
        .flat_map(|file| log_file::frames(file))
        .map(|frame| (frame.seq, frame.payload))
        .collect();
    for (seq, _, payload) in found {
        assert_eq!(known.get(seq), Some(payload), "record {seq}");
    }
}

/// A frame of which no byte was touched, and of which a mark that is whole says that it was durable, is there.
fn nothing_durable_is_lost(before: &Files, after: &Files, found: &[Known]) {
    let mut durable = 0;
    let mut whole = Vec::new();
    for (name, file) in before {
        let Some(now) = after.get(name) else { continue };
        if file.get(MARK..HEADER) == now.get(MARK..HEADER) {
            durable = durable.max(log_file::marked(file).unwrap_or(0));
        }
        for frame in log_file::frames(file) {
            let place = frame.offset..frame.offset + frame.size;
            if file.get(place.clone()) == now.get(place) {
                durable = durable.max(frame.durable);
                whole.push(frame.seq);
            }
        }
    }
    let lost = whole
        .iter()
        .find(|&&seq| seq <= durable && found.iter().all(|known| known.0 != seq));
    assert_eq!(lost, None, "records are durable up to {durable}");
}
