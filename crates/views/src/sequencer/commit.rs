//! Append, fold, publish: what every write ends with, under the sequencer's lock.

use std::sync::Arc;

use parking_lot::MutexGuard;
use timberline_log::{AppendError, Entry, Seq};

use super::prepared::Prepared;
use super::turn::{Sequencer, Turn};
use crate::error::WriteError;
use crate::fold::{BucketState, State};
use crate::record::{BucketKey, Record};
use crate::view::Located;

/// What a record takes in the log in addition to its payload, at most: header, padding, and what encryption adds.
const FRAME_BYTES: u64 = 80;

impl Sequencer {
    /// Appends one record, folds it in, and publishes the result.
    pub(crate) fn commit(&self, turn: &mut Turn, record: &Record<'_>) -> Result<Seq, WriteError> {
        let Turn { log, state, buffer } = turn;
        buffer.clear();
        record.encode(buffer)?;
        let entry = Entry {
            kind: record.kind().number(),
            payload: buffer,
        };
        let appended = log.append(&[entry]);
        let seqs =
            appended.inspect_err(|error| self.hooks.refused(self, state, log.next_seq(), record, error))?;
        self.fold(state, *seqs.end(), record, buffer.len());
        state.position = Some(log.position());
        self.publish(state);
        Ok(*seqs.end())
    }

    /// [`Sequencer::commit`] of a record whose events were located before the lock.
    pub(crate) fn commit_located(
        &self,
        turn: &mut Turn,
        record: &Record<'_>,
        located: &Arc<Located>,
    ) -> Result<Seq, WriteError> {
        let key = located.bucket();
        turn.state.expect(key, Some(located.clone()));
        let committed = self.commit(turn, record);
        turn.state.expect(key, None);
        committed
    }

    /// Appends records as one batch (or, when they do not fit one segment, as several), folds them in, and publishes
    /// all of them at once.
    pub(crate) fn commit_all(&self, turn: &mut Turn, batch: &[Prepared<'_>]) -> Result<Seq, WriteError> {
        let Turn { log, state, .. } = turn;
        // Their payloads were put together in parts, which does not check this.
        batch
            .iter()
            .try_for_each(|prepared| prepared.record.check_numbers())?;
        let entries: Vec<Entry<'_>> = batch.iter().map(Prepared::entry).collect();
        let mut done = 0;
        let result = match log.append(&entries) {
            Ok(seqs) => {
                // The disk can begin while the events are folded in and the answer is written.
                self.durability.request(*seqs.end());
                for (seq, prepared) in (seqs.start().0..).zip(batch) {
                    self.fold_prepared(state, Seq(seq), prepared);
                }
                done = batch.len();
                Ok(())
            }
            // None of them is stored if there is one that never can be.
            Err(AppendError::TooLarge { limit, .. })
                if batch.len() > 1
                    && batch
                        .iter()
                        .all(|p| p.payload.len() as u64 + FRAME_BYTES <= limit) =>
            {
                batch.iter().zip(&entries).try_for_each(|(prepared, entry)| {
                    let seqs = log.append(std::slice::from_ref(entry))?;
                    self.fold_prepared(state, *seqs.end(), prepared);
                    done += 1;
                    Ok(())
                })
            }
            Err(e) => Err(e),
        };
        if done > 0 {
            state.position = Some(log.position());
            self.publish(state);
        }
        match result {
            // A client that waits for space must not write all of it again.
            Err(error) if done > 0 => Err(WriteError::Partly {
                stored: done,
                of: batch.len(),
                source: error,
            }),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(state.seq),
        }
    }

    /// Appends records as one batch, all of them or none, folds them in, and publishes all of them at once. Whoever waits
    /// for them to be durable asks for the sync.
    pub(crate) fn commit_together(&self, turn: &mut Turn, batch: &[Prepared<'_>]) -> Result<Seq, WriteError> {
        let Turn { log, state, .. } = turn;
        batch
            .iter()
            .try_for_each(|prepared| prepared.record.check_numbers())?;
        let entries: Vec<Entry<'_>> = batch.iter().map(Prepared::entry).collect();
        let seqs = log.append(&entries)?;
        for (seq, prepared) in (seqs.start().0..).zip(batch) {
            self.fold_prepared(state, Seq(seq), prepared);
        }
        state.position = Some(log.position());
        self.publish(state);
        Ok(*seqs.end())
    }

    fn fold_prepared(&self, state: &mut State, seq: Seq, prepared: &Prepared<'_>) {
        if let Some(located) = &prepared.located {
            state.expect(located.bucket(), Some(located.clone()));
        }
        self.fold(state, seq, &prepared.record, prepared.payload.len());
        if let Some(located) = &prepared.located {
            state.expect(located.bucket(), None);
        }
    }

    fn fold(&self, state: &mut State, seq: Seq, record: &Record<'_>, bytes: usize) {
        if let Err(error) = state.apply(seq, record) {
            // Decided a moment ago on the same state, so this is a bug or a damaged view segment.
            tracing::error!(%seq, %error, "a record that was just written does not fold");
        }
        self.checkpointer.note_bytes(bytes as u64 + FRAME_BYTES);
        if self.checkpointer.is_due() {
            self.wakeup.wake_compactor();
        }
    }

    /// Wakes the compactor when the head of a bucket is worth flushing, because it is full or because all heads together
    /// take too much memory.
    pub(crate) fn note_growth(&self, turn: MutexGuard<'_, Turn>, key: BucketKey) {
        self.note_growth_of(turn, &[key]);
    }

    /// The same for several buckets.
    pub(crate) fn note_growth_of(&self, turn: MutexGuard<'_, Turn>, keys: &[BucketKey]) {
        let state = &turn.state;
        let crowded = state.heads_take_too_much();
        let worth = |bucket: &BucketState| bucket.is_full() || crowded && bucket.is_sizable();
        let full = keys.iter().any(|key| state.bucket(*key).is_some_and(worth));
        drop(turn);
        if full {
            self.wakeup.wake_compactor();
        }
    }
}
