//! Golden bytes of every record kind and version, and round trips of random ones.

use std::path::PathBuf;

use proptest::prelude::*;
use timberline_model::{Duration, EventId, Pulsetime, Timestamp};

use super::*;

/// An event as a block takes it.
fn event(start: i64, duration: i64, text: &str) -> (Timestamp, Duration, &str) {
    (Timestamp::from_nanos(start), Duration::from_nanos(duration), text)
}

fn examples() -> Vec<(&'static str, Record<'static>)> {
    let bucket = BucketKey(3);
    let block = EventBlock::from_events(
        [
            event(1_767_225_600_000_000_000, 1_500_000_000, r#"{"a":1}"#),
            event(1_767_225_601_000_000_001, -5, r#"{"ö":[null]}"#),
            event(-1, 0, r#"{"a":1}"#),
        ]
        .into_iter(),
    );
    let many = EventBlock::from_events((0..300i32).map(|i| {
        event(
            i64::from(i) * 1_000_000_000,
            1_000_000,
            r#"{"app":"x","title":"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}"#,
        )
    }));
    vec![
        (
            "bucket-created",
            Record::BucketCreated(BucketCreated {
                bucket,
                id: "aw-watcher-window_höst",
                type_: "currentwindow",
                client: "aw-watcher-window",
                hostname: "höst",
                created: Timestamp::from_nanos(1_767_225_600_123_456_789),
                data: r#"{"k":1}"#,
                last_updated: Some(Timestamp::from_nanos(-1)),
            }),
        ),
        (
            "bucket-updated",
            Record::BucketUpdated(BucketUpdated {
                bucket,
                type_: None,
                client: Some("c"),
                hostname: None,
                data: Some("{}"),
            }),
        ),
        (
            "bucket-listed",
            Record::BucketListed(BucketListed {
                bucket,
                id: Some("aw-watcher-window_desk"),
                aliases: Some(vec!["aw-watcher-window_höst", "x"]),
                archived: None,
            }),
        ),
        (
            "bucket-archived",
            Record::BucketListed(BucketListed {
                bucket,
                archived: Some(true),
                ..BucketListed::default()
            }),
        ),
        ("bucket-deleted", Record::BucketDeleted(BucketDeleted { bucket })),
        (
            "heartbeat-extended",
            Record::Heartbeat(Heartbeat {
                bucket,
                start: Timestamp::from_nanos(1_767_225_601_000_000_000),
                duration: Duration::ZERO,
                pulsetime: Pulsetime::from_nanos(60_000_000_000),
                outcome: Outcome::Extended {
                    event: EventId(77),
                    duration: Duration::from_nanos(1_000_000_000),
                },
            }),
        ),
        (
            "heartbeat-created",
            Record::Heartbeat(Heartbeat {
                bucket,
                start: Timestamp::MIN,
                duration: Duration::from_nanos(-4),
                pulsetime: Pulsetime::from_nanos(i64::MAX),
                outcome: Outcome::Created {
                    event: EventId(i64::MAX as u64),
                    data: r#"{"status":"afk"}"#,
                },
            }),
        ),
        (
            "heartbeats",
            Record::Heartbeats(Heartbeats {
                bucket,
                extended: Some(Extension {
                    event: EventId(77),
                    start: Timestamp::from_nanos(1_767_225_600_000_000_000),
                    before: Duration::from_nanos(-5),
                    after: Duration::from_nanos(1_500_000_000),
                }),
                first: EventId(300),
                counts: vec![1, 300, 2, 1],
                events: block.clone(),
            }),
        ),
        (
            "heartbeats-extended",
            Record::Heartbeats(Heartbeats {
                bucket,
                extended: Some(Extension {
                    event: EventId(300),
                    start: Timestamp::MIN,
                    before: Duration::ZERO,
                    after: Duration::from_nanos(1),
                }),
                first: EventId(301),
                counts: vec![5],
                events: EventBlock::default(),
            }),
        ),
        (
            "batch-taken",
            Record::BatchTaken(BatchTaken {
                client: "läptop",
                id: "0190f3a2-77de-7c31",
                digest: 0xdead_beef,
                parts: 2,
                outcomes: vec![BatchTaken::STORED, BatchTaken::STORED + 1, 0, 2, 300],
            }),
        ),
        (
            "events-inserted",
            Record::EventsInserted(EventsInserted {
                bucket,
                first: EventId(9),
                events: block.clone(),
            }),
        ),
        (
            "events-inserted-compressed",
            Record::EventsInserted(EventsInserted {
                bucket,
                first: EventId(300),
                events: many,
            }),
        ),
        (
            "events-put",
            Record::EventsPut(EventsPut {
                bucket,
                ids: vec![EventId(7), EventId(1), EventId(1 << 40)],
                events: block,
            }),
        ),
        (
            "events-deleted",
            Record::EventsDeleted(EventsDeleted {
                bucket,
                ids: vec![EventId(1), EventId(300)],
            }),
        ),
        (
            "setting-set",
            Record::SettingSet(SettingSet {
                key: "startOfDay",
                value: r#""04:00""#,
            }),
        ),
        (
            "setting-deleted",
            Record::SettingDeleted(SettingDeleted { key: "theme" }),
        ),
        (
            "events-changed",
            Record::EventsChanged(EventsChanged {
                bucket,
                next_event: EventId(301),
                last: Last::Event(EventId(7)),
                removed: vec![EventId(5), EventId(300)],
                extended: vec![(EventId(6), Duration::from_nanos(2_000_000_000))],
                ids: vec![EventId(7), EventId(8), EventId(9)],
                events: EventBlock::from_events(
                    [event(1, 2, "{}"), event(3, -4, "{}"), event(5, 0, r#"{"a":1}"#)].into_iter(),
                ),
            }),
        ),
        (
            "bucket-restored",
            Record::BucketRestored(BucketRestored { bucket }),
        ),
        (
            "erased",
            Record::Erased(Erased {
                bucket: Some(bucket),
                next_event: EventId(300),
                next_bucket: 4,
            }),
        ),
        (
            "purge-begun",
            Record::PurgeBegun(PurgeBegun {
                bucket,
                whole: false,
                events: vec![
                    PurgedEvents {
                        through: Through::Now,
                        ids: vec![EventId(1), EventId(2)],
                    },
                    PurgedEvents {
                        through: Through::UpTo(Seq(17)),
                        ids: vec![EventId(300)],
                    },
                ],
                redact: false,
            }),
        ),
        (
            "purge-ended",
            Record::PurgeEnded(PurgeEnded { through: Seq(300) }),
        ),
        (
            "lost",
            Record::Lost(Lost {
                cause: LossCause::Unfoldable,
            }),
        ),
        (
            "salvaged",
            Record::Lost(Lost {
                cause: LossCause::Salvaged,
            }),
        ),
    ]
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.v1"))
}

/// `TIMBERLINE_WRITE_GOLDEN=1` writes fixtures that are not there yet; it never changes one.
#[test]
fn what_was_once_written_can_be_read() {
    for (name, record) in examples() {
        let path = golden(name);
        if std::env::var_os("TIMBERLINE_WRITE_GOLDEN").is_some() && !path.exists() {
            let mut bytes = vec![record.kind().number()];
            record.encode(&mut bytes).unwrap();
            std::fs::write(&path, bytes).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (kind, payload) = bytes.split_first().unwrap();
        assert_eq!(Record::decode(*kind, payload).unwrap(), record, "{name}");
    }
}

/// Compressed blocks aside, whose bytes are zstd's choice.
#[test]
fn what_is_written_today_is_what_was_written_then() {
    for (name, record) in examples()
        .into_iter()
        .filter(|(name, _)| !name.ends_with("compressed"))
    {
        let mut bytes = vec![record.kind().number()];
        record.encode(&mut bytes).unwrap();
        assert_eq!(bytes, std::fs::read(golden(name)).unwrap(), "{name}");
    }
}

#[test]
fn bytes_after_a_record_are_refused() {
    let mut bytes = Vec::new();
    Record::BucketDeleted(BucketDeleted { bucket: BucketKey(1) })
        .encode(&mut bytes)
        .unwrap();
    bytes.push(0);
    assert!(matches!(
        Record::decode(RecordKind::BucketDeleted.number(), &bytes),
        Err(CodecError::Trailing(1))
    ));
}

/// 256 MiB that a few bytes claim are not asked of the system, let alone filled.
#[test]
fn a_length_that_the_bytes_cannot_hold_is_refused_before_memory_is_taken() {
    let claims = |count: u32| [&[1, 3, 252], &count.to_le_bytes()[..]].concat();
    // 100,000 ids would be 800 KB; the limit of what decoding may ever take does not catch that.
    let claimed = claims(100_000);
    let list = Record::decode(RecordKind::EventsDeleted.number(), &claimed);
    let limit = matches!(
        list,
        Err(CodecError::Decode(bincode::error::DecodeError::LimitExceeded))
    );
    assert!(limit, "{list:?}");
    let mut block = vec![1];
    block.extend_from_slice(&(200u32 << 20).to_le_bytes());
    block.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0]);
    let decoded = EventBlock::decode(&block);
    assert!(
        matches!(decoded, Err(CodecError::Block(why)) if why.contains("more than its bytes can")),
        "{decoded:?}"
    );
}

#[test]
fn kinds_and_versions_of_the_future_are_named() {
    assert!(matches!(
        Record::decode(200, &[1]),
        Err(CodecError::Unknown {
            kind: 200,
            version: 1
        })
    ));
    assert!(matches!(
        Record::decode(4, &[9, 0]),
        Err(CodecError::Unknown { kind: 4, version: 9 })
    ));
}

proptest! {
    #[test]
    fn blocks_come_back_as_they_were(events in prop::collection::vec((any::<i64>(), any::<i64>(), 0u8..9), 0..200), unit in prop::sample::select(vec![1i64, 1_000, 1_000_000_000])) {
        let events: Vec<(i64, i64, String)> = events.iter().map(|(s, d, t)| (s / unit * unit, d / unit * unit, format!("{{\"n\":{t}}}"))).collect();
        let block = EventBlock::from_events(events.iter().map(|(s, d, t)| event(*s, *d, t)));
        let mut bytes = Vec::new();
        block.encode(&mut bytes).unwrap();
        let back = EventBlock::decode(&bytes).unwrap();
        prop_assert_eq!(&back, &block);
        prop_assert!(back.iter().eq(events.iter().map(|(s, d, t)| event(*s, *d, t))));
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(kind in 0u8..20, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut payload = vec![1];
        payload.extend(bytes);
        let _ = Record::decode(kind, &payload);
    }

    #[test]
    fn a_damaged_record_is_an_error_or_another_record_and_no_panic(which in 0usize..examples().len(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (_, record) = examples().swap_remove(which);
        let mut bytes = Vec::new();
        record.encode(&mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = Record::decode(record.kind().number(), &bytes);
    }
}
