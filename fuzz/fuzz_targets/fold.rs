//! The fold: whatever records a log has, checksums right, it ends well: no panic and no overflow, in memory that the
//! records bound; and with a checkpoint after any of them it comes to the same as without.
//!
//! The data of events are canonical JSON objects here, as the sequencer writes them. The fold takes them as they are: a
//! check of each text would cost every start and every look at the past. Of a text that is no object, a view segment
//! keeps what it can make out, so its bytes would not come back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use timberline_disk::SimDisk;
use timberline_fuzz::fixture::{self, small_disk};
use timberline_fuzz::meter::{Meter, most_held};
use timberline_fuzz::records::Maker;
use timberline_fuzz::script::Script;
use timberline_log::{Entry, Log, LogOptions, LogReader, Seq};
use timberline_model::{Duration, EventId, NewEvent, Timestamp};
use timberline_views::record::{Outcome, Record, RecordKind};
use timberline_views::tools::{Replica, ReplicaError, check, differences};
use timberline_views::{BucketView, Snapshot, Store, TimeRange};

#[global_allocator]
static METER: Meter = Meter;

/// Records of one history, at most.
const RECORDS: usize = 24;
/// Names and data: the data of an event is a canonical JSON object.
const TEXTS: [&str; 3] = ["{}", r#"{"a":1}"#, r#"{"a":"b","c":[]}"#];
/// What folding may hold beside what grows with the payloads: tables that grow by themselves, a decompressor.
const BASE: usize = 16 << 20;
/// Bytes for each byte of a payload that is not compressed.
const PER_BYTE: usize = 4 << 10;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let disk = small_disk();
    let before = records(&mut script);
    append(&disk, &before);
    let sealing = script.byte();
    if sealing & 1 == 1 {
        let (store, _) = fixture::open(&disk).expect("records do not keep a store from opening");
        if sealing & 2 == 2 {
            let _ = store.flush(1);
        }
        store.checkpoint().expect("what was folded can be saved");
        let _ = store.close();
    }
    let after = records(&mut script);
    append(&disk, &after);

    let payloads = before.iter().chain(&after).map(|(_, payload)| payload.len());
    let plain = plainly(&disk, payloads.sum());
    let (store, _) = fixture::open(&disk).expect("records do not keep a store from opening");
    same(&store.snapshot(), &plain);
    let _ = store.close();
    let (store, _) = fixture::open(&disk).expect("a closed store opens");
    same(&store.snapshot(), &plain);
    go_on(&store, &mut script);
});

/// The kinds and payloads of records: made up, and some of them hurt.
fn records(script: &mut Script<'_>) -> Vec<(u8, Vec<u8>)> {
    let count = script.below(RECORDS);
    let mut made = Vec::new();
    for _ in 0..count {
        if script.is_over() {
            break;
        }
        let kind = RecordKind::ALL[script.below(RecordKind::ALL.len())];
        let turn = script.below(TEXTS.len());
        let texts = [0, 1, 2].map(|n| TEXTS[(n + turn) % TEXTS.len()]);
        let record = Maker::new(script, true).record(kind, texts);
        let mut payload = Vec::new();
        if record.encode(&mut payload).is_err() {
            continue;
        }
        if script.byte() >= 224 {
            let at = script.below(payload.len());
            payload[at] ^= script.byte();
            if Record::decode(kind.number(), &payload).is_ok_and(|record| !has_known_data(&record)) {
                continue;
            }
        }
        made.push((kind.number(), payload));
    }
    made
}

/// A view segment keeps the values of an object, not its text; what is no canonical object would not come back.
fn has_known_data(record: &Record<'_>) -> bool {
    let block = match record {
        Record::EventsInserted(record) => &record.events,
        Record::EventsPut(record) => &record.events,
        Record::Heartbeats(record) => &record.events,
        Record::EventsChanged(record) => &record.events,
        Record::Heartbeat(beat) => {
            return match beat.outcome {
                Outcome::Created { data, .. } => TEXTS.contains(&data),
                Outcome::Extended { .. } => true,
            };
        }
        _ => return true,
    };
    block.texts.iter().all(|text| TEXTS.contains(&text.as_ref()))
}

fn append(disk: &SimDisk, records: &[(u8, Vec<u8>)]) {
    let options = LogOptions {
        segment_bytes: 64 << 10,
        manual_sync: true,
        ..LogOptions::default()
    };
    let (mut log, _) = Log::open(disk.dir("log"), options).expect("a sound log opens");
    for (kind, payload) in records {
        let entry = Entry { kind: *kind, payload };
        log.append(&[entry]).expect("there is room");
    }
    log.close().expect("the disk is sound");
}

/// All records folded, one after the other.
fn plainly(disk: &SimDisk, bytes: usize) -> Snapshot {
    let reader = LogReader::open(disk.dir("log")).expect("a sound log");
    let mut records = reader.read_from(Seq::FIRST).expect("a sound log");
    let mut replica = Replica::new(small_disk().dir("spill"));
    let ((), held) = most_held(|| {
        while let Some(record) = records.next() {
            match replica.apply(&record.expect("a sound log")) {
                Ok(()) | Err(ReplicaError::Codec(_) | ReplicaError::Fold(_)) => {}
                Err(ReplicaError::Compact(error)) => panic!("{error}"),
            }
        }
    });
    assert!(
        held <= BASE + PER_BYTE * bytes,
        "{held} bytes held for payloads of {bytes}"
    );
    replica.snapshot()
}

fn same(found: &Snapshot, plain: &Snapshot) {
    assert_eq!(check(found), [""; 0]);
    assert_eq!(differences(found, plain), [""; 0]);
    for view in found.buckets() {
        let listed = list(view);
        assert_eq!(view.len(), listed.len() as u64);
        assert_eq!(view.count(TimeRange::ALL).expect("readable"), view.len());
        let plain = plain.bucket(&view.bucket().id).expect("they do not differ");
        assert_eq!(listed, list(plain));
        for (_, _, id) in listed.iter().take(8) {
            assert!(view.event(EventId(*id)).expect("readable").is_some());
        }
    }
}

/// Start, duration and id of each event.
fn list(view: &BucketView) -> Vec<(i64, i64, u64)> {
    let events = view.events(TimeRange::ALL).expect("readable");
    let event = |event: Result<timberline_views::EventRef<'_>, _>| {
        let event = event.expect("readable");
        (event.start().nanos(), event.duration().nanos(), event.id().0)
    };
    events.map(event).collect()
}

/// Goes on as a server would: a write is refused, or is there and stays there.
fn go_on(store: &Store, script: &mut Script<'_>) {
    let snapshot = store.snapshot();
    for view in snapshot.buckets() {
        let id = &view.bucket().id;
        let event = NewEvent {
            id: None,
            start: Timestamp::from_nanos(script.signed() / 4),
            duration: Duration::from_nanos(5),
            data: r#"{"app":"new"}"#.into(),
        };
        let Ok((ids, _)) = store.insert_events(id, &[event]) else {
            continue;
        };
        let now = store.snapshot();
        let view = now.bucket(id).expect("it is still there");
        for id in ids {
            assert!(
                view.event(id).expect("readable").is_some(),
                "{id} was acknowledged"
            );
        }
    }
    let _ = store.flush(1);
    let _ = store.compact();
    let _ = store.checkpoint();
}
