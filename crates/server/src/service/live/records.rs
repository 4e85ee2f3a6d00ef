//! Every record, from the log.
//!
//! Sequence numbers have no holes, so a reader that gets each record's number and every gap knows that it has everything.
//! A gap stands for records that are not there any more: squashed, or damaged.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use timberline_log::{LogReader, Position, Records, Seq};
use timberline_views::record::{Record, RecordKind};
use timberline_views::{BucketView, HistoryError, Snapshot, Store};

use super::{BATCH_BYTES, Batch, Filter, Message};
use crate::service::record_json;

/// Records that one batch looks at: a few milliseconds' work.
const MAX_LOOKED_AT: usize = 10_000;
/// What is published and cannot be found in the log for so long is lost.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// One reader of records.
#[derive(Clone, Debug)]
pub(crate) struct RecordFeed {
    filter: Filter,
    /// Whether messages say what exactly changes.
    with_changes: bool,
    place: Place,
    /// Since when records are missing that are published.
    missing_since: Option<Instant>,
}

/// Where a reader goes on.
#[derive(Clone, Copy, Debug)]
struct Place {
    next: Seq,
    /// Where that record lies, if it is known.
    position: Option<Position>,
}

/// Why a stretch of the log has no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// It is older than the history that is kept: only its outcome is left.
    Squashed,
    /// It cannot be read.
    Damaged,
}

/// A record or a gap that was read.
enum Found {
    Record {
        seq: Seq,
        line: Value,
        changes: Option<Value>,
    },
    Gap(RangeInclusive<Seq>, Missing),
}

impl RecordFeed {
    /// A reader that gets what is published from now on.
    pub(crate) fn from_now(snapshot: &Snapshot, filter: Filter, with_changes: bool) -> RecordFeed {
        RecordFeed {
            place: Place {
                next: snapshot.seq().next(),
                position: snapshot.log_position(),
            },
            ..RecordFeed::after(snapshot.seq(), filter, with_changes)
        }
    }

    /// A reader that has everything up to a record.
    pub(crate) fn after(seq: Seq, filter: Filter, with_changes: bool) -> RecordFeed {
        RecordFeed {
            filter,
            with_changes,
            place: Place {
                next: seq.next(),
                position: None,
            },
            missing_since: None,
        }
    }

    /// The record up to which the reader has everything.
    pub(crate) fn seq(&self) -> Seq {
        self.place.next.prev()
    }

    /// What comes next, up to `until`; at most what is published. Reads the log.
    ///
    /// # Errors
    /// When the log cannot be opened; the same batch can be read later.
    pub(crate) fn read(&mut self, store: &Store, until: Seq, now: Instant) -> Result<Batch, HistoryError> {
        loop {
            let before = store.snapshot();
            let until = until.min(before.seq());
            if self.place.next > until {
                return Ok(self.batch(Vec::new(), true));
            }
            let mut reading = Reading {
                feed: self,
                snapshot: &before,
                until,
                place: self.place,
                found: Vec::new(),
                bytes: 0,
            };
            reading.read(&store.log()?)?;
            let (place, mut found) = (reading.place, reading.found);
            let after = store.snapshot();
            // What was read may just have been erased.
            if self.with_changes && after.erasures() != before.erasures() {
                continue;
            }
            if let Some(order) = after.erasing() {
                withhold(&mut found, order);
            }
            let progress = place.next > self.place.next;
            self.place = place;
            if !progress {
                return Ok(self.wait_for_missing(until, now));
            }
            self.missing_since = None;
            return Ok(self.batch(found, place.next > until));
        }
    }

    /// Records that are published and not in the log yet, or no more.
    fn wait_for_missing(&mut self, until: Seq, now: Instant) -> Batch {
        let since = *self.missing_since.get_or_insert(now);
        if now.saturating_duration_since(since) < LOST_AFTER {
            return self.batch(Vec::new(), true);
        }
        self.missing_since = None;
        let lost = self.place.next..=until;
        self.place = Place {
            next: until.next(),
            position: None,
        };
        self.batch(vec![Found::Gap(lost, Missing::Damaged)], true)
    }

    fn batch(&self, found: Vec<Found>, is_last: bool) -> Batch {
        Batch {
            messages: found.into_iter().map(Found::message).collect(),
            seq: self.seq(),
            is_last,
        }
    }
}

/// One read of the log.
struct Reading<'a> {
    feed: &'a RecordFeed,
    snapshot: &'a Snapshot,
    until: Seq,
    place: Place,
    found: Vec<Found>,
    bytes: usize,
}

