//! Undo. It is decided on a snapshot, without the lock; under the lock it is checked that nothing relevant has changed
//! since.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_cancel::Cancel;
use timberline_log::Seq;

use crate::error::HistoryError;
use crate::history::horizon::within_history;
use crate::history::undo::{Undo, Undoing, Undone, Verdict};
use crate::record::{BucketKey, EventsChanged, Last, Record};
use crate::segment::SegmentError;
use crate::sequencer::{MAX_ROUNDS, Prepared};
use crate::store::Store;
use crate::view::Snapshot;
use crate::view::{BucketView, Located};
use crate::write::events::Receipt;

/// After so many rounds no view segment is made or merged until it is carried out.
const ROUNDS_BESIDE_COMPACTOR: u32 = 2;

impl Store {
    /// Makes what the records `from..=to` changed what it was before them, by new records.
    ///
    /// # Errors
    /// When the log cannot be read or written. Conflicts are in the answer, not an error; with [`Undoing::All`] nothing
    /// was changed if there is one. It can be cancelled while it reads; then nothing is changed.
    ///
    /// What does not fit one log segment is written in several records. Readers see all of them at once. Should the power
    /// fail on the way, [`Undoing::Possible`] goes on: what is restored already is reported as a conflict, and stays.
    pub fn undo(
        &self,
        from: Seq,
        to: Seq,
        undoing: Undoing,
        cancel: &Cancel,
    ) -> Result<(Undone, Option<Receipt>), HistoryError> {
        for round in 1..=MAX_ROUNDS {
            let _no_other_segments = (round > ROUNDS_BESIDE_COMPACTOR).then(|| self.shared.files.exclusive());
            if let Some(done) = self.try_undo(from, to, undoing, cancel)? {
                return Ok(done);
            }
        }
        Err(HistoryError::Unsettled)
    }

    /// `None` if it must be decided again.
    fn try_undo(
        &self,
        from: Seq,
        to: Seq,
        undoing: Undoing,
        cancel: &Cancel,
    ) -> Result<Option<(Undone, Option<Receipt>)>, HistoryError> {
        let shared = &*self.shared;
        let reader = shared.reader()?;
        let snapshot = self.snapshot();
        let newest = snapshot.seq();
        if to > newest {
            return Err(HistoryError::TooNew { asked: to, newest });
        }
        within_history(&reader, from.prev())?;
        cancel.check()?;
        let mut undo = Undo::of(&reader, (from, to), newest, cancel)?;
        within_history(&reader, from.prev())?;
        undo.stand(&snapshot)?;
        for _ in 0..MAX_ROUNDS {
            let (records, undone) = undo.records(&snapshot);
            let refused =
                undoing == Undoing::Preview || (undoing == Undoing::All && !undone.conflicts.is_empty());
            if refused || records.is_empty() {
                return Ok(Some((undone, None)));
            }
            let unmade: Vec<BucketKey> = records.iter().filter_map(unmade).collect();
            let batch = prepared(records, &undo, &snapshot)?;
            shared.sequencer.interleave();
            let mut turn = shared.sequencer.lock();
            match undo.verdict(&snapshot, &turn.state, &unmade) {
                Verdict::Holds => {
                    let seq = shared.sequencer.commit_all(&mut turn, &batch)?;
                    return Ok(Some((undone, Some(Receipt { seq, sync: true }))));
                }
                Verdict::Narrowed(news) => {
                    drop(turn);
                    drop(batch);
                    undo.narrow(news);
                }
                Verdict::Outdated => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The bucket that a record deletes.
fn unmade(record: &Record<'_>) -> Option<BucketKey> {
    match record {
        Record::BucketDeleted(r) => Some(r.bucket),
        _ => None,
    }
}

/// Encodes the records, and finds where the events lie that they name.
fn prepared<'a>(
    records: Vec<Record<'a>>,
    undo: &Undo,
    snapshot: &Snapshot,
) -> Result<Vec<Prepared<'a>>, HistoryError> {
    // Each record finds the view as the one before it leaves it.
    let mut views: FxHashMap<BucketKey, BucketView> = FxHashMap::default();
    let mut batch = Vec::with_capacity(records.len());
    for record in records {
        let mut located = None;
        if let Record::EventsChanged(r) = &record
            && let Some(view) = views
                .remove(&r.bucket)
                .or_else(|| snapshot.kept_of(r.bucket).cloned())
        {
            let found = located_for(r, &view, undo)?;
            views.insert(r.bucket, found.without());
            located = Some(found);
        }
        batch.push(Prepared::of(record, located)?);
    }
    Ok(batch)
}

fn located_for(
    record: &EventsChanged<'_>,
    view: &BucketView,
    undo: &Undo,
) -> Result<Arc<Located>, SegmentError> {
    let last = match record.last {
        Last::Event(id) => Some(id),
        _ => None,
    };
    if let Some(all) = undo.located(record.bucket)
        && record.ids.is_empty()
        && last.is_none()
        && all.is_of(&record.removed)
    {
        return Ok(all.clone());
    }
    let mut ids = record.removed.clone();
    ids.extend(&record.ids);
    Ok(Arc::new(Located::beside(view, &ids, last)?))
}
