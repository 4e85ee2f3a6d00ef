//! When a record was really written, as far as is known.
//!
//! A record carries the wall clock's time. That time is wrong where the clock was wrong: too early, and what it deleted
//! would be erased long before its time; too late, and it would be kept for years. [`Spans`] bound the times of records
//! whose clock was not believed; and no record is older than the segment that it lies in, nor than those before it.

use std::ops::RangeInclusive;

use timberline_log::{SegmentInfo, Seq};
use timberline_model::Timestamp;

/// Spans that are kept. Beyond that the two oldest become one, which can only make records look younger.
const MAX_SPANS: usize = 512;

/// Between which instants a range of records was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) earliest: Timestamp,
    pub(super) latest: Timestamp,
}

/// What is known about the times of ranges of records; later knowledge comes last and prevails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    pub(super) fn add(&mut self, records: RangeInclusive<Seq>, earliest: Timestamp, latest: Timestamp) {
        if records.is_empty() {
            return;
        }
        let span = Span {
            first: *records.start(),
            last: *records.end(),
            earliest,
            latest: latest.max(earliest),
        };
        self.0.push(span);
        if self.0.len() > MAX_SPANS
            && let [one, two, ..] = self.0.as_slice()
        {
            let joined = one.joined(two);
            self.0.splice(..2, [joined]);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }

    fn date(&self, seq: Seq, stamp: Timestamp) -> Timestamp {
        let of_it = self
            .0
            .iter()
            .filter(|span| (span.first..=span.last).contains(&seq));
        of_it.fold(stamp, |time, span| time.max(span.earliest).min(span.latest))
    }
}

impl Span {
    /// One span for both. A record may look younger by it, never older.
    fn joined(&self, other: &Span) -> Span {
        Span {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            earliest: self.earliest.max(other.earliest),
            latest: self.latest.max(other.latest),
        }
    }
}

/// Tells when records were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordDates {
    spans: Spans,
    /// First records of segments, and the time that none of the records from there on is older than.
    floors: Vec<(Seq, Timestamp)>,
}

impl RecordDates {
    pub(super) fn of(spans: &Spans, segments: &[SegmentInfo], now: Timestamp) -> RecordDates {
        let mut floors: Vec<(Seq, Timestamp)> = Vec::with_capacity(segments.len());
        for segment in segments {
            let first = segment.first;
            let created = segment.created.map(Timestamp::from_nanos);
            let created = created.map(|created| spans.date(first, created));
            let before = floors.last().map_or(Timestamp::MIN, |(_, floor)| *floor);
            // One that was made in the future was made by a wrong clock.
            let floor = created
                .filter(|created| *created <= now)
                .unwrap_or(Timestamp::MIN);
            floors.push((first, floor.max(before)));
        }
        RecordDates {
            spans: spans.clone(),
            floors,
        }
    }

    /// When the record was written, `stamp` being what the wall clock said then.
    pub(crate) fn date(&self, seq: Seq, stamp: Timestamp) -> Timestamp {
        let segments = self.floors.partition_point(|(first, _)| *first <= seq);
        let floor = segments.checked_sub(1).and_then(|at| self.floors.get(at));
        let dated = self.spans.date(seq, stamp);
        floor.map_or(dated, |(_, floor)| dated.max(*floor))
    }
}

#[cfg(test)]
mod tests {
    use super::super::DAY;
    use super::*;

    fn ns(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn segment(first: u64, created: i64) -> SegmentInfo {
        SegmentInfo {
            file: String::new(),
            first: Seq(first),
            last: None,
            used: None,
            durable: None,
            device: None,
            created: Some(created),
            sealed: None,
            generation: 0,
            squashed: false,
            encrypted: false,
            salvaged: 0,
        }
    }

    #[test]
    fn a_stamp_that_nothing_contradicts_is_believed() {
        let dating = RecordDates::of(&Spans::default(), &[segment(1, 10)], ns(100));
        assert_eq!(dating.date(Seq(5), ns(50)), ns(50));
    }

    #[test]
    fn no_record_is_older_than_its_segment_or_those_before() {
        // The third was made by a clock that was ahead, the fourth by one that was behind.
        let segments = [segment(1, 10), segment(5, 40), segment(9, 5_000), segment(12, 3)];
        let dating = RecordDates::of(&Spans::default(), &segments, ns(100));
        assert_eq!(dating.date(Seq(2), ns(-7)), ns(10));
        assert_eq!(dating.date(Seq(6), ns(-7)), ns(40));
        assert_eq!(dating.date(Seq(10), ns(41)), ns(41));
        assert_eq!(dating.date(Seq(13), ns(4)), ns(40));
    }

    #[test]
    fn spans_bound_the_times_of_their_records_and_the_later_prevails() {
        let mut spans = Spans::default();
        spans.add(Seq(1)..=Seq(4), Timestamp::MIN, ns(70));
        spans.add(Seq(3)..=Seq(4), ns(60), ns(60));
        let dating = RecordDates::of(&spans, &[], ns(100));
        assert_eq!(dating.date(Seq(1), ns(50)), ns(50));
        assert_eq!(dating.date(Seq(1), ns(5_000)), ns(70));
        assert_eq!(dating.date(Seq(3), ns(2)), ns(60));
        assert_eq!(dating.date(Seq(3), ns(5_000)), ns(60));
        assert_eq!(dating.date(Seq(5), ns(5_000)), ns(5_000));
    }

    /// Joined to one span, the records of the first crash would all seem to be of the time of the second.
    #[test]
    fn records_between_two_crashes_keep_their_times() {
        let mut spans = Spans::default();
        spans.add(Seq(1)..=Seq(10), ns(100), ns(200));
        spans.add(Seq(11)..=Seq(20), ns(200), ns(300));
        let dating = RecordDates::of(&spans, &[], ns(400));
        assert_eq!(dating.date(Seq(5), ns(150)), ns(150));
        assert_eq!(dating.date(Seq(15), ns(250)), ns(250));
    }

    #[test]
    fn there_are_never_many_spans_and_joining_makes_nothing_look_older() {
        let mut spans = Spans::default();
        let mut apart = Vec::new();
        for n in 0..2_000i64 {
            let first = Seq(10 * n.unsigned_abs() + 1);
            let at = ns(2 * n * DAY.nanos());
            spans.add(first..=first.plus(4), at, at);
            apart.push((first, at));
        }
        assert!(spans.iter().count() <= MAX_SPANS);
        for (first, at) in apart {
            assert!(spans.date(first, Timestamp::MIN) >= at);
        }
    }
}
