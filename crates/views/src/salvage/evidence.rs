//! What the log says of events that an old view segment holds and the fold does not: were they lost, or did they go?

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rustc_hash::FxHashSet;
use timberline_log::{Damage, LogReader, SegmentInfo, Seq};
use timberline_model::{Duration, EventId};

use crate::error::HistoryError;
use crate::record::{BucketKey, Effect, EventChanges, Record, RecordKind};
use crate::row::Row;

/// What is to become of a row of an old view segment that the fold does not have so.
pub(crate) enum Standing {
    /// The log has a later change of the event: it was changed, deleted or erased.
    Accounted,
    /// The log has lost it; so it is to be.
    Lost(Row),
    /// It may have been lost or deleted: the record that would say so is lost.
    InDoubt,
}

/// What intact records say of one event.
#[derive(Default)]
struct Testimony {
    /// The newest record that made, replaced or extended it.
    touched: Seq,
    /// Whether a record that is there made it.
    made: bool,
    /// The newest record that deleted it.
    deleted: Seq,
    /// Whether a purge or a redaction names it.
    purged: bool,
    /// The newest record that extended it, and to which duration.
    extended: Option<(Seq, Duration)>,
}

/// Ids that lost records may have given out.
struct Window {
    from: EventId,
    to: EventId,
    /// Squashed segments lie in it: an event that was created and deleted within one of them left no trace. A view
    /// segment that is newer than them knows.
    squashed_through: Seq,
}

/// What the log says.
pub(crate) struct Evidence {
    events: BTreeMap<(BucketKey, EventId), Testimony>,
    windows: Vec<Window>,
    /// The newest lost record that may have taken events away or replaced them.
    newest_loss: Seq,
    last: Seq,
    gone: FxHashSet<BucketKey>,
    purged: FxHashSet<BucketKey>,
}

impl Evidence {
    /// Reads the whole log, and takes down what it says of these events.
    pub(crate) fn read(
        log: &LogReader,
        asked: impl Iterator<Item = (BucketKey, EventId)>,
    ) -> Result<Evidence, HistoryError> {
        let mut reading = Reading {
            evidence: Evidence {
                events: asked.map(|event| (event, Testimony::default())).collect(),
                windows: Vec::new(),
                newest_loss: Seq::NONE,
                last: Seq::NONE,
                gone: FxHashSet::default(),
                purged: FxHashSet::default(),
            },
            segments: log.segments()?,
            open: None,
            next: EventId::MIN,
            next_before_segment: EventId::MIN,
            segment: Seq::NONE,
        };
        let mut records = log.read_from(Seq::FIRST)?;
        while let Some(record) = records.next() {
            match record {
                Ok(record) => {
                    let in_segment = reading.enter(record.position.segment);
                    reading.evidence.last = record.seq;
                    match Record::decode(record.kind, record.payload) {
                        Ok(decoded) => reading.record(record.seq, &decoded, in_segment),
                        Err(_) => reading.lose(&(record.seq..=record.seq), false, in_segment),
                    }
                }
                Err(damage) => reading.damage(log, &damage),
            }
        }
        let Reading {
            mut evidence, open, ..
        } = reading;
        evidence.windows.extend(open);
        Ok(evidence)
    }

    /// Judges a row of a view segment all of whose rows were shown at a moment at or after record `shown`. `folded`:
    /// whether the fold has an event of this id.
    pub(crate) fn judge(&self, bucket: BucketKey, row: &Row, shown: Seq, folded: bool) -> Standing {
        let unknown = Testimony::default();
        let said = self.events.get(&(bucket, row.id)).unwrap_or(&unknown);
        if self.purged.contains(&bucket) || said.purged {
            return Standing::Accounted;
        }
        if said.touched > shown && said.made || said.deleted > shown {
            return Standing::Accounted;
        }
        // No lost record can have taken it away after it was shown.
        let certain = self.newest_loss <= shown && shown <= self.last && said.deleted == Seq::NONE;
        if folded {
            // It was changed by a record that is lost.
            return match certain {
                true => Standing::Lost(said.lasting(row, shown)),
                false => Standing::InDoubt,
            };
        }
        if said.made || self.gone.contains(&bucket) {
            return Standing::InDoubt;
        }
        let window = (self.windows.iter()).find(|w| (w.from..w.to).contains(&row.id));
        match window {
            Some(window) if certain && window.squashed_through <= shown => {
                Standing::Lost(said.lasting(row, shown))
            }
            Some(_) => Standing::InDoubt,
            // No lost record made it: it was erased, or nothing but the squashed state of its segment is left. (A put makes events
            // under ids that clients bring, so a lost record that may have been one could have made any.)
            None if shown <= self.last && self.newest_loss == Seq::NONE => Standing::Accounted,
            None => Standing::InDoubt,
        }
    }
}

impl Testimony {
    /// The row with the duration that a later record gave it.
    fn lasting(&self, row: &Row, shown: Seq) -> Row {
        match self.extended {
            Some((seq, duration)) if seq > shown => Row { duration, ..*row },
            _ => *row,
        }
    }
}

