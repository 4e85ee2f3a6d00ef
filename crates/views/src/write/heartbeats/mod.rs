//! Many heartbeats in one write: decided on a snapshot, checked under the lock, written as one group of records.
//!
//! | file | what it does |
//! |---|---|
//! | `decide` | what becomes of each heartbeat |
//! | `again` | the answer to a request that was carried out before |

mod again;
mod decide;

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Heartbeat, Pulsetime, Timestamp};

use crate::error::WriteError;
use crate::record::{self, BatchTaken, BucketKey, EventBlock, Record, codec};
use crate::sequencer::{MAX_ROUNDS, Prepared, Turn};
use crate::store::{HeartbeatDurability, Store};
use crate::view::{BucketView, Located};
use crate::write::events::Receipt;

pub use again::Again;
use decide::{Decision, Part};

/// Heartbeats that were sent together.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatBatch<'a> {
    /// Who sent them: the name of the token, or nothing. It has no control characters.
    pub client: &'a str,
    /// What the client calls the request. The same request is carried out once.
    pub id: Option<&'a str>,
    /// A checksum of what was sent ([`BatchDigest`]).
    pub digest: u32,
    /// The buckets that they are for, each once.
    pub buckets: &'a [&'a str],
    /// The heartbeats, in order.
    pub sent: &'a [Sent<'a>],
}

/// One heartbeat of a request.
#[derive(Clone, Copy, Debug)]
pub enum Sent<'a> {
    /// It is to be stored.
    Beat(Beat<'a>),
    /// It is not.
    Refused(Refusal),
}

/// A heartbeat, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Beat<'a> {
    /// Number of the bucket in [`HeartbeatBatch::buckets`].
    pub bucket: u32,
    /// The longest gap that it bridges.
    pub pulsetime: Pulsetime,
    /// When the state was seen.
    pub start: Timestamp,
    /// How long it had lasted.
    pub duration: Duration,
    /// Canonical JSON object.
    pub data: &'a str,
}

/// Why a heartbeat is not stored. The number stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Refusal {
    /// It is no heartbeat, or its time cannot be read.
    Unreadable = 0,
    /// There is no bucket with its id.
    NoSuchBucket = 1,
    /// A privacy filter drops it.
    Filtered = 2,
    /// Its sender may not write to the bucket.
    NotAllowed = 3,
}

/// What became of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeatAnswer {
    /// It extended or created an event.
    Stored {
        /// The event's id.
        id: EventId,
        /// When it begins.
        start: Timestamp,
        /// How long it lasted with this heartbeat.
        duration: Duration,
    },
    /// It was not stored.
    Refused(Refusal),
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchOutcome {
    /// It is carried out: an answer for each heartbeat, in order.
    Done(Vec<BeatAnswer>, Receipt),
    /// It was carried out before; this record says so.
    Known(Receipt),
}

/// A checksum of heartbeats, to notice when a client uses the name of a request for another one.
#[derive(Clone, Debug, Default)]
pub struct BatchDigest(crc32fast::Hasher);

impl BatchDigest {
    /// Adds a heartbeat as it was sent.
    pub fn add(&mut self, bucket: &str, beat: &Heartbeat<'_>, pulsetime: Pulsetime) {
        let mut numbers = [0; 24];
        let values = [beat.start.nanos(), beat.duration.nanos(), pulsetime.nanos()];
        for (place, value) in numbers.chunks_exact_mut(8).zip(values) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        self.0.update(bucket.as_bytes());
        self.0.update(&numbers);
        self.0.update(beat.data.as_bytes());
    }

    /// Adds one that cannot be read.
    pub fn add_unreadable(&mut self) {
        self.0.update(b"\n");
    }

    /// The checksum of all.
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

impl Store {
    /// Takes heartbeats that were sent together, with the outcome that they would have one by one. All that can be stored
    /// are, or none is. With an id, a second request of the same client and id changes nothing.
    ///
    /// # Errors
    /// [`WriteError`]; those that pass ([`WriteError::is_passing`]) should make the client wait.
    pub fn heartbeats(&self, batch: &HeartbeatBatch<'_>) -> Result<BatchOutcome, WriteError> {
        let sequencer = &self.shared.sequencer;
        let mut round = 1;
        loop {
            let mut decided = None;
            if round < MAX_ROUNDS {
                let snapshot = self.snapshot();
                decided = Some(Ready::of(decide::decide(batch, |id| snapshot.bucket(id)))?);
                sequencer.interleave();
            }
            let mut turn = sequencer.lock();
            if let Some(seq) = batch.id.and_then(|id| turn.state.batch(batch.client, id)) {
                return Ok(BatchOutcome::Known(self.acknowledged(seq)));
            }
            let ready = match decided {
                Some(ready) if ready.holds(&turn) => ready,
                Some(_) => {
                    round += 1;
                    continue;
                }
                // Others change the same buckets all the while: this time they wait.
                None => Ready::of(decide::decide(batch, |id| turn.state.named(id).map(|b| &b.view)))?,
            };
            let (answered, seq) = self.write(&mut turn, batch, ready)?;
            sequencer.note_growth_of(turn, &answered.keys);
            return Ok(BatchOutcome::Done(answered.answers, self.acknowledged(seq)));
        }
    }

