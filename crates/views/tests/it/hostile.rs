//! Records that nobody wrote: their checksums are right and what they say is not. Each is reported as one that does not
//! fold, the others are served, and the store goes on or says why it cannot.

use timberline_disk::SimDisk;
use timberline_log::{Entry, Log, LogOptions};
use timberline_model::{Bucket, Data, Duration, EventId, NewEvent, Pulsetime, Timestamp};
use timberline_views::record::{
    BucketCreated, CodecError, Erased, EventBlock, EventsChanged, EventsInserted, EventsPut, Heartbeat,
    Heartbeats, Last, Outcome, Record,
};
use timberline_views::tools::check;
use timberline_views::{BucketKey, OpenReport, Rebuild, Store, StoreOptions, TimeRange, WriteError};

const BUCKET: BucketKey = BucketKey(1);
/// Beyond it there is no id.
const GREATEST: u64 = (1 << 63) - 1;
/// Where a number begins to be none.
const BEYOND: [u64; 3] = [GREATEST + 1, u64::MAX - 1, u64::MAX];

fn created(bucket: BucketKey, id: &str) -> Record<'_> {
    Record::BucketCreated(BucketCreated {
        bucket,
        id,
        type_: "t",
        client: "c",
        hostname: "h",
        created: Timestamp::EPOCH,
        data: "{}",
        last_updated: None,
    })
}

fn block() -> EventBlock<'static> {
    let event = |start| (Timestamp::from_nanos(start), Duration::from_nanos(1), "{}");
    EventBlock::from_events([event(0), event(5)].into_iter())
}

fn inserted(first: u64) -> Record<'static> {
    Record::EventsInserted(EventsInserted {
        bucket: BUCKET,
        first: EventId(first),
        events: block(),
    })
}

fn put(id: u64) -> Record<'static> {
    Record::EventsPut(EventsPut {
        bucket: BUCKET,
        ids: vec![EventId(id), EventId(3)],
        events: block(),
    })
}

fn beat(event: u64) -> Record<'static> {
    Record::Heartbeat(Heartbeat {
        bucket: BUCKET,
        start: Timestamp::EPOCH,
        duration: Duration::ZERO,
        pulsetime: Pulsetime::from_nanos(0),
        outcome: Outcome::Created {
            event: EventId(event),
            data: "{}",
        },
    })
}

fn beats(first: u64) -> Record<'static> {
    Record::Heartbeats(Heartbeats {
        bucket: BUCKET,
        extended: None,
        first: EventId(first),
        counts: vec![1, 2],
        events: block(),
    })
}

fn changed(next_event: u64, id: u64) -> Record<'static> {
    Record::EventsChanged(EventsChanged {
        bucket: BUCKET,
        next_event: EventId(next_event),
        last: Last::Newest,
        removed: Vec::new(),
        extended: Vec::new(),
        ids: vec![EventId(3), EventId(id)],
        events: block(),
    })
}

fn erased(next_event: u64, next_bucket: u32) -> Record<'static> {
    Record::Erased(Erased {
        bucket: None,
        next_event: EventId(next_event),
        next_bucket,
    })
}

/// Every kind of record that gives out numbers, with one after which there is no next, or with the event id 0.
fn impossible() -> Vec<Record<'static>> {
    let mut records = vec![created(BucketKey(u32::MAX), "hostile"), inserted(GREATEST)];
    for number in BEYOND.into_iter().chain([0]) {
        records.extend([inserted(number), put(number), beat(number), beats(number)]);
        records.push(changed(0, number));
    }
    records.extend(
        BEYOND[1..]
            .iter()
            .flat_map(|number| [changed(*number, 1), erased(*number, 0)]),
    );
    records
}