/// The segment a record lies in: the newest record of it, if only its squashed state is left.
type SquashedThrough = Option<Seq>;

struct Reading {
    evidence: Evidence,
    segments: Vec<SegmentInfo>,
    open: Option<Window>,
    /// The next event id, as far as it is known, now and before the segment that is read.
    next: EventId,
    next_before_segment: EventId,
    segment: Seq,
}

impl Reading {
    fn enter(&mut self, segment: Seq) -> SquashedThrough {
        if segment != self.segment {
            self.segment = segment;
            self.next_before_segment = self.next;
        }
        let info = self.segments.iter().find(|info| info.first == segment);
        info.filter(|info| info.squashed)
            .map(|info| info.last.unwrap_or(segment))
    }

    fn damage(&mut self, log: &LogReader, damage: &Damage) {
        let Some(lost) = &damage.lost else { return };
        let kind = log.kind_of_lost(damage).and_then(RecordKind::from_number);
        let harmless = kind.is_some_and(RecordKind::only_adds);
        let name = damage.path.file_name().and_then(|name| name.to_str());
        let segment = self.segments.iter().find(|info| Some(&*info.file) == name);
        let segment = segment.map(|info| info.first);
        let squashed = segment.and_then(|segment| self.enter(segment));
        self.lose(lost, harmless, squashed);
    }

    fn lose(&mut self, lost: &RangeInclusive<Seq>, harmless: bool, squashed: SquashedThrough) {
        let evidence = &mut self.evidence;
        let end = squashed.map_or(*lost.end(), |last| last.max(*lost.end()));
        evidence.last = evidence.last.max(*lost.end());
        if !harmless || squashed.is_some() {
            evidence.newest_loss = evidence.newest_loss.max(end);
        }
        let from = match squashed {
            Some(_) => self.next_before_segment,
            None => self.next,
        };
        self.open.get_or_insert(Window {
            from,
            to: EventId(u64::MAX),
            squashed_through: Seq::NONE,
        });
    }

    fn record(&mut self, seq: Seq, record: &Record<'_>, squashed: SquashedThrough) {
        if let (Some(window), Some(last)) = (&mut self.open, squashed) {
            window.squashed_through = window.squashed_through.max(last);
        }
        match record.effect() {
            Effect::ChangeEvents(changes) => self.changed(seq, &changes, squashed),
            Effect::Purge(purge) => {
                if purge.is_whole() {
                    self.evidence.purged.insert(purge.bucket());
                }
                for id in purge.erased(seq).flat_map(|erased| erased.ids) {
                    self.of(purge.bucket(), *id, |said| said.purged = true);
                }
            }
            Effect::DeleteBucket(key) => drop(self.evidence.gone.insert(key)),
            Effect::RestoreBucket(key) => drop(self.evidence.gone.remove(&key)),
            Effect::CreateBucket(_)
            | Effect::UpdateBucket(_)
            | Effect::ListBucket(_)
            | Effect::Set { .. }
            | Effect::EndPurges { .. }
            | Effect::TakeBatch { .. }
            | Effect::Nothing => {}
        }
        self.next = self.next.max(record.ids_used().next_event);
    }

    fn changed(&mut self, seq: Seq, changes: &EventChanges<'_>, squashed: SquashedThrough) {
        let bucket = changes.bucket;
        for (id, duration) in changes.extended.iter() {
            self.of(bucket, id, |said| said.extend(seq, duration));
        }
        for id in changes.removed {
            self.of(bucket, *id, |said| said.deleted = seq);
        }
        let Some(put) = &changes.put else { return };
        if let Some(first) = put.first_new() {
            let end = first.plus(put.len() as u64);
            self.gives_out(first, end, squashed);
            for (_, said) in self.evidence.events.range_mut((bucket, first)..(bucket, end)) {
                said.make(seq);
            }
        }
        for id in put.given().unwrap_or_default() {
            self.of(bucket, *id, |said| said.make(seq));
        }
    }

    /// A record gives out ids. Outside of squashed segments, the first is the next that was free.
    fn gives_out(&mut self, first: EventId, end: EventId, squashed: SquashedThrough) {
        if squashed.is_none()
            && let Some(window) = self.open.take()
        {
            self.evidence.windows.push(Window { to: first, ..window });
        }
        self.next = self.next.max(end);
    }

    fn of(&mut self, bucket: BucketKey, id: EventId, take_down: impl FnOnce(&mut Testimony)) {
        if let Some(said) = self.evidence.events.get_mut(&(bucket, id)) {
            take_down(said);
        }
    }
}

impl Testimony {
    fn make(&mut self, seq: Seq) {
        self.touched = seq;
        self.made = true;
        self.deleted = Seq::NONE;
    }

    fn extend(&mut self, seq: Seq, duration: Duration) {
        self.touched = seq;
        self.extended = Some((seq, duration));
    }
}
