//! A view segment as a whole: what is built is read, a flipped bit is noticed, and the golden file stays readable.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use timberline_disk::SimDisk;
use timberline_model::{Duration, EventId, Timestamp};

use super::*;
use crate::head::{Interner, Run};
use crate::row::Row;

type Event = (i64, i64, u64, String);

fn built(events: &[Event]) -> Vec<u8> {
    let mut interner = Interner::default();
    let mut rows: Vec<Row> = events
        .iter()
        .map(|(start, duration, id, text)| Row {
            start: Timestamp::from_nanos(*start),
            duration: Duration::from_nanos(*duration),
            id: EventId(*id),
            data: interner.intern(text),
        })
        .collect();
    rows.sort_unstable_by(Row::cmp);
    let run = Run::from_sorted(rows, interner.dictionary().clone());
    build(7, &[Source::Run(Arc::new(run), 99)]).unwrap().unwrap()
}

fn opened(bytes: &[u8]) -> Result<ViewSegment, SegmentError> {
    let views = SimDisk::new(0).dir("views");
    views.write_file("x.view", bytes).unwrap();
    ViewSegment::open(&*views, "x.view", None)
}

fn contents(segment: &ViewSegment) -> Result<Vec<Event>, SegmentError> {
    let dictionary = segment.dictionary()?;
    let mut events = Vec::new();
    for b in 0..segment.blocks() {
        let block = segment.block(b)?;
        for row in (0..block.len()).filter_map(|i| block.row(i)) {
            let mut text = Vec::new();
            dictionary.write_text(row.data, &mut text);
            events.push((
                row.start.nanos(),
                row.duration.nanos(),
                row.id.0,
                String::from_utf8_lossy(&text).into_owned(),
            ));
        }
    }
    Ok(events)
}

fn sample() -> Vec<Event> {
    (0..2500i64)
        .map(|i| {
            let long = if i % 700 == 0 { 1_000_000_000_000 } else { 0 };
            let text = format!(
                r#"{{"app":"a{}","n":{{"x":[{i}]}},"title":"t, \" {}"}}"#,
                i % 5,
                i % 90
            );
            (
                i * 1_000_000_000 + i % 3,
                long + i * 1_000_000,
                i as u64 + 1,
                text,
            )
        })
        .collect()
}

#[test]
fn what_is_built_is_read() {
    let events = sample();
    let segment = opened(&built(&events)).unwrap();
    assert_eq!(contents(&segment).unwrap(), events);
    segment.verify().unwrap();
    for id in [1, 700, 1024, 1025, 2500] {
        let position = segment.find(EventId(id)).unwrap().unwrap();
        assert_eq!(segment.row(position).unwrap().unwrap().id, EventId(id));
    }
    assert_eq!(segment.find(EventId(2501)).unwrap(), None);
}

#[test]
fn the_golden_segment_is_read_and_still_written_so() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/segment.v1.view");
    let events = &sample()[..5];
    let bytes = built(events);
    if std::env::var_os("TIMBERLINE_WRITE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    assert_eq!(contents(&opened(&golden).unwrap()).unwrap(), events);
    assert_eq!(bytes, golden);
}

#[test]
fn a_segment_of_a_newer_version_is_named_so() {
    let mut bytes = built(&sample()[..3]);
    bytes[8] = 2;
    assert!(matches!(
        opened(&bytes),
        Err(SegmentError::Newer { version: 2, .. })
    ));
}

/// A header's checksum can be right and what it says wrong: then it must not cost memory either.
#[test]
fn a_header_that_speaks_of_blocks_or_rows_that_are_not_there_is_refused() {
    let bytes = built(&sample()[..3]);
    let header = format::Header::parse("x", &bytes, bytes.len() as u64).unwrap();
    for (blocks, rows) in [
        (u32::MAX, header.rows),
        (header.blocks, u32::MAX),
        (header.blocks, 0),
    ] {
        let wrong = format::Header {
            blocks,
            rows,
            ..header
        };
        let mut bytes = bytes.clone();
        bytes[..format::HEADER].copy_from_slice(&wrong.to_bytes());
        let error = opened(&bytes).unwrap_err().to_string();
        assert!(error.contains("do not fit together"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn one_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..8, short in any::<bool>()) {
        let events = if short { sample()[..20].to_vec() } else { sample() };
        let mut bytes = built(&events);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let read = opened(&bytes).and_then(|s| s.verify().and_then(|()| contents(&s)));
        prop_assert!(read.is_err(), "bit {bit} of byte {at} flipped, and nothing noticed");
    }

    #[test]
    fn garbage_is_no_segment_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(opened(&bytes).is_err());
    }
}