/// What a record's payload would be: of a small number, which is then changed in the bytes.
fn forged(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = vec![1];
    let config = bincode::config::standard();
    let mut add = |value: &dyn Fn(&mut Vec<u8>)| value(&mut bytes);
    macro_rules! add {
        ($value:expr) => {
            add(&|out| {
                bincode::encode_into_std_write($value, out, config).expect("encodes");
            })
        };
    }
    let mut block_bytes = Vec::new();
    let sound = Record::EventsInserted(EventsInserted {
        bucket: BucketKey(0),
        first: EventId(1),
        events: block(),
    });
    sound.encode(&mut block_bytes).expect("encodes");
    // A version byte, and one byte each for the bucket and the first id.
    let block_bytes = block_bytes.split_off(3);
    match record {
        Record::BucketCreated(r) => add!(r),
        Record::Heartbeat(r) => add!(r),
        Record::Erased(r) => add!(r),
        Record::EventsInserted(r) => {
            add!(&(r.bucket, r.first.0));
            bytes.extend(block_bytes);
        }
        Record::Heartbeats(r) => {
            assert!(r.extended.is_none());
            add!(&(r.bucket, None::<u64>, r.first.0, &r.counts));
            bytes.extend(block_bytes);
        }
        Record::EventsPut(r) => {
            let ids: Vec<u64> = r.ids.iter().map(|id| id.0).collect();
            add!(&(r.bucket, &ids));
            bytes.extend(block_bytes);
        }
        Record::EventsChanged(r) => {
            assert!(r.removed.is_empty() && r.extended.is_empty());
            let (removed, extended) = (Vec::<u64>::new(), Vec::<(u64, i64)>::new());
            let steps = vec![3i64, r.ids[1].0.wrapping_sub(3).cast_signed()];
            add!(&(r.bucket, r.next_event.0, r.last, &removed, &extended, &steps));
            bytes.extend(block_bytes);
        }
        other => panic!("{other:?} gives out no numbers"),
    }
    bytes
}

/// A disk whose log has these records.
fn disk(records: &[(u8, Vec<u8>)]) -> SimDisk {
    let disk = SimDisk::with_files_up_to(0, 4 << 20);
    let options = LogOptions {
        manual_sync: true,
        segment_bytes: 1 << 20,
        ..LogOptions::default()
    };
    let (mut log, _) = Log::open(disk.dir("log"), options).expect("a log");
    for (kind, payload) in records {
        let entry = Entry { kind: *kind, payload };
        log.append(&[entry]).expect("is appended");
    }
    log.close().expect("closed");
    disk
}

fn open(disk: &SimDisk) -> (Store, OpenReport) {
    let options = StoreOptions {
        segment_bytes: 1 << 20,
        background: false,
        manual_sync: true,
        ..StoreOptions::default()
    };
    Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    )
    .expect("opens")
}

fn sound(records: &[Record<'_>]) -> Vec<(u8, Vec<u8>)> {
    let encoded = |record: &Record<'_>| {
        let mut bytes = Vec::new();
        record.encode(&mut bytes).expect("encodes");
        (record.kind().number(), bytes)
    };
    records.iter().map(encoded).collect()
}

fn event() -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(0),
        duration: Duration::from_nanos(1),
        data: "{}".into(),
    }
}

fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.to_owned(),
        type_: String::new(),
        client: String::new(),
        hostname: String::new(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    }
}

#[test]
fn an_impossible_number_is_neither_written_nor_read() {
    for record in impossible() {
        let written = record.encode(&mut Vec::new());
        assert!(
            matches!(written, Err(CodecError::Number { .. })),
            "{record:?}: {written:?}"
        );
        let bytes = forged(&record);
        let read = Record::decode(record.kind().number(), &bytes);
        assert!(
            matches!(read, Err(CodecError::Number { .. })),
            "{record:?}: {read:?}"
        );
    }
    // What the bytes are made of is right: with the greatest numbers that there are they are read.
    for record in [
        created(BucketKey(u32::MAX - 1), "b"),
        inserted(GREATEST - 1),
        put(GREATEST),
        beat(GREATEST),
        changed(GREATEST + 1, GREATEST),
        erased(GREATEST + 1, u32::MAX),
    ] {
        let bytes = forged(&record);
        assert_eq!(
            Record::decode(record.kind().number(), &bytes).expect("a record"),
            record
        );
    }
}

