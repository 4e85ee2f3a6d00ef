//! Erasing from the log.
//!
//! Each record that holds purged data is replaced by one that folds to the same without them; records keep their
//! sequence numbers. Segments are rewritten from the newest to the oldest. So, whenever it is interrupted, no record refers
//! to erased data, and repeating it completes it.

use crate::pace::Pace;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{Damage, LogReader, Seq};
use timberline_model::{Duration, EventId, Timestamp};

use crate::error::HistoryError;
use crate::record::{
    BucketKey, CodecError, Effect, Erased, EventBlock, EventChanges, EventsChanged, EventsPut, IdsUsed, Last,
    Purge, Put, Record, RecordKind,
};

/// What is to be erased.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    buckets: FxHashMap<BucketKey, Target>,
    /// No record after this one holds any of it.
    through: Seq,
    /// Orders whose records are damaged: nobody knows what they named.
    pub(crate) lost_orders: Vec<Seq>,
}

#[derive(Debug, Default)]
struct Target {
    /// All that records up to here hold of the bucket.
    whole: Option<Seq>,
    events: FxHashMap<EventId, ErasureAction>,
}

/// What becomes of an event in old records.
#[derive(Clone, Debug, Default)]
struct ErasureAction {
    /// In records up to this one.
    through: Seq,
    /// It gets this data instead of going.
    redacted: Option<Arc<str>>,
}

/// What was erased from a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogErasure {
    /// Segments that were rewritten.
    pub segments: u64,
    /// Records that were replaced.
    pub records: u64,
}

/// What was erased on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReceipt {
    /// The newest record of the purge.
    pub seq: Seq,
    /// What was rewritten of the log.
    pub log: LogErasure,
    /// View segments that were rewritten or removed.
    pub view_segments: u64,
    /// When it was complete.
    pub completed: Timestamp,
}

impl Targets {
    /// What the purges with these seqs name, which are in order.
    ///
    /// # Errors
    /// When the log cannot be read, or the records with the new data of redacted events are damaged.
    pub(crate) fn of(reader: &LogReader, purges: &[Seq]) -> Result<Targets, HistoryError> {
        let mut targets = Targets::default();
        let (Some(first), Some(last)) = (purges.first(), purges.last()) else {
            return Ok(targets);
        };
        // One pass finds how far back the redactions of these purges begin, another reads their new data: there may be
        // thousands of them.
        let is_meant = |seq: Seq| purges.binary_search(&seq).is_ok();
        let mut begin: FxHashMap<BucketKey, Seq> = FxHashMap::default();
        let mut lost: BTreeSet<Seq> = purges.iter().copied().collect();
        readable(reader, *first, *last, |seq, record| {
            let Effect::Purge(purge) = record.effect() else {
                return;
            };
            if !is_meant(seq) {
                return;
            }
            lost.remove(&seq);
            for erased in purge.erased(seq).filter(|erased| erased.redacted) {
                let from = begin.entry(purge.bucket()).or_insert(Seq(u64::MAX));
                *from = erased.through.min(*from);
            }
        })?;
        targets.lost_orders = lost.into_iter().collect();
        let after_oldest = begin.values().copied().min().map(Seq::next);
        let from = after_oldest.map_or(*first, |from| from.min(*first));
        let mut texts = TextsPut::default();
        let mut all_known = true;
        let damage = readable(reader, from, *last, |seq, record| match record {
            Record::EventsPut(put) if begin.contains_key(&put.bucket) => texts.put(seq, &put),
            record => {
                if let Effect::Purge(purge) = record.effect()
                    && is_meant(seq)
                {
                    all_known &= targets.add(seq, purge, &texts);
                }
            }
        })?;
        match damage {
            // The damaged record may have the new data of a redacted event.
            Some(damage) if !all_known => Err(damage.into()),
            _ => Ok(targets),
        }
    }