    fn acknowledged(&self, seq: Seq) -> Receipt {
        Receipt {
            seq,
            sync: self.shared.options.heartbeat == HeartbeatDurability::Always,
        }
    }

    fn write(
        &self,
        turn: &mut Turn,
        batch: &HeartbeatBatch<'_>,
        ready: Ready<'_>,
    ) -> Result<(Answered, Seq), WriteError> {
        let Ready { decision, blocks } = ready;
        let mut first = turn.state.next_event;
        let mut records = Vec::with_capacity(blocks.len() + 1);
        let mut firsts = Vec::with_capacity(blocks.len());
        for (part, (events, bytes)) in decision.parts.iter().zip(blocks) {
            turn.room_for(part.name)?;
            firsts.push(first);
            let heartbeats = part.record(first, events);
            first = first.plus(heartbeats.events.len() as u64);
            let mut payload = Vec::with_capacity(bytes.len() + 2 * part.counts.len() + 64);
            codec::encode_heartbeats(&heartbeats, &mut payload)?;
            payload.extend_from_slice(&bytes);
            records.push(Prepared {
                record: Record::Heartbeats(heartbeats),
                payload,
                located: part.located.clone(),
            });
        }
        let answered = Answered {
            answers: decision.answers(&firsts),
            keys: decision.parts.iter().map(|part| part.key).collect(),
        };
        if records.is_empty() {
            return Ok((answered, turn.state.seq));
        }
        if let Some(id) = batch.id {
            let taken = Record::BatchTaken(BatchTaken {
                client: batch.client,
                id,
                digest: batch.digest,
                parts: decision.parts.len() as u32,
                outcomes: decision.outcomes(),
            });
            records.push(Prepared::of(taken, None)?);
        }
        let seq = self.shared.sequencer.commit_together(turn, &records)?;
        Ok((answered, seq))
    }
}

/// What a write gives back, and the buckets that it changed.
struct Answered {
    answers: Vec<BeatAnswer>,
    keys: Vec<BucketKey>,
}

/// A decision whose events are encoded: what takes long is done before the lock.
struct Ready<'b> {
    decision: Decision<'b>,
    blocks: Vec<(EventBlock<'b>, Vec<u8>)>,
}

impl<'b> Ready<'b> {
    fn of(decision: Decision<'b>) -> Result<Ready<'b>, WriteError> {
        let encode = |part: &Part<'b>| {
            let block = EventBlock::from_events(part.events.iter().copied());
            let mut bytes = Vec::new();
            block.encode(&mut bytes)?;
            Ok((block, bytes))
        };
        let blocks: Result<_, WriteError> = decision.parts.iter().map(encode).collect();
        Ok(Ready {
            blocks: blocks?,
            decision,
        })
    }

    /// Whether nothing that was decided on has changed since.
    fn holds(&self, turn: &Turn) -> bool {
        let still_unknown = |name: &&str| turn.state.named(name).is_none();
        self.decision.unknown.iter().all(still_unknown)
            && self.decision.parts.iter().all(|part| {
                let now = turn.state.named(part.name).map(|bucket| &bucket.view);
                now.is_some_and(|now| part.holds(now))
            })
    }
}

impl<'b> Part<'b> {
    /// Whether what was decided still holds for the bucket as it is now.
    fn holds(&self, now: &BucketView) -> bool {
        // The fold must find the event that is extended without reading.
        let is_found = match (&self.located, self.extended) {
            (Some(located), _) => located.covers(now),
            (None, Some(extended)) => now.find_in_memory(extended.event).is_some(),
            (None, None) => true,
        };
        now.key == self.key && now.touched == self.touched && is_found
    }

    fn record(&self, first: EventId, events: EventBlock<'b>) -> record::Heartbeats<'b> {
        record::Heartbeats {
            bucket: self.key,
            extended: self.extended,
            first,
            counts: self.counts.clone(),
            events,
        }
    }
}

impl Refusal {
    const ALL: [Refusal; 4] = [
        Refusal::Unreadable,
        Refusal::NoSuchBucket,
        Refusal::Filtered,
        Refusal::NotAllowed,
    ];

    /// The refusal with this number.
    fn from_number(number: u32) -> Option<Refusal> {
        Refusal::ALL.into_iter().find(|refusal| *refusal as u32 == number)
    }
}

/// Where the event lies that the first heartbeat of a part extends.
type LocatedEvent = Option<Arc<Located>>;
