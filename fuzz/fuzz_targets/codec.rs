//! Records: any bytes are a record or an error, in memory that their number bounds; what is decoded or made up is
//! encoded and decoded again as it was; and a damaged one never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use timberline_fuzz::meter::{Meter, most_held};
use timberline_fuzz::records::{Maker, has_block};
use timberline_fuzz::script::Script;
use timberline_views::record::{CodecError, Record, RecordKind};

#[global_allocator]
static METER: Meter = Meter;

/// What decoding may take beside what grows with the payload: a decompressor is some 160 KiB.
const BASE: usize = 2 << 20;
/// A compressed block of three bytes may stand for 128 KiB, and each of those for an element of a list.
const PER_BYTE: usize = (128 << 10) / 3 * 40;
/// Without compression, a byte is at most an element of a list.
const PER_PLAIN_BYTE: usize = 128;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    match script.byte() {
        0..128 => any_bytes(&mut script),
        _ => made_up(&mut script),
    }
});

fn any_bytes(script: &mut Script<'_>) {
    let greatest = RecordKind::ALL
        .iter()
        .map(|kind| kind.number())
        .max()
        .unwrap_or(0);
    // All there are, and one on each side that is none.
    let kind = script.byte() % (greatest + 2);
    let mut payload = vec![1];
    payload.extend_from_slice(script.rest());
    decode(kind, &payload);
}

/// Decodes and, if it is a record, sees that it comes back as it is.
fn decode(number: u8, payload: &[u8]) {
    let (decoded, held) = most_held(|| Record::decode(number, payload));
    let kind = RecordKind::from_number(number);
    let per_byte = match kind {
        Some(kind) if has_block(kind) => PER_BYTE,
        _ => PER_PLAIN_BYTE,
    };
    assert!(
        held <= BASE + per_byte * payload.len(),
        "{held} bytes held for a payload of {}",
        payload.len()
    );
    let bucket = Record::bucket_of(number, payload);
    match decoded {
        Ok(record) => {
            assert!(bucket.is_ok(), "{bucket:?} of {record:?}");
            assert_eq!((record.kind().number(), Some(record.kind())), (number, kind));
            assert!(comes_back(&record).is_some(), "{record:?} was decoded");
        }
        Err(error) => {
            let unknown = matches!(error, CodecError::Unknown { version: 1, .. });
            assert_eq!(unknown, kind.is_none() && payload.first() == Some(&1), "{error}");
        }
    }
}

/// Encodes and decodes; none if it has a number that no record may have.
fn comes_back(record: &Record<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match record.encode(&mut bytes) {
        Ok(()) => {}
        Err(CodecError::Number { .. }) => return None,
        Err(error) => panic!("{record:?} cannot be encoded: {error}"),
    }
    let again = Record::decode(record.kind().number(), &bytes).expect("what was encoded is decoded");
    assert_eq!(&again, record);
    Some(bytes)
}

fn made_up(script: &mut Script<'_>) {
    let texts = [script.text(), script.text(), script.text()];
    let kind = RecordKind::ALL[script.below(RecordKind::ALL.len())];
    let record = Maker::new(script, false).record(kind, [&texts[0], &texts[1], &texts[2]]);
    assert_eq!(record.kind(), kind);
    let Some(mut bytes) = comes_back(&record) else {
        return;
    };
    while !script.is_over() {
        let at = script.below(bytes.len());
        match script.byte() {
            0..16 => bytes.truncate(at + 1),
            flip => bytes[at] ^= flip,
        }
        decode(record.kind().number(), &bytes);
    }
}