    /// Adds what the purge with this seq names. False when of an event that it redacts the new data is not known.
    fn add(&mut self, seq: Seq, purge: Purge<'_>, texts: &TextsPut) -> bool {
        let mut all_known = true;
        self.through = self.through.max(seq);
        let target = self.buckets.entry(purge.bucket()).or_default();
        if purge.is_whole() {
            target.whole = Some(seq);
        }
        for erased in purge.erased(seq) {
            for id in erased.ids {
                let text = texts.after(purge.bucket(), *id, erased.through);
                let text = text.filter(|_| erased.redacted);
                all_known &= text.is_some() || !erased.redacted;
                let action = ErasureAction {
                    through: erased.through,
                    redacted: text.cloned(),
                };
                target
                    .events
                    .entry(*id)
                    .and_modify(|known| known.join(&action))
                    .or_insert(action);
            }
        }
        all_known
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The buckets that are concerned.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = BucketKey> {
        self.buckets.keys().copied()
    }

    /// The events, and with `None` the buckets, that go.
    fn names(&self) -> FxHashSet<(BucketKey, Option<EventId>)> {
        let mut names = FxHashSet::default();
        for (key, target) in &self.buckets {
            names.extend(target.whole.map(|_| (*key, None)));
            names.extend(target.events.keys().map(|id| (*key, Some(*id))));
        }
        names
    }

    /// The record, decoded, if it is one of a bucket that is concerned. Most are of others and need not be decoded to
    /// tell.
    fn concerns<'r>(
        &self,
        found: &timberline_log::Record<'r>,
    ) -> Result<Option<(&Target, Record<'r>)>, CodecError> {
        let Some(key) = Record::bucket_of(found.kind, found.payload)? else {
            return Ok(None);
        };
        let Some(target) = self.buckets.get(&key) else {
            return Ok(None);
        };
        Ok(Some((target, Record::decode(found.kind, found.payload)?)))
    }

