//! Append, apply, publish: what every write ends with, under the sequencer's lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;
use timberline_log::{AppendError, Entry, Seq};

use crate::error::WriteError;
use crate::fold::BucketState;
use crate::fold::State;
use crate::record::{BucketKey, CodecError, Record};
use crate::store::{Sequencer, Shared};
use crate::view::Located;

/// What a record takes in the log beside its payload, at most: header, padding, and what encryption adds.
const FRAME_BYTES: u64 = 80;

/// A record that is ready to be appended: what takes long was done before the sequencer's lock.
pub(crate) struct Prepared<'a> {
    pub(crate) record: Record<'a>,
    pub(crate) payload: Vec<u8>,
    /// Where the events lie that it names.
    pub(crate) located: Option<Arc<Located>>,
}

impl<'a> Prepared<'a> {
    /// Encodes a record.
    ///
    /// # Errors
    /// None in practice; an encoder error is passed on.
    pub(crate) fn of(record: Record<'a>, located: Option<Arc<Located>>) -> Result<Prepared<'a>, CodecError> {
        let mut payload = Vec::new();
        record.encode(&mut payload)?;
        Ok(Prepared {
            record,
            payload,
            located,
        })
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            kind: self.record.kind().number(),
            payload: &self.payload,
        }
    }
}

impl Shared {
    /// Appends one record, folds it in, and shows it.
    pub(crate) fn commit(&self, sequencer: &mut Sequencer, record: &Record<'_>) -> Result<Seq, WriteError> {
        let Sequencer { log, state, buffer } = sequencer;
        buffer.clear();
        record.encode(buffer)?;
        #[cfg(feature = "sim")]
        if self.options.planted_bug == Some(timberline_log::PlantedBug::PublishBeforeAppend) {
            let _ = state.apply(log.next_seq().0, record);
            self.publish(state);
            let seqs = log.append(&[Entry {
                kind: record.kind().number(),
                payload: buffer,
            }])?;
            return Ok(*seqs.end());
        }
        let seqs = log.append(&[Entry {
            kind: record.kind().number(),
            payload: buffer,
        }])?;
        self.folded(state, *seqs.end(), record, buffer.len());
        state.position = Some(log.position());
        self.publish(state);
        Ok(*seqs.end())
    }

    /// [`Shared::commit`] of a record of which it was found before the lock where the events lie that it names.
    pub(crate) fn commit_located(
        &self,
        sequencer: &mut Sequencer,
        record: &Record<'_>,
        located: &Arc<Located>,
    ) -> Result<Seq, WriteError> {
        let key = located.bucket();
        sequencer.state.expect(key, Some(located.clone()));
        let committed = self.commit(sequencer, record);
        sequencer.state.expect(key, None);
        committed
    }

    /// Appends records as one batch (or, when they do not fit one segment, as several), folds them in, and shows
    /// them at once.
    pub(crate) fn commit_all(
        &self,
        sequencer: &mut Sequencer,
        batch: &[Prepared<'_>],
    ) -> Result<Seq, WriteError> {
        let Sequencer { log, state, .. } = sequencer;
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
                    self.folded_prepared(state, Seq(seq), prepared);
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
                    self.folded_prepared(state, *seqs.end(), prepared);
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
            // Whoever waits for space must not do all of it again.
            Err(error) if done > 0 => Err(WriteError::Partly {
                stored: done,
                of: batch.len(),
                reason: error.to_string(),
            }),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Seq(state.seq)),
        }
    }

    fn folded_prepared(&self, state: &mut State, seq: Seq, prepared: &Prepared<'_>) {
        if let Some(located) = &prepared.located {
            state.expect(located.bucket(), Some(located.clone()));
        }
        self.folded(state, seq, &prepared.record, prepared.payload.len());
        if let Some(located) = &prepared.located {
            state.expect(located.bucket(), None);
        }
    }

    fn folded(&self, state: &mut State, seq: Seq, record: &Record<'_>, bytes: usize) {
        if let Err(error) = state.apply(seq.0, record) {
            // Decided a moment ago on the same state, so this is a bug or a damaged view segment.
            tracing::error!(%seq, %error, "a record that was just written does not fold");
        }
        self.unsaved
            .fetch_add(bytes as u64 + FRAME_BYTES, Ordering::Relaxed);
        if self.checkpoint_is_due() {
            self.wake();
        }
    }

    /// Wakes the compactor when the head of a bucket is worth sealing, for itself or for all of them together.
    pub(crate) fn note_growth(&self, sequencer: MutexGuard<'_, Sequencer>, key: BucketKey) {
        let state = &sequencer.state;
        let crowded = state.heads_take_too_much();
        let worth = |bucket: &BucketState| bucket.is_full() || crowded && bucket.is_sizable();
        let full = state.bucket(key).is_some_and(worth);
        drop(sequencer);
        if full {
            self.wake();
        }
    }
}
