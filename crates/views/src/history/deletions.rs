//! Which events were deleted and did not come back, by which record, and when.

use rustc_hash::FxHashMap;
use timberline_log::{LogReader, Seq};
use timberline_model::EventId;

use super::HistoryError;
use crate::record::{BucketKey, PRESENT, Record, codec};
use crate::time_trust::Dating;

/// A record, and when it was written, as far as is known (ns since 1970).
pub(crate) type Stamp = (Seq, i64);

/// Events that are gone and not purged, and what deleted them last.
#[derive(Default)]
pub(crate) struct Deletions {
    events: FxHashMap<(BucketKey, u64), Stamp>,
    /// All records up to this one were written at or before the instant asked about.
    pub(crate) old_through: Seq,
}

impl Deletions {
    /// Reads the log from a record on; damage is passed over. `go_on` is told how many bytes were read.
    ///
    /// # Errors
    /// When the log cannot be read, or `go_on` says no.
    pub(crate) fn read(
        reader: &LogReader,
        from: Seq,
        old: i64,
        dating: &Dating,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Deletions, HistoryError> {
        let mut deletions = Deletions {
            old_through: from.prev(),
            ..Deletions::default()
        };
        let mut all_old = true;
        let mut records = reader.read_from(from)?;
        while let Some(record) = records.next() {
            let Ok(record) = record else { continue };
            if !go_on(record.size()) {
                return Err(HistoryError::Cancelled);
            }
            let time = dating.date(record.seq, record.time);
            all_old &= time <= old;
            if all_old {
                deletions.old_through = record.seq;
            }
            if tells_of_deletions(record.kind) {
                let decoded = Record::decode(record.kind, record.payload)?;
                deletions.note((record.seq, time), &decoded);
            }
        }
        Ok(deletions)
    }

    fn note(&mut self, stamp: Stamp, record: &Record<'_>) {
        match record {
            Record::EventsDeleted(r) => self.went(r.bucket, &r.ids, stamp),
            Record::EventsPut(r) => self.came(r.bucket, &r.ids),
            Record::EventsChanged(r) => {
                self.went(r.bucket, &r.removed, stamp);
                self.came(r.bucket, &r.ids);
            }
            Record::PurgeBegun(r) if r.whole => self.events.retain(|(bucket, _), _| *bucket != r.bucket),
            Record::PurgeBegun(r) => {
                let present = r
                    .events
                    .iter()
                    .filter(|(through, _)| *through == PRESENT && !r.redact);
                present.for_each(|(_, ids)| self.came(r.bucket, ids));
            }
            _ => {}
        }
    }

    fn went(&mut self, bucket: BucketKey, ids: &[u64], stamp: Stamp) {
        self.events.extend(ids.iter().map(|id| ((bucket, *id), stamp)));
    }

    fn came(&mut self, bucket: BucketKey, ids: &[u64]) {
        for id in ids {
            self.events.remove(&(bucket, *id));
        }
    }

    /// What each record deleted of each bucket.
    pub(crate) fn by_record(self) -> Vec<(Stamp, BucketKey, Vec<EventId>)> {
        let events = self.events.into_iter();
        let mut all: Vec<(Stamp, BucketKey, u64)> =
            events.map(|((bucket, id), stamp)| (stamp, bucket, id)).collect();
        all.sort_unstable();
        all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
            .filter_map(|chunk| {
                let (stamp, bucket, _) = *chunk.first()?;
                Some((stamp, bucket, chunk.iter().map(|(.., id)| EventId(*id)).collect()))
            })
            .collect()
    }
}

/// Whether records of this kind say that events went, came back, or are purged.
fn tells_of_deletions(kind: u8) -> bool {
    use codec::kind::{EVENTS_CHANGED, EVENTS_DELETED, EVENTS_PUT, PURGE_BEGUN};
    [EVENTS_CHANGED, EVENTS_DELETED, EVENTS_PUT, PURGE_BEGUN].contains(&kind)
}
