//! [`Queue`]: takes heartbeats, merges them as aw-client does, gives out what is to be sent.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use timberline_log::{AppendError, LogError, LogOptions};
use timberline_model::{Duration, Pulsetime, Timestamp, heartbeat};

use super::heartbeat::Waiting;
use super::record::{Attempt, Done, Record};
use super::refused::{self, Refusal};
use super::state::State;
use super::store::{Place, Store};

/// What is held back is written again at most so often.
const REWRITE_HELD: Duration = Duration::from_secs(1);
/// So many changes may wait in memory for space on the disk.
const MOST_UNWRITTEN: usize = 10_000;
/// The log is written anew when it has grown by so many bytes more than twice what waits.
const GROWTH: usize = 1 << 20;
/// Space on the disk is looked for, and a rewrite that failed tried again, so often.
const RETRY_WRITES: Duration = Duration::from_secs(1);

/// How a queue works.
#[derive(Clone, Debug)]
pub(crate) struct QueueOptions {
    /// A heartbeat is held back for merging until it lasts so long, or was held for so long.
    pub(crate) commit_interval: Duration,
    /// The most bytes that wait, about.
    pub(crate) limit: usize,
    pub(crate) log: LogOptions,
}

/// Where a heartbeat is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the queue's log: it survives the death of this process.
    OnDisk,
    /// In memory, because the disk is full. It gets to the log when there is space.
    InMemory,
}

