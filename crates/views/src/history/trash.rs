//! Which events were deleted and did not come back, by which record, and when.

use crate::pace::Pace;
use rustc_hash::FxHashMap;
use timberline_log::{LogReader, Seq};
use timberline_model::{EventId, Timestamp};

use crate::error::HistoryError;
use crate::record::{BucketKey, Effect, Record, RecordKind};
use crate::time_trust::RecordDates;

/// Something that was deleted and can be restored.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// The record that deleted it.
    pub seq: Seq,
    /// When.
    pub time: Timestamp,
    /// Of which bucket: its id.
    pub bucket: String,
    /// What.
    pub what: DeletedWhat,
    /// When it will be erased.
    pub erased_at: Timestamp,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum DeletedWhat {
    /// The bucket, with so many events.
    Bucket(u64),
    /// These events of it.
    Events(Vec<EventId>),
}

/// A record, and when it was written, as far as is known.
pub(crate) type Stamp = (Seq, Timestamp);

/// Events that are gone and not purged, and what deleted them last.
#[derive(Default)]
pub(crate) struct Deletions {
    events: FxHashMap<(BucketKey, EventId), Stamp>,
    /// All records up to this one were written at or before the instant asked about.
    pub(crate) old_through: Seq,
}

impl Deletions {
    /// Reads the log from a record on; damage is passed over. `pace` sets the speed.
    ///
    /// # Errors
    /// When the log cannot be read, [`HistoryError::Cancelled`].
    pub(crate) fn read(
        reader: &LogReader,
        from: Seq,
        old: Timestamp,
        dates: &RecordDates,
        pace: &mut dyn Pace,
    ) -> Result<Deletions, HistoryError> {
        let mut deletions = Deletions {
            old_through: from.prev(),
            ..Deletions::default()
        };
        let mut all_old = true;
        let mut records = reader.read_from(from)?;
        while let Some(record) = records.next() {
            let Ok(record) = record else { continue };
            pace.spent(record.size())?;
            let time = dates.date(record.seq, Timestamp::from_nanos(record.time));
            all_old &= time <= old;
            if all_old {
                deletions.old_through = record.seq;
            }
            let kind = RecordKind::from_number(record.kind);
            if kind.is_some_and(RecordKind::concerns_deletions) {
                let decoded = Record::decode(record.kind, record.payload)?;
                deletions.note((record.seq, time), &decoded);
            }
        }
        Ok(deletions)
    }

    fn note(&mut self, stamp: Stamp, record: &Record<'_>) {
        match record.effect() {
            Effect::ChangeEvents(changes) => {
                self.removed(changes.bucket, changes.removed, stamp);
                let given = changes.put.and_then(|put| put.given());
                self.added(changes.bucket, given.unwrap_or_default());
            }
            Effect::Purge(purge) if purge.is_whole() => {
                self.events.retain(|(bucket, _), _| *bucket != purge.bucket());
            }
            Effect::Purge(purge) => purge.removed().for_each(|ids| self.added(purge.bucket(), ids)),
            Effect::CreateBucket(_)
            | Effect::UpdateBucket(_)
            | Effect::ListBucket(_)
            | Effect::DeleteBucket(_)
            | Effect::RestoreBucket(_)
            | Effect::Set { .. }
            | Effect::EndPurges { .. }
            | Effect::TakeBatch { .. }
            | Effect::Nothing => {}
        }
    }

    fn removed(&mut self, bucket: BucketKey, ids: &[EventId], stamp: Stamp) {
        self.events.extend(ids.iter().map(|id| ((bucket, *id), stamp)));
    }

    /// Events are there, or purged: either way they are no deleted events any more.
    fn added(&mut self, bucket: BucketKey, ids: &[EventId]) {
        for id in ids {
            self.events.remove(&(bucket, *id));
        }
    }

    /// What each record deleted of each bucket.
    pub(crate) fn by_record(self) -> Vec<(Stamp, BucketKey, Vec<EventId>)> {
        let events = self.events.into_iter();
        let mut all: Vec<(Stamp, BucketKey, EventId)> =
            events.map(|((bucket, id), stamp)| (stamp, bucket, id)).collect();
        all.sort_unstable();
        all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
            .filter_map(|chunk| {
                let (stamp, bucket, _) = *chunk.first()?;
                Some((stamp, bucket, chunk.iter().map(|(.., id)| *id).collect()))
            })
            .collect()
    }
}
