//! A view segment as a whole: what is built is read, a flipped bit is noticed, and the golden file stays readable.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use timberline_disk::SimDisk;
use timberline_log::Seq;
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
    build(7, &[Source::Run(Arc::new(run), Seq(99))]).unwrap().unwrap()
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

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

#[test]
fn the_golden_segment_is_read_and_still_written_so() {
    let path = golden("segment.v2.view");
    let events = &sample()[..5];
    let bytes = built(events);
    if std::env::var_os("TIMBERLINE_WRITE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    let segment = opened(&golden).unwrap();
    assert_eq!(contents(&segment).unwrap(), events);
    let totals = segment.totals().unwrap().unwrap();
    assert_eq!(totals.get(1).map(|totals| totals.events), Some(1));
    segment.verify().unwrap();
    assert_eq!(bytes, golden);
}

/// Version 1 has no totals; whoever needs them reads the rows.
#[test]
fn a_segment_of_version_1_is_read_and_merged() {
    let bytes = std::fs::read(golden("segment.v1.view")).unwrap();
    let events = &sample()[..5];
    let segment = opened(&bytes).unwrap();
    segment.verify().unwrap();
    assert_eq!(contents(&segment).unwrap(), events);
    assert!(segment.totals().unwrap().is_none());
    let source = Source::Segment(Arc::new(segment), Arc::default());
    let merged = opened(&build(7, &[source]).unwrap().unwrap()).unwrap();
    merged.verify().unwrap();
    assert_eq!(contents(&merged).unwrap(), events);
    assert!(merged.totals().unwrap().is_some());
}

#[test]
fn totals_that_are_not_those_of_the_events_are_noticed() {
    let events = sample();
    let mut bytes = built(&events);
    let header = format::Header::parse("x", &bytes, bytes.len() as u64).unwrap();
    let (from, crc_at) = (header.totals_at as usize, header.dictionary_at as usize - 4);
    // The base of the first column, one nanosecond more.
    bytes[from + 4] += 1;
    let crc = crc32fast::hash(&bytes[from..crc_at]);
    bytes[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
    let error = opened(&bytes).unwrap().verify().unwrap_err().to_string();
    assert!(error.contains("its totals"), "{error}");
}

#[test]
fn a_segment_of_a_newer_version_is_named_so() {
    let mut bytes = built(&sample()[..3]);
    bytes[8] = 3;
    assert!(matches!(
        opened(&bytes),
        Err(SegmentError::Newer { version: 3, .. })
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

/// Heals from these events, as the store does from its log.
#[derive(Debug)]
struct FromEvents(Vec<Event>);

impl Heal for FromEvents {
    fn found(&self, _: &ViewSegment, _: &SegmentError) {}

    fn heal(&self, segment: &ViewSegment, _: &SegmentError) -> Result<Healed, SegmentError> {
        let mut found = Reconstruction::of(segment.original(), &[]);
        for (start, duration, id, text) in &self.0 {
            let row = Row {
                start: Timestamp::from_nanos(*start),
                duration: Duration::from_nanos(*duration),
                id: EventId(*id),
                data: 0,
            };
            found.offer(&row, |out| out.extend_from_slice(text.as_bytes()));
        }
        found.finish(Seq(99))
    }
}

/// A segment of five events whose last one refers to data that its dictionary does not have; all checksums hold.
fn with_a_row_without_data(events: &[Event]) -> Vec<u8> {
    let mut dictionary = dictionary::DictionaryBuilder::new();
    let mut rows: Vec<Row> = (events.iter())
        .map(|(start, duration, id, text)| Row {
            start: Timestamp::from_nanos(*start),
            duration: Duration::from_nanos(*duration),
            id: EventId(*id),
            data: dictionary.add_text(text),
        })
        .collect();
    rows.last_mut().unwrap().data = events.len() as u32;
    build::assemble(7, &rows, |_| Seq(99), &dictionary).unwrap()
}

/// The same with an object that has a value which the dictionary does not have.
fn with_an_object_without_value(events: &[Event]) -> Vec<u8> {
    let mut bytes = built(events);
    let header = format::Header::parse("x", &bytes, bytes.len() as u64).unwrap();
    let crc_at = bytes.len() - 4;
    bytes[crc_at - 1] = 0x7f;
    let crc = crc32fast::hash(&bytes[header.dictionary_at as usize..crc_at]);
    bytes[crc_at..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What a reader sees that reads the data along with the rows.
fn read_with_data(segment: &ViewSegment) -> Result<Vec<Event>, SegmentError> {
    let (number, mut dictionary) = segment.numbered_dictionary()?;
    let mut block = Block::default();
    segment.read_with_data(0, &[], &dictionary, &mut block)?;
    if let Some((_, newer)) = segment.newer_dictionary(number)? {
        dictionary = newer;
    }
    let rows = (0..block.len()).filter_map(|i| block.row(i));
    let event = |row: Row| {
        let mut text = Vec::new();
        dictionary.write_text(row.data, &mut text);
        let text = String::from_utf8(text).unwrap();
        (row.start.nanos(), row.duration.nanos(), row.id.0, text)
    };
    Ok(rows.map(event).collect())
}

#[test]
fn what_refers_to_data_that_is_not_there_is_healed_and_nothing_is_made_up() {
    let events = &sample()[..5];
    for bytes in [
        with_a_row_without_data(events),
        with_an_object_without_value(events),
    ] {
        let error = read_with_data(&opened(&bytes).unwrap()).unwrap_err();
        assert!(matches!(error, SegmentError::Damaged { .. }), "{error}");

        let views = SimDisk::new(0).dir("views");
        views.write_file("x.view", &bytes).unwrap();
        let healer = Arc::new(FromEvents(events.to_vec()));
        let segment = ViewSegment::open(&*views, "x.view", Some(healer)).unwrap();
        assert_eq!(read_with_data(&segment).unwrap(), events);
        assert_eq!(read_with_data(&segment).unwrap(), events);
        assert!(segment.is_damaged() && segment.missing().is_empty());
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