/// Why a heartbeat was not taken, or the queue not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// As much waits as may wait.
    #[error(
        "the queue is full: {count} heartbeats ({bytes} bytes) wait for the server. What waits is kept, and this heartbeat is not \
         recorded: start the server, or see why it refuses what it is sent"
    )]
    Full {
        /// Heartbeats that wait.
        count: usize,
        /// Their bytes, about.
        bytes: usize,
    },
    /// The disk is full, and so is the room in memory.
    #[error(
        "the disk is full, and {count} changes wait in memory already: this heartbeat is not recorded; free some space"
    )]
    NoSpace {
        /// Changes that wait for space.
        count: usize,
    },
    /// The heartbeat is too large for the log.
    #[error("a heartbeat for '{bucket}' has {bytes} bytes of data; at most {limit} can be queued")]
    TooLarge {
        /// The bucket.
        bucket: String,
        /// Bytes of its data.
        bytes: usize,
        /// The most that fits.
        limit: usize,
    },
    /// A duration or a pulsetime is negative: sending such a heartbeat twice would store it twice.
    #[error(
        "a heartbeat for '{bucket}' has a negative duration or pulsetime: a watcher reports what has happened"
    )]
    Negative {
        /// The bucket.
        bucket: String,
    },
    /// The client was closed.
    #[error("the client is closed: nothing more is recorded")]
    Closed,
    /// The queue's log cannot be opened.
    #[error("the queue of heartbeats cannot be opened: {0}")]
    Log(#[source] LogError),
    /// The queue's directory cannot be made.
    #[error("the directory of the queue of heartbeats cannot be made: {0}")]
    Directory(#[source] io::Error),
}

/// The most bytes of data that a heartbeat may have: it must fit a segment of the log.
const MOST_DATA: usize = 256 << 10;

/// The queue. `now` is the monotonic clock.
#[derive(Debug)]
pub(crate) struct Queue {
    options: QueueOptions,
    store: Store,
    state: State,
    /// Batches that are applied and not in the log, because the disk is full.
    unwritten: VecDeque<Vec<Record>>,
    /// By bucket: since when it is held, when that was last written, and whether it has changed since.
    holds: BTreeMap<String, Hold>,
    /// Whether the attempt may have reached the server before.
    doubtful: bool,
    /// Whether the server answers. While it does not, heartbeats are merged without limit.
    online: bool,
    retry_writes_at: Option<Duration>,
    /// A sync has failed: the log takes nothing more.
    log_has_failed: bool,
    closed: bool,
    was_full: bool,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    since: Duration,
    written: Duration,
    is_changed: bool,
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
            store,
            state,
            unwritten: VecDeque::new(),
            online: true,
            retry_writes_at: None,
            log_has_failed: false,
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
        if held.duration >= self.options.commit_interval && self.online {
            return self.hold_next(Some(Record::Queued(merged)), beat, now);
        }
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

    /// Sends what ended, and holds the next one back.
    fn hold_next(
        &mut self,
        ended: Option<Record>,
        beat: Waiting,
        now: Duration,
    ) -> Result<Stored, QueueError> {
        let is_full = ended.is_some() && self.state.bytes.saturating_add(beat.size()) > self.options.limit;
        if is_full != std::mem::replace(&mut self.was_full, is_full) && is_full {
            tracing::warn!(
                "the queue of heartbeats is full ({} bytes): what waits is kept, and what is new is not recorded until the server \
                 takes some",
                self.state.bytes
            );
        }
        if is_full {
            return Err(QueueError::Full {
                count: self.state.queued.len(),
                bytes: self.state.bytes,
            });
        }
        let beat = Waiting {
            number: self.state.next,
            ..beat
        };
        if self.options.commit_interval <= Duration::ZERO {
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

    fn write_held(&mut self, held: Waiting, since: Duration, now: Duration) -> Stored {
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

    /// Appends records to the log, or keeps them until there is space, and carries them out.
    fn commit(&mut self, records: Vec<Record>, now: Duration) {
        self.write_unwritten(now);
        if !self.unwritten.is_empty() || self.try_append(&records, now).is_err() {
            self.unwritten.push_back(records.clone());
        }
        for record in records {
            self.state.apply(record);
        }
    }

    fn try_append(&mut self, records: &[Record], now: Duration) -> Result<(), ()> {
        self.store.append(records).map_err(|error| {
            if self.unwritten.is_empty() {
                tracing::warn!("heartbeats are kept in memory for now: {error}");
            }
            self.retry_writes_at = Some(now.saturating_add(RETRY_WRITES));
            self.log_has_failed |= matches!(error, AppendError::Failed(_));
        })
    }

    fn write_unwritten(&mut self, now: Duration) {
        if self.retry_writes_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_writes_at = None;
        if self.log_has_failed {
            // Nothing can be appended to this log any more: another one takes its place.
            self.rewrite(now);
            return;
        }
        while let Some(batch) = self.unwritten.pop_front() {
            if self.try_append(&batch, now).is_err() {
                self.unwritten.push_front(batch);
                return;
            }
        }
    }

    /// What has to be done from time to time: writes what is held back, lets go of what was held for long enough, looks for
    /// space, writes a log anew that has grown.
    pub(crate) fn maintain(&mut self, now: Duration) {
        if self.closed {
            return;
        }
        self.write_unwritten(now);
        let holds: Vec<(String, Hold)> = self
            .holds
            .iter()
            .map(|(bucket, hold)| (bucket.clone(), *hold))
            .collect();
        for (bucket, hold) in holds {
            let Some(held) = self.state.held.get(&bucket).cloned() else {
                continue;
            };
            if self.online && now.saturating_sub(hold.since) >= self.options.commit_interval {
                self.holds.remove(&bucket);
                self.commit(vec![Record::Queued(held)], now);
            } else if hold.is_changed && now.saturating_sub(hold.written) >= REWRITE_HELD {
                self.write_held(held, hold.since, now);
            }
        }
        let limit = self.state.bytes.saturating_mul(2).saturating_add(GROWTH);
        if self.store.grown > limit && self.retry_writes_at.is_none() {
            self.rewrite(now);
        }
    }

    fn rewrite(&mut self, now: Duration) {
        match self.store.rewrite(&self.state) {
            Ok(()) => {
                self.unwritten.clear();
                self.log_has_failed = false;
            }
            Err(error) => {
                tracing::warn!("the queue of heartbeats could not be written anew: {error}");
                self.retry_writes_at = Some(now.saturating_add(RETRY_WRITES));
            }
        }
    }

    /// When [`maintain`](Self::maintain) next has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let of_hold = |hold: &Hold| {
            let write = hold.is_changed.then(|| hold.written.saturating_add(REWRITE_HELD));
            let send = self
                .online
                .then(|| hold.since.saturating_add(self.options.commit_interval));
            write.into_iter().chain(send).min()
        };
        let held = self.holds.values().filter_map(of_hold);
        held.chain(self.retry_writes_at.filter(|_| !self.unwritten.is_empty()))
            .min()
    }

    /// Holds nothing back any more.
    pub(crate) fn let_go(&mut self, now: Duration) {
        self.holds.clear();
        let held: Vec<Record> = self.state.held.values().cloned().map(Record::Queued).collect();
        for record in held {
            self.commit(vec![record], now);
        }
    }

    /// What is to be sent: what was being sent already, or the oldest heartbeats of buckets that are not `blocked`, at most
    /// `most` and about `bytes` of them. Whether they may have reached the server before comes with them.
    pub(crate) fn attempt(
        &mut self,
        blocked: impl Fn(&str) -> bool,
        (most, bytes): (usize, usize),
        now: Duration,
    ) -> Option<(Attempt, Vec<Waiting>, bool)> {
        if self.closed {
            return None;
        }
        if self.state.attempt.is_none() {
            let mut size = 0;
            let chosen = self
                .state
                .queued
                .iter()
                .filter(|waiting| !blocked(&waiting.bucket.id));
            let chosen = chosen.take(most).take_while(|waiting| {
                let fits = size == 0 || size + waiting.size() <= bytes;
                size += waiting.size();
                fits
            });
            let numbers: Vec<u64> = chosen.map(|waiting| waiting.number).collect();
            if numbers.is_empty() {
                return None;
            }
            let id = random_id();
            self.commit(vec![Record::Attempt(Attempt { id, numbers })], now);
            self.doubtful = false;
        }
        let attempt = self.state.attempt.clone()?;
        Some((attempt, self.state.in_attempt(), self.doubtful))
    }

    /// It is not known whether the attempt has reached the server.
    pub(crate) fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// These were stored, or need not be. `over`: what is left of the attempt is sent under another name.
    pub(crate) fn done(&mut self, numbers: Vec<u64>, over: bool, now: Duration) {
        if !self.closed {
            self.commit(vec![Record::Done(Done { numbers, over })], now);
        }
    }

    /// Puts what the server refuses for good into the file for it. Returns those that could not be put there: they stay.
    pub(crate) fn set_aside(&mut self, refusals: &[Refusal], wall: Timestamp) -> Result<(), io::Error> {
        for refusal in refusals {
            let waiting = self
                .state
                .queued
                .iter()
                .find(|waiting| waiting.number == refusal.number);
            let Some(waiting) = waiting else { continue };
            let bucket = &waiting.bucket.id;
            tracing::warn!(
                "the server refuses a heartbeat for '{bucket}' ({}): it was put into refused.ndjson in {}",
                refusal.reason,
                self.store.root().path().display()
            );
            refused::note(self.store.root(), waiting, &refusal.reason, wall)?;
        }
        Ok(())
    }

    /// Whether the server answers.
    pub(crate) fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Whether something can be sent.
    pub(crate) fn has_something_to_send(&self) -> bool {
        !self.state.queued.is_empty()
    }

    /// Heartbeats that wait, those that are held back included.
    pub(crate) fn len(&self) -> usize {
        self.state.queued.len() + self.state.held.len()
    }

    /// Bytes of what waits, about.
    pub(crate) fn bytes(&self) -> usize {
        self.state.bytes
    }

    /// Whether the disk is full, so that something is only in memory.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Writes everything, and lets the next one open the queue. What is taken out of it afterwards is sent again.
    pub(crate) fn close(&mut self, now: Duration) -> Result<(), LogError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        for (bucket, hold) in std::mem::take(&mut self.holds) {
            if let Some(held) = self.state.held.get(&bucket).filter(|_| hold.is_changed).cloned() {
                self.commit(vec![Record::Held(held)], now);
            }
        }
        self.retry_writes_at = None;
        self.write_unwritten(now);
        self.store.close()
    }

    /// Makes everything durable.
    #[cfg(test)]
    pub(crate) fn sync(&mut self) {
        self.store.sync();
    }

    /// Bytes appended since the log was begun.
    #[cfg(test)]
    pub(crate) fn grown(&self) -> usize {
        self.store.grown
    }

    #[cfg(test)]
    pub(crate) fn rewrite_now(&mut self, now: Duration) {
        self.rewrite(now);
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

/// 128 random bits. Without randomness, attempts of this process still differ from one another.
fn random_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let bytes = timberline_disk::random::<16>().unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:032x}-{count:x}", u128::from_le_bytes(bytes))
}