    /// The record that takes the place of this one; `None` if it stays.
    fn replaced(&self, found: &timberline_log::Record<'_>) -> Result<Option<Record<'static>>, CodecError> {
        let concerned = self.concerns(found)?;
        Ok(concerned.and_then(|(target, record)| target.replacement(found.seq, &record)))
    }
}

impl ErasureAction {
    /// Two purges of one event: what goes, goes.
    fn join(&mut self, other: &ErasureAction) {
        self.through = self.through.max(other.through);
        if other.redacted.is_none() {
            self.redacted = None;
        }
    }
}

/// Goes over those records of a range that can be read. Gives back the first damage.
fn readable(
    reader: &LogReader,
    from: Seq,
    to: Seq,
    mut see: impl FnMut(Seq, Record<'_>),
) -> Result<Option<Damage>, HistoryError> {
    let mut first = None;
    let mut records = reader.read_from(from)?;
    while let Some(record) = records.next() {
        match record {
            Ok(record) if record.seq > to => break,
            Ok(record) => see(record.seq, Record::decode(record.kind, record.payload)?),
            Err(damage) => {
                first.get_or_insert(damage);
            }
        }
    }
    Ok(first)
}

/// The data that records gave events, and which record it was.
#[derive(Debug, Default)]
struct TextsPut(FxHashMap<(BucketKey, EventId), (Seq, Arc<str>)>);

impl TextsPut {
    fn put(&mut self, seq: Seq, put: &EventsPut<'_>) {
        let texts: Vec<Arc<str>> = put.events.texts.iter().map(|text| Arc::from(&**text)).collect();
        for (id, number) in put.ids.iter().zip(&put.events.data) {
            if let Some(text) = texts.get(*number as usize) {
                self.0.insert((put.bucket, *id), (seq, text.clone()));
            }
        }
    }

    /// What an event was given after a record.
    fn after(&self, bucket: BucketKey, id: EventId, through: Seq) -> Option<&Arc<str>> {
        let (seq, text) = self.0.get(&(bucket, id))?;
        (*seq > through).then_some(text)
    }
}

impl Target {
    fn replacement(&self, seq: Seq, record: &Record<'_>) -> Option<Record<'static>> {
        if self.whole.is_some_and(|through| seq <= through) {
            return without_bucket(record);
        }
        let Effect::ChangeEvents(changes) = record.effect() else {
            return None;
        };
        let becomes = |id: EventId| match self.events.get(&id) {
            Some(action) if seq <= action.through => match &action.redacted {
                Some(text) => Erasure::Redacted(text.clone()),
                None => Erasure::Erased,
            },
            _ => Erasure::Same,
        };
        without_events(&changes, record.ids_used(), becomes)
    }
}

/// What an event of a record becomes.
enum Erasure {
    Same,
    Erased,
    Redacted(Arc<str>),
}

/// A record of a bucket that is purged as a whole. The orders to erase it stay, and so does what an erasure left.
fn without_bucket(record: &Record<'_>) -> Option<Record<'static>> {
    match record.kind() {
        RecordKind::PurgeBegun | RecordKind::PurgeEnded | RecordKind::Erased | RecordKind::Lost => None,
        RecordKind::BucketCreated
        | RecordKind::BucketUpdated
        | RecordKind::BucketDeleted
        | RecordKind::BucketRestored
        | RecordKind::Heartbeat
        | RecordKind::EventsInserted
        | RecordKind::EventsPut
        | RecordKind::EventsDeleted
        | RecordKind::EventsChanged
        | RecordKind::SettingSet
        | RecordKind::SettingDeleted => Some(erased(None, record.ids_used())),
    }
}

/// Changes to events without those that are erased; `None` if all stay as they are.
fn without_events(
    changes: &EventChanges<'_>,
    used: IdsUsed,
    becomes: impl Fn(EventId) -> Erasure,
) -> Option<Record<'static>> {
    let is_erased = |id: EventId| matches!(becomes(id), Erasure::Erased);
    let last = match changes.last {
        Last::Event(id) if is_erased(id) => Last::Newest,
        last => last,
    };
    let extended: Vec<(EventId, Duration)> = changes
        .extended
        .iter()
        .filter(|(id, _)| !is_erased(*id))
        .collect();
    let put = changes.put.map(|put| (put, left(&put, &becomes)));
    let same = put.as_ref().is_none_or(|(_, left)| left.is_none());
    if last == changes.last && extended.len() == changes.extended.len() && same {
        return None;
    }
    let whole = |put: &Put<'_>| (put.ids().collect(), put.block());
    let (ids, events) = put.map_or_else(Default::default, |(put, left)| {
        left.unwrap_or_else(|| whole(&put))
    });
    let removed = changes.removed.to_vec();
    if removed.is_empty() && extended.is_empty() && ids.is_empty() && last == Last::Newest {
        return Some(erased(Some(changes.bucket), used));
    }
    Some(Record::EventsChanged(EventsChanged {
        bucket: changes.bucket,
        next_event: used.next_event,
        last,
        removed,
        extended,
        ids,
        events,
    }))
}

fn erased(bucket: Option<BucketKey>, used: IdsUsed) -> Record<'static> {
    Record::Erased(Erased {
        bucket,
        next_event: used.next_event,
        next_bucket: used.next_bucket,
    })
}

/// The events without those that are erased, with the data that they get; `None` if all stay as they are. Of the texts
/// only those in use are left.
fn left(put: &Put<'_>, becomes: impl Fn(EventId) -> Erasure) -> Option<(Vec<EventId>, EventBlock<'static>)> {
    let mut changed = false;
    let mut kept: Vec<(EventId, Timestamp, Duration, Cow<'_, str>)> = Vec::with_capacity(put.len());
    for (id, start, duration, text) in put.iter() {
        match becomes(id) {
            Erasure::Same => kept.push((id, start, duration, Cow::Borrowed(text))),
            Erasure::Erased => changed = true,
            Erasure::Redacted(new) if *new == *text => kept.push((id, start, duration, Cow::Borrowed(text))),
            Erasure::Redacted(new) => {
                changed = true;
                kept.push((id, start, duration, Cow::Owned(new.as_ref().to_owned())));
            }
        }
    }
    let block = EventBlock::from_events(
        kept.iter()
            .map(|(_, start, duration, text)| (*start, *duration, text.as_ref())),
    );
    changed.then(|| (kept.iter().map(|e| e.0).collect(), block.into_owned()))
}

/// Erases the targets from a log whose records up to the newest purge lie in sealed segments. `pace` is told how many
/// bytes were read or written; when it says no, the work is broken off, to be taken up later.
///
/// A target of which no readable record says anything must be in bytes that cannot be read. Then all damaged segments are
/// rewritten without those bytes.
///
/// # Errors
/// When a segment cannot be read or written.
pub(crate) fn erase(
    reader: &LogReader,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<LogErasure, HistoryError> {
    let mut done = LogErasure::default();
    if targets.is_empty() {
        return Ok(done);
    }
    let mut segments = reader.segments()?;
    segments.retain(|segment| segment.first <= targets.through);
    let mut unseen = targets.names();
    let mut found = Vec::with_capacity(segments.len());
    for segment in &segments {
        let last = segment
            .last
            .ok_or_else(|| HistoryError::Unsealed(segment.file.clone()))?;
        let contents = contents(reader, segment.first, last, targets, &mut unseen, pace)?;
        found.push((segment.first, contents));
    }
    for (first, contents) in found.iter().rev() {
        if contents.hit || contents.damaged && !unseen.is_empty() {
            done.segments += 1;
            done.records += rewrite(reader, *first, targets, pace)?;
        }
    }
    Ok(done)
}

/// What a segment holds, as far as an erasure is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Contents {
    /// A record that is to be replaced.
    hit: bool,
    /// Bytes that cannot be read.
    damaged: bool,
}

/// Looks through a segment. What its records say anything of is taken out of `unseen`.
fn contents(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    unseen: &mut FxHashSet<(BucketKey, Option<EventId>)>,
    pace: &mut dyn Pace,
) -> Result<Contents, HistoryError> {
    let mut contents = Contents::default();
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) if record.seq > last => break,
            Ok(record) => record,
            Err(damage) => {
                let here = damage.lost.as_ref().is_none_or(|lost| *lost.start() <= last);
                contents.damaged |= here && damage.bytes > 0;
                continue;
            }
        };
        pace.spent(record.size())?;
        let Some((target, decoded)) = targets.concerns(&record)? else {
            continue;
        };
        contents.hit |= target.replacement(record.seq, &decoded).is_some();
        match decoded.effect() {
            Effect::CreateBucket(r) => drop(unseen.remove(&(r.bucket, None))),
            Effect::ChangeEvents(changes) if !unseen.is_empty() => {
                let erased = |id: &EventId| {
                    let action = target.events.get(id);
                    action.is_some_and(|action| record.seq <= action.through)
                };
                for id in changes.put.iter().flat_map(|put| put.ids()).filter(erased) {
                    unseen.remove(&(changes.bucket, Some(id)));
                }
            }
            _ => {}
        }
    }
    Ok(contents)
}

