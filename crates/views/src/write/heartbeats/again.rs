//! The answer to a request that was carried out before: the same as then, from the records that it left and from the
//! heartbeats, which are sent again.
//!
//! The log says which heartbeats are part of which event. How long an event lasted after each of them follows from
//! their times.

use std::collections::VecDeque;

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp, heartbeat};

use super::{Beat, BeatAnswer, HeartbeatBatch, Refusal, Sent};
use crate::error::HistoryError;
use crate::record::{BatchTaken, Extension, Heartbeats, Record};
use crate::store::Store;

/// What can be said of a request that was carried out before.
#[derive(Clone, Debug, PartialEq)]
pub enum Again {
    /// The answers that it got.
    Answers(Vec<BeatAnswer>),
    /// It was another request, with other heartbeats.
    Another,
    /// Only that it was carried out: its records were squashed, erased in part, or are damaged.
    Unknown,
}

impl Store {
    /// The answers to a request that record `seq` says was carried out ([`BatchOutcome::Known`](super::BatchOutcome::Known)).
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn heartbeats_again(&self, seq: Seq, batch: &HeartbeatBatch<'_>) -> Result<Again, HistoryError> {
        let reader = self.shared.reader()?;
        let parts = match read(&reader, seq, |record| match record {
            Record::BatchTaken(taken) => Some(taken.parts),
            _ => None,
        })? {
            Some(parts) if parts > 0 => parts,
            _ => return Ok(Again::Unknown),
        };
        let first = Seq(seq.get().saturating_sub(u64::from(parts)));
        let mut records = reader.read_from(first)?;
        let mut found = Vec::new();
        while let Some(record) = records.next() {
            // Damage may have taken one of them.
            let Ok(record) = record else {
                return Ok(Again::Unknown);
            };
            if record.seq > seq {
                break;
            }
            match Record::decode(record.kind, record.payload)? {
                Record::Heartbeats(heartbeats) => found.push(Replay::of(heartbeats)),
                Record::BatchTaken(taken) if found.len() == parts as usize => {
                    return Ok(answer(&taken, batch, found));
                }
                _ => return Ok(Again::Unknown),
            }
        }
        Ok(Again::Unknown)
    }
}

/// What `get` says of one record.
fn read<T>(
    reader: &timberline_log::LogReader,
    seq: Seq,
    get: impl Fn(&Record<'_>) -> Option<T>,
) -> Result<Option<T>, HistoryError> {
    let mut records = reader.read_from(seq)?;
    match records.next() {
        Some(Ok(record)) if record.seq == seq => Ok(get(&Record::decode(record.kind, record.payload)?)),
        _ => Ok(None),
    }
}

fn answer(taken: &BatchTaken<'_>, batch: &HeartbeatBatch<'_>, mut parts: Vec<Replay>) -> Again {
    if batch.id.is_none_or(|id| id != taken.id) || taken.client != batch.client {
        return Again::Unknown;
    }
    if taken.digest != batch.digest || taken.outcomes.len() != batch.sent.len() {
        return Again::Another;
    }
    let answers = taken.outcomes.iter().zip(batch.sent).map(|(outcome, sent)| {
        let Some(part) = outcome.checked_sub(BatchTaken::STORED) else {
            return Refusal::from_number(*outcome).map(BeatAnswer::Refused);
        };
        let Sent::Beat(beat) = sent else { return None };
        parts.get_mut(part as usize)?.next(beat)
    });
    answers
        .collect::<Option<Vec<BeatAnswer>>>()
        .map_or(Again::Unknown, Again::Answers)
}

/// Goes through the heartbeats of a record once more.
struct Replay {
    extended: Option<Extension>,
    first: EventId,
    /// How many are left of each event that is still to come.
    counts: VecDeque<u32>,
    /// The event that the next one extends, and how many do.
    current: Option<(EventId, Timestamp, Duration, u32)>,
}

impl Replay {
    fn of(record: Heartbeats<'_>) -> Replay {
        Replay {
            extended: record.extended,
            first: record.first,
            counts: record.counts.into(),
            current: None,
        }
    }

    fn next(&mut self, beat: &Beat<'_>) -> Option<BeatAnswer> {
        let (id, start, duration, left) = match self.current.take().filter(|(.., left)| *left > 0) {
            Some((id, start, duration, left)) => (id, start, longer(start, duration, beat)?, left - 1),
            None => {
                let left = self.counts.pop_front()?.checked_sub(1)?;
                match self.extended.take() {
                    Some(e) => (e.event, e.start, longer(e.start, e.before, beat)?, left),
                    None => {
                        let id = self.first;
                        self.first = id.next();
                        (id, beat.start, beat.duration, left)
                    }
                }
            }
        };
        self.current = Some((id, start, duration, left));
        Some(BeatAnswer::Stored { id, start, duration })
    }
}

/// How long an event lasts once a heartbeat has extended it.
fn longer(start: Timestamp, duration: Duration, beat: &Beat<'_>) -> Option<Duration> {
    heartbeat::merge(start, duration, true, beat.start, beat.duration, beat.pulsetime)
}
