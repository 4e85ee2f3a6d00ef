//! How records change a bucket. Pure: the same records give the same state, live and in recovery.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | the state of a bucket: how it is made, how full its head is, where an event lies |
//! | `change` | carries out a record's changes of events |
//! | `heartbeat` | creates and extends the open event |
//! | `remove` | removes events from memory, and hides them in view segments |
//! | `extent` | from when to when the events reach, and from which time on a record has changed them |
//! | `head` | the rows in memory: adding, freezing, the new view segment in their place |

mod change;
mod extent;
mod head;
mod heartbeat;
mod remove;

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{Bucket, EventId, Timestamp};

use crate::head::Interner;
use crate::record::{BucketKey, Put};
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::{BucketView, Changes, EventLocation, Located};

/// Rows in a head that make it worth a segment.
pub(crate) const FLUSH_ROWS: usize = 32 * 1024;
/// Bytes of text in a head that do.
const SEAL_BYTES: usize = 16 << 20;
/// Bytes that a row of a head takes beside the text of its data, about: the row itself (32), in runs of which one is at
/// times copied, and a place in the dictionary (16) and in its index (10).
const ROW_BYTES: usize = 80;
/// Below this a head is not flushed just because all heads together take too much.
const SIZABLE_BYTES: usize = 256 << 10;

/// A bucket as the fold holds it: the view that is published, and what finds texts in its dictionary.
#[derive(Debug)]
pub(crate) struct BucketState {
    pub(crate) view: BucketView,
    interner: Interner,
    /// The earliest instant that the record which is being folded in has changed so far.
    changed: Option<Timestamp>,
    /// No start of an event is greater.
    greatest_start: Timestamp,
    /// No other event has the start of the open one, as far as is known, so extending it changes no order.
    open_is_alone: bool,
    /// An event at one end of the extent was removed, so the extent must be measured again.
    begin_went: bool,
    end_went: bool,
    /// Where the events lie that the record names which is being folded in, if that was found before the lock.
    located: Option<Arc<Located>>,
}

impl BucketState {
    pub(crate) fn new(key: BucketKey, bucket: Bucket) -> BucketState {
        BucketState {
            view: BucketView {
                key,
                bucket: Arc::new(bucket.into()),
                segments: Arc::default(),
                frozen: Arc::default(),
                runs: Arc::default(),
                open: None,
                last: None,
                extent: None,
                len: 0,
                touched: Seq::NONE,
                changes: Changes::since(Seq::NONE),
            },
            interner: Interner::default(),
            changed: None,
            greatest_start: Timestamp::MIN,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        }
    }

    /// Takes up a bucket from a checkpoint: `rows` were in its head.
    pub(crate) fn restore(view: BucketView, head: &Put<'_>, open: Option<(Row, &str)>) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let starts = sealed.chain(head.rows().map(|(start, ..)| start));
        let mut state = BucketState {
            greatest_start: starts
                .chain(open.map(|(row, _)| row.start))
                .max()
                .unwrap_or(Timestamp::MIN),
            view,
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        };
        let rows = state.rows(head);
        state.push_rows(rows);
        state.view.open = open.map(|(row, text)| state.opened(row, text));
        state
    }

    /// Goes on from a view: what it has in memory is frozen, under the dictionary it has.
    pub(crate) fn of(view: &BucketView) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let in_memory = view.memory_runs().filter_map(|run| run.rows().last());
        let open = view.open.iter().map(|open| open.row.start);
        let starts = sealed.chain(in_memory.map(|row| row.start)).chain(open);
        let mut state = BucketState {
            greatest_start: starts.max().unwrap_or(Timestamp::MIN),
            view: BucketView {
                frozen: Arc::new(view.memory_runs().cloned().collect()),
                runs: Arc::default(),
                ..view.clone()
            },
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        };
        if let Some(open) = &view.open {
            state.view.open = Some(state.opened(open.row, open.text()));
        }
        state
    }

    /// Bytes of text in the dictionary of the head.
    pub(crate) fn head_bytes(&self) -> usize {
        self.interner.bytes()
    }

    /// Bytes that the head takes, about.
    pub(crate) fn head_weight(&self) -> usize {
        self.head_bytes() + self.view.head_rows() * ROW_BYTES
    }

    /// Whether a segment of the head would be of use where heads together take too much: not of a handful of events.
    pub(crate) fn is_sizable(&self) -> bool {
        self.head_weight() >= SIZABLE_BYTES
    }

    /// Whether the head is worth a segment: by its events, or by the bytes of their data.
    pub(crate) fn is_full(&self) -> bool {
        self.view.head_rows() >= FLUSH_ROWS || self.head_bytes() >= SEAL_BYTES
    }

    /// Says where the events lie that the next record names.
    pub(crate) fn expect(&mut self, located: Option<Arc<Located>>) {
        self.located = located;
    }

    /// Where an event lies.
    pub(crate) fn find(&self, id: EventId) -> Result<Option<EventLocation>, SegmentError> {
        if let Some(place) = self.view.find_in_memory(id) {
            return Ok(Some(place));
        }
        for (i, sealed) in self.view.segments.iter().enumerate().rev() {
            let located = self.located.as_ref();
            let position = match located.and_then(|located| located.position(&sealed.segment, id)) {
                Some(known) => known,
                None => sealed.segment.find(id)?,
            };
            if let Some(position) = position.filter(|position| sealed.shows(*position)) {
                return Ok(Some(EventLocation::Segment(i, position)));
            }
        }
        Ok(None)
    }

    /// The row at a place.
    fn row_at(&self, place: EventLocation) -> Result<Option<Row>, SegmentError> {
        if let (Some(located), EventLocation::Segment(segment, position)) = (&self.located, place)
            && let Some(sealed) = self.view.segments.get(segment)
            && let Some(row) = located.row(&sealed.segment, position)
        {
            return Ok(Some(row));
        }
        self.view.row_at(place)
    }

    /// The row at a place, and its data.
    pub(crate) fn read(&self, place: EventLocation) -> Result<Option<(Row, String)>, SegmentError> {
        if let (Some(located), Some(row)) = (&self.located, self.row_at(place)?)
            && matches!(place, EventLocation::Segment(..))
            && let Some(text) = located.text(row.id)
        {
            return Ok(Some((row, text.to_owned())));
        }
        self.view.read(place)
    }

    /// Everything of record `seq` is folded in.
    pub(crate) fn touch(&mut self, seq: Seq) {
        self.view.touched = self.view.touched.max(seq);
        if let Some(from) = self.changed.take() {
            self.view.changes.record(seq, from);
        }
    }
}