/// Whether a record of the segment is to be replaced. Damage is passed over: what cannot be read names nothing.
pub(crate) fn first_hit(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<bool, HistoryError> {
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if record.seq > last {
            break;
        }
        pace.spent(record.size())?;
        if targets.replaced(&record)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Damaged bytes are not taken over; that records are missing shows in the numbers of those around them.
fn rewrite(
    reader: &LogReader,
    first: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let Some(rewrite) = reader.rewrite(first)? else {
        return Err(HistoryError::Unsealed(timberline_log::segment_name(first)));
    };
    carry_over(reader, rewrite, first, targets, pace)
}

/// The same for a segment that need not be sealed, in a copy that nobody appends to.
pub(crate) fn rewrite_ended(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let Some(rewrite) = reader.rewrite_ended(first, last)? else {
        return Err(HistoryError::Unsealed(timberline_log::segment_name(first)));
    };
    carry_over(reader, rewrite, first, targets, pace)
}

fn carry_over(
    reader: &LogReader,
    mut rewrite: timberline_log::Rewrite,
    first: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let (mut replaced, mut payload) = (0, Vec::new());
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if record.seq > rewrite.last() {
            break;
        }
        pace.spent(record.size())?;
        match targets.replaced(&record)? {
            None => rewrite.keep(&record),
            Some(other) => {
                payload.clear();
                other.encode(&mut payload)?;
                rewrite.replace(&record, other.kind().number(), &payload);
                replaced += 1;
            }
        }
    }
    rewrite.commit()?;
    Ok(replaced)
}