#[test]
fn hostile_records_are_told_and_the_others_are_served() {
    let mut records = sound(&[created(BUCKET, "b"), inserted(1)]);
    let hostile: Vec<_> = impossible()
        .iter()
        .map(|record| (record.kind().number(), forged(record)))
        .collect();
    let count = hostile.len();
    records.extend(hostile);
    records.extend(sound(&[inserted(3)]));
    let disk = disk(&records);
    // A second time from a checkpoint.
    for round in 0..2u64 {
        let (store, report) = open(&disk);
        let told = if round == 0 { count } else { 0 };
        assert_eq!(report.unfolded.len(), told, "{:?}", report.unfolded);
        let (ids, _) = store.insert_events("b", &[event()]).expect("goes on");
        assert_eq!(ids, [EventId(5 + round)]);
        let snapshot = store.snapshot();
        let view = snapshot.bucket("b").expect("is served");
        assert_eq!(view.len(), 5 + round);
        assert_eq!(
            view.events(TimeRange::ALL).expect("readable").count() as u64,
            5 + round
        );
        store.close().expect("closed");
    }
}

#[test]
fn where_the_numbers_end_writes_are_refused_and_nothing_of_them_is_kept() {
    let disk = disk(&sound(&[
        created(BUCKET, "b"),
        created(BucketKey(u32::MAX - 1), "last"),
        inserted(GREATEST - 1),
    ]));
    let (store, report) = open(&disk);
    assert_eq!(report.unfolded, []);
    let seq = store.snapshot().seq();
    let refused = store.insert_events("b", &[event()]);
    assert!(
        matches!(refused, Err(WriteError::Codec(CodecError::Number { .. }))),
        "{refused:?}"
    );
    let refused = store.create_bucket(&bucket("new"));
    assert!(
        matches!(refused, Err(WriteError::Codec(CodecError::Number { .. }))),
        "{refused:?}"
    );
    assert_eq!(store.snapshot().seq(), seq);
    assert_eq!(store.snapshot().buckets().count(), 2);
    store.close().expect("closed");
}

/// A heartbeat that makes its event shorter leaves no trace of where that once ended.
#[test]
fn an_event_that_becomes_shorter_takes_the_end_of_its_bucket_along() {
    let beat = |start, outcome| {
        Record::Heartbeat(Heartbeat {
            bucket: BUCKET,
            start: Timestamp::from_nanos(start),
            duration: Duration::from_nanos(100),
            pulsetime: Pulsetime::from_nanos(0),
            outcome,
        })
    };
    let made = |id, start| {
        let event = EventId(id);
        beat(start, Outcome::Created { event, data: "{}" })
    };
    let extended = |id, nanos| {
        let (event, duration) = (EventId(id), Duration::from_nanos(nanos));
        beat(0, Outcome::Extended { event, duration })
    };
    for shortened in [
        // The open event, and one that is not open any more.
        vec![made(1, 0), made(2, 50), extended(2, 5)],
        vec![made(1, 0), made(2, -200), extended(1, 5)],
        vec![made(1, 0), extended(1, 0)],
        vec![made(1, 0), extended(1, 500), extended(1, 5)],
    ] {
        let records = [vec![created(BUCKET, "b")], shortened].concat();
        let (store, _) = open(&disk(&sound(&records)));
        assert_eq!(check(&store.snapshot()), [""; 0], "{records:?}");
        store.close().expect("closed");
    }
}

#[test]
fn closing_tells_when_the_log_could_not_be_closed() {
    let disk = disk(&sound(&[created(BUCKET, "b")]));
    let (store, _) = open(&disk);
    store.insert_events("b", &[event()]).expect("is stored");
    store.checkpoint().expect("is written");
    // Nothing is left to be saved in views, so only the log can fail.
    disk.crash_at(disk.operations());
    assert!(store.close().is_err());
}
