//! What is to be erased: the events and buckets that purges name.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{Damage, LogReader, Seq};
use timberline_model::EventId;

use crate::erasure::replacement::{Erasure, without_bucket, without_events};
use crate::error::HistoryError;
use crate::record::{BucketKey, CodecError, Effect, EventsPut, Purge, Record};

/// What is to be erased.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    buckets: FxHashMap<BucketKey, Target>,
    /// No record after this one holds any of it.
    pub(super) through: Seq,
    /// Orders whose records are damaged: nobody knows what they named.
    pub(crate) lost_orders: Vec<Seq>,
}

#[derive(Debug, Default)]
pub(super) struct Target {
    /// All that records up to here hold of the bucket.
    whole: Option<Seq>,
    pub(super) events: FxHashMap<EventId, ErasureAction>,
}

/// What becomes of an event in old records.
#[derive(Clone, Debug, Default)]
pub(super) struct ErasureAction {
    /// In records up to this one.
    pub(super) through: Seq,
    /// It gets this data instead of going.
    redacted: Option<Arc<str>>,
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
    pub(super) fn names(&self) -> FxHashSet<(BucketKey, Option<EventId>)> {
        let mut names = FxHashSet::default();
        for (key, target) in &self.buckets {
            names.extend(target.whole.map(|_| (*key, None)));
            names.extend(target.events.keys().map(|id| (*key, Some(*id))));
        }
        names
    }

    /// The record, decoded, if it is one of a bucket that is concerned. Most are of others and need not be decoded to
    /// tell.
    pub(super) fn concerns<'r>(
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
    pub(super) fn replaced(
        &self,
        found: &timberline_log::Record<'_>,
    ) -> Result<Option<Record<'static>>, CodecError> {
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
    pub(super) fn replacement(&self, seq: Seq, record: &Record<'_>) -> Option<Record<'static>> {
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