impl Reading<'_> {
    fn read(&mut self, log: &LogReader) -> Result<(), HistoryError> {
        let mut records = match self.place.position {
            Some(position) => log.read_from_hint(self.place.next, position)?,
            None => log.read_from(self.place.next)?,
        };
        let mut looked = 0;
        // Nothing is looked for behind the last record that is wanted: the end of a log that grows is no damage.
        while self.place.next <= self.until && self.bytes < BATCH_BYTES && looked < MAX_LOOKED_AT {
            if !self.step(&mut records) {
                break;
            }
            looked += 1;
        }
        Ok(())
    }

    /// Reads one record. `false` at the end.
    fn step(&mut self, records: &mut Records) -> bool {
        match records.next() {
            None => return false,
            Some(Err(damage)) => {
                if let Some(lost) = damage.lost {
                    self.skip(*lost.end(), Missing::Damaged);
                }
            }
            Some(Ok(record)) if record.squashed => self.skip(record.seq, Missing::Squashed),
            Some(Ok(record)) if record.seq < self.place.next => {}
            Some(Ok(record)) => {
                self.skip(record.seq.prev(), Missing::Damaged);
                if record.seq <= self.until {
                    self.take(&record);
                }
            }
        }
        true
    }

    /// There are no records up to this one.
    fn skip(&mut self, to: Seq, why: Missing) {
        let to = to.min(self.until);
        if to < self.place.next {
            return;
        }
        let gap = self.place.next..=to;
        self.place = Place {
            next: to.next(),
            position: None,
        };
        match self.found.last_mut() {
            Some(Found::Gap(before, reason)) if *reason == why => *before = *before.start()..=to,
            _ => self.found.push(Found::Gap(gap, why)),
        }
    }

    fn take(&mut self, record: &timberline_log::Record<'_>) {
        let position = record.position;
        self.place = Place {
            next: record.seq.next(),
            position: Some(Position {
                offset: position.offset + record.size(),
                ..position
            }),
        };
        let kind = RecordKind::from_number(record.kind);
        let Some(bucket) = self.wanted(record).filter(|_| self.feed.filter.has_kind(kind)) else {
            return;
        };
        let line = record_json::line(record, bucket.map(|view| view.bucket().id.as_str()));
        let decoded = Record::decode(record.kind, record.payload).ok();
        let changes = decoded.filter(|_| self.feed.with_changes);
        let found = Found::Record {
            seq: record.seq,
            line,
            changes: changes.map(|record| record_json::changes(&record)),
        };
        self.bytes += found.size();
        self.found.push(found);
    }

    /// Whether the reader gets this record, and its bucket, if there is one.
    fn wanted(&self, record: &timberline_log::Record<'_>) -> Option<Option<&BucketView>> {
        let key = Record::bucket_of(record.kind, record.payload).ok().flatten();
        match key.and_then(|key| self.snapshot.kept_of(key)) {
            Some(view) => self.feed.filter.has_bucket(view.bucket()).then_some(Some(view)),
            None => self.feed.filter.has_rest().then_some(None),
        }
    }
}

impl Found {
    fn size(&self) -> usize {
        // Close enough for a bound.
        match self {
            Found::Record { changes, .. } => {
                150 + changes.as_ref().map_or(0, |changes| changes.to_string().len())
            }
            Found::Gap(..) => 100,
        }
    }

    fn message(self) -> Message {
        match self {
            Found::Record {
                seq,
                mut line,
                changes,
            } => {
                if let Some(changes) = changes {
                    line["changes"] = changes;
                }
                Message::new("record", seq, &line)
            }
            Found::Gap(gap, why) => Message::new("gap", *gap.end(), &gap_json(&gap, why)),
        }
    }
}

fn gap_json(gap: &RangeInclusive<Seq>, why: Missing) -> Value {
    json!({
        "from": gap.start().get(),
        "to": gap.end().get(),
        "first": gap.end().next().get(),
        "reason": match why {
            Missing::Squashed => "squashed",
            Missing::Damaged => "damaged",
        },
    })
}

/// While an order to erase is carried out, older records may still hold what it names: they come without their contents.
fn withhold(found: &mut [Found], order: Seq) {
    for found in found {
        if let Found::Record {
            seq,
            changes: Some(changes),
            ..
        } = found
            && *seq < order
        {
            *changes = json!({ "withheld": true });
        }
    }
}
