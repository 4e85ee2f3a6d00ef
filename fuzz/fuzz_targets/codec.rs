//! Records: any bytes are a record or an error, in memory that their number bounds; what is decoded or made up is
//! encoded and decoded again as it was; and a damaged one never panics.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use timberline_fuzz::meter::{Meter, most_held};
use timberline_fuzz::script::Script;
use timberline_views::BucketKey;
use timberline_views::record::{
    BucketCreated, BucketDeleted, BucketUpdated, EventBlock, EventsDeleted, EventsInserted, EventsPut,
    Heartbeat, Outcome, Record, SettingDeleted, SettingSet,
};

#[global_allocator]
static METER: Meter = Meter;

/// What decoding may take beside what grows with the payload: a decompressor is some 160 KiB.
const BASE: usize = 2 << 20;
/// A compressed block of three bytes may stand for 128 KiB, and each of those for an element of a list.
const PER_BYTE: usize = (128 << 10) / 3 * 40;
/// Without compression, a byte is at most an element of a list.
const PER_PLAIN_BYTE: usize = 128;
/// Kinds whose events may be compressed.
const BLOCKS: [u8; 2] = [5, 6];

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    match script.byte() {
        0..128 => any_bytes(&mut script),
        _ => made_up(&mut script),
    }
});

fn any_bytes(script: &mut Script<'_>) {
    let kind = script.byte() % 12;
    let mut payload = vec![1];
    payload.extend_from_slice(script.rest());
    decode(kind, &payload);
}

/// Decodes and, if it is a record, sees that it comes back as it is. Gives back whether it is.
fn decode(kind: u8, payload: &[u8]) -> bool {
    let (decoded, held) = most_held(|| Record::decode(kind, payload));
    let compressed = BLOCKS.contains(&kind);
    let per_byte = if compressed { PER_BYTE } else { PER_PLAIN_BYTE };
    assert!(
        held <= BASE + per_byte * payload.len(),
        "{held} bytes held for a payload of {}",
        payload.len()
    );
    let bucket = Record::bucket_of(kind, payload);
    let Ok(record) = decoded else { return false };
    assert!(bucket.is_ok(), "{bucket:?} of {record:?}");
    assert_eq!(record.kind(), kind);
    comes_back(&record);
    true
}

fn comes_back(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes).expect("a record can be encoded");
    let again = Record::decode(record.kind(), &bytes).expect("what was encoded is decoded");
    assert_eq!(&again, record);
    bytes
}

fn made_up(script: &mut Script<'_>) {
    let (id, text, data) = (script.text(), script.text(), script.text());
    let record = record(script, &id, &text, &data);
    let mut bytes = comes_back(&record);
    while !script.is_over() {
        let at = script.below(bytes.len());
        match script.byte() {
            0..16 => bytes.truncate(at + 1),
            flip => bytes[at] ^= flip,
        }
        decode(record.kind(), &bytes);
    }
}

fn record<'a>(script: &mut Script<'_>, id: &'a str, text: &'a str, data: &'a str) -> Record<'a> {
    let bucket = BucketKey(script.long() as u32);
    let some = script.byte();
    let maybe = |bit: u8, text: &'a str| (some >> bit & 1 == 1).then_some(text);
    match script.byte() % 10 {
        0 => Record::BucketCreated(BucketCreated {
            bucket,
            id,
            type_: text,
            client: data,
            hostname: id,
            created: script.signed(),
            data,
            last_updated: (some & 1 == 1).then(|| script.signed()),
        }),
        1 => Record::BucketUpdated(BucketUpdated {
            bucket,
            type_: maybe(0, id),
            client: maybe(1, text),
            hostname: maybe(2, data),
            data: maybe(3, data),
        }),
        2 => Record::BucketDeleted(BucketDeleted { bucket }),
        3 => Record::Heartbeat(heartbeat(script, bucket, Outcome::Created { event: 1, data })),
        4 => {
            let (event, duration) = (script.long(), script.signed());
            Record::Heartbeat(heartbeat(script, bucket, Outcome::Extended { event, duration }))
        }
        5 => Record::EventsInserted(EventsInserted {
            bucket,
            first: script.long(),
            events: block(script, &[id, text, data]),
        }),
        6 => {
            let events = block(script, &[id, text, data]);
            let ids = (0..events.len()).map(|_| script.long()).collect();
            Record::EventsPut(EventsPut { bucket, ids, events })
        }
        7 => Record::EventsDeleted(EventsDeleted {
            bucket,
            ids: (0..script.byte()).map(|_| script.long()).collect(),
        }),
        8 => Record::SettingSet(SettingSet { key: id, value: text }),
        _ => Record::SettingDeleted(SettingDeleted { key: id }),
    }
}

fn heartbeat<'a>(script: &mut Script<'_>, bucket: BucketKey, outcome: Outcome<'a>) -> Heartbeat<'a> {
    Heartbeat {
        bucket,
        start: script.signed(),
        duration: script.signed(),
        pulsetime: script.signed(),
        outcome,
    }
}

/// Events over these texts, as often as not in whole units of time, and enough of them to be compressed.
fn block<'a>(script: &mut Script<'_>, texts: &[&'a str]) -> EventBlock<'a> {
    let count = script.below(600);
    let unit = [1, 1_000, 1_000_000, 1_000_000_000][script.below(4)];
    let mut next = script.signed();
    let events = (0..count).map(|n| {
        next = next.wrapping_add(if n % 8 == 0 { script.signed() } else { 1 });
        let duration = if n % 16 == 0 { script.signed() } else { 0 };
        // Wrapped values are not whole units any more, and then are values like any other.
        (
            next.wrapping_mul(unit),
            duration.wrapping_mul(unit),
            texts[n % texts.len()],
        )
    });
    let events: Vec<_> = events.collect();
    let block = EventBlock::from_events(events.iter().copied());
    assert!(block.iter().eq(events.iter().copied()));
    let owned = block.texts.iter().all(|text| matches!(text, Cow::Borrowed(_)));
    assert!(owned, "a block borrows what it is made of");
    block
}
