//! [`Queue`]: takes heartbeats, and merges them as aw-client does.

use std::collections::{BTreeMap, VecDeque};

use timberline_log::LogOptions;
use timberline_model::{Duration, Pulsetime, heartbeat};

use super::error::{QueueError, Stored};
use super::heartbeat::Waiting;
use super::record::Record;
use super::state::State;
use super::store::{Place, Store};
use super::upkeep::{FORGET_SENT, REWRITE_HELD};

/// How many changes may wait in memory for space on the disk.
const MOST_UNWRITTEN: usize = 10_000;
/// The options of a queue.
#[derive(Clone, Debug)]
pub(crate) struct QueueOptions {
    /// A heartbeat is held back for merging for so long.
    pub(crate) commit_interval: Duration,
    /// The approximate limit of the queue, in bytes.
    pub(crate) limit: usize,
    pub(crate) log: LogOptions,
}

/// The most bytes of data that a heartbeat may have: it must fit a segment of the log.
const MOST_DATA: usize = 256 << 10;

/// The queue. `now` is the monotonic clock.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) options: QueueOptions,
    pub(super) store: Store,
    pub(super) state: State,
    /// Batches that are applied and not in the log, because the disk is full.
    pub(super) unwritten: VecDeque<Vec<Record>>,
    /// By bucket: since when it is held, when that was last written, and whether it has changed since.
    pub(super) holds: BTreeMap<String, Hold>,
    /// Whether the attempt may have reached the server before.
    pub(super) doubtful: bool,
    /// Whether the server answers. While it does not, heartbeats are merged without limit.
    pub(super) online: bool,
    pub(super) retry_writes_at: Option<Duration>,
    /// A sync has failed: the log accepts nothing more.
    pub(super) log_has_failed: bool,
    /// When the log is written anew, because heartbeats are in it that were sent.
    pub(super) forget_sent_at: Option<Duration>,
    pub(super) closed: bool,
    was_full: bool,
}

/// A heartbeat that is held back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) since: Duration,
    pub(super) written: Duration,
    pub(super) is_changed: bool,
}

impl Queue {
    pub(crate) fn open(place: Place, options: QueueOptions, now: Duration) -> Result<Queue, QueueError> {
        let (store, state) = Store::open(place, options.log.clone()).map_err(QueueError::Log)?;
        let hold = Hold {
            since: now,
            written: now,
            is_changed: false,
        };
        Ok(Queue {
            holds: state.held.keys().map(|bucket| (bucket.clone(), hold)).collect(),
            doubtful: state.attempt.is_some(),
            options,
            state,
            unwritten: VecDeque::new(),
            online: true,
            retry_writes_at: None,
            log_has_failed: false,
            // Those that the last process has sent may be in it.
            forget_sent_at: (store.grown > 0).then(|| now.saturating_add(FORGET_SENT)),
            store,
            closed: false,
            was_full: false,
        })
    }

    /// Takes a heartbeat. The number in it is given here.
    pub(crate) fn take(&mut self, beat: Waiting, now: Duration) -> Result<Stored, QueueError> {
        self.check(&beat)?;
        let Some(held) = self.state.held.get(&beat.bucket.id).cloned() else {
            return self.hold_next(None, beat, now);
        };
        let Some(merged) = merge(&held, &beat) else {
            return self.hold_next(Some(Record::Queued(held)), beat, now);
        };
        let hold = self.holds.get_mut(&merged.bucket.id);
        match hold {
            Some(hold) if now.saturating_sub(hold.written) < REWRITE_HELD => {
                hold.is_changed = true;
                self.state.held.insert(merged.bucket.id.clone(), merged);
                Ok(self.stored())
            }
            hold => {
                let since = hold.map_or(now, |hold| hold.since);
                Ok(self.write_held(merged, since, now))
            }
        }
    }

    fn check(&mut self, beat: &Waiting) -> Result<(), QueueError> {
        let bucket = || beat.bucket.id.clone();
        if self.closed {
            return Err(QueueError::Closed);
        }
        if beat.duration.is_negative() || beat.pulsetime < Pulsetime::from_nanos(0) {
            return Err(QueueError::Negative { bucket: bucket() });
        }
        let bytes = beat.data.as_str().len();
        if bytes > MOST_DATA {
            return Err(QueueError::TooLarge {
                bucket: bucket(),
                bytes,
                limit: MOST_DATA,
            });
        }
        if self.unwritten.len() >= MOST_UNWRITTEN {
            return Err(QueueError::NoSpace {
                count: self.unwritten.len(),
            });
        }
        Ok(())
    }

    /// Whether the last heartbeat that begins something new was refused, because there was no room for it.
    pub(crate) fn is_full(&self) -> bool {
        self.was_full
    }

    /// Whether there is room for more. What is in the queue was acknowledged, so a full queue refuses new heartbeats.
    fn check_room(&mut self, beat: &Waiting) -> Result<(), QueueError> {
        let is_full = self.state.bytes.saturating_add(beat.size()) > self.options.limit;
        let was_full = std::mem::replace(&mut self.was_full, is_full);
        if !is_full {
            return Ok(());
        }
        let full = QueueError::Full {
            count: self.state.queued.len(),
            bytes: self.state.bytes,
        };
        if !was_full {
            tracing::warn!("{full}");
        }
        Err(full)
    }

    /// Queues the heartbeat that has ended, and holds the next one back.
    fn hold_next(
        &mut self,
        ended: Option<Record>,
        beat: Waiting,
        now: Duration,
    ) -> Result<Stored, QueueError> {
        let holds_nothing = self.options.commit_interval <= Duration::ZERO;
        // The first heartbeat of a bucket may be held back: the queue does not grow.
        if ended.is_some() || holds_nothing {
            self.check_room(&beat)?;
        }
        let beat = Waiting {
            number: self.state.next,
            ..beat
        };
        if holds_nothing {
            let records = ended.into_iter().chain([Record::Queued(beat)]).collect();
            self.commit(records, now);
            return Ok(self.stored());
        }
        let hold = Hold {
            since: now,
            written: now,
            is_changed: false,
        };
        self.holds.insert(beat.bucket.id.clone(), hold);
        let records = ended.into_iter().chain([Record::Held(beat)]).collect();
        self.commit(records, now);
        Ok(self.stored())
    }

    pub(super) fn write_held(&mut self, held: Waiting, since: Duration, now: Duration) -> Stored {
        let hold = Hold {
            since,
            written: now,
            is_changed: false,
        };
        self.holds.insert(held.bucket.id.clone(), hold);
        self.commit(vec![Record::Held(held)], now);
        self.stored()
    }

    fn stored(&self) -> Stored {
        if self.unwritten.is_empty() {
            Stored::OnDisk
        } else {
            Stored::InMemory
        }
    }
}

/// The held heartbeat, extended by another one; `None` if that begins something new.
fn merge(held: &Waiting, beat: &Waiting) -> Option<Waiting> {
    let same = held.data == beat.data && held.bucket == beat.bucket;
    let duration = heartbeat::merge(
        held.start,
        held.duration,
        same,
        beat.start,
        beat.duration,
        beat.pulsetime,
    )?;
    Some(Waiting {
        duration,
        ..held.clone()
    })
}
