//! Taking changes back: new records that give what some records changed its earlier value.
//!
//! Three states decide: before the records, after them, and now. What is now as it was after the records gets the value from
//! before them. What has changed again since is a conflict, and stays as it is. Heartbeats are not undone: they report what
//! happened, and nobody decided it.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | reads what the records changed, and the three states |
//! | `standing` | compares a snapshot with the state after the records; checks whether a decision still holds |
//! | `records` | decides, and makes the records that undo others |
//! | `names` | orders them, so that a name is free before a bucket gets it back |
//! | `parts` | cuts changes of events into records that fit a log segment |

mod names;
mod parts;
mod records;
mod standing;

pub(crate) use standing::Verdict;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::EventId;

use crate::error::HistoryError;
use crate::history::backward::{self, Asked};
use crate::history::each_record_until;
use crate::history::event_state::StateAt;
use crate::history::undo::standing::Standing;
use crate::record::{BucketKey, Effect, Record};

/// What to do about what was changed again since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// Nothing is changed; the answer says what would be.
    Preview,
    /// Nothing is changed if anything cannot be taken back.
    All,
    /// What can be taken back is.
    Possible,
}

/// What an undo changed, or would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Events that were restored or got their earlier times or data.
    pub events_restored: u64,
    /// Events that were removed.
    pub events_removed: u64,
    /// Buckets that were restored or deleted, or got their earlier fields.
    pub buckets: u64,
    /// Settings that got their earlier value.
    pub settings: u64,
    /// Heartbeats among the records, which stay.
    pub heartbeats_kept: u64,
    /// What could not be taken back, and why.
    pub conflicts: Vec<String>,
}

impl Undone {
    /// Whether there was nothing to take back.
    pub fn is_empty(&self) -> bool {
        self.events_restored + self.events_removed + self.buckets + self.settings == 0
    }

    fn add(&mut self, other: Undone) {
        self.events_restored += other.events_restored;
        self.events_removed += other.events_removed;
        self.buckets += other.buckets;
        self.settings += other.settings;
        self.heartbeats_kept += other.heartbeats_kept;
        self.conflicts.extend(other.conflicts);
    }
}

/// What some records changed, and what it was before.
#[derive(Debug)]
pub(crate) struct Undo {
    /// The first of the records.
    from: Seq,
    events: FxHashMap<BucketKey, FxHashSet<EventId>>,
    buckets: FxHashSet<BucketKey>,
    /// Those of the buckets that were made by the records.
    made: FxHashSet<BucketKey>,
    /// What was there before, or may have been: events and buckets that came with the records were not.
    asked: Asked,
    heartbeats: u64,
    purges: u64,
    before: StateAt,
    after: StateAt,
    now: StateAt,
    standing: Standing,
}

impl Undo {
    /// Reads what the records `from..=to` changed.
    ///
    /// # Errors
    /// When a part of the log cannot be read; [`HistoryError::Cancelled`].
    pub(crate) fn of(
        reader: &LogReader,
        (from, to): (Seq, Seq),
        newest: Seq,
        cancel: &Cancel,
    ) -> Result<Undo, HistoryError> {
        let mut undo = Undo {
            from,
            events: FxHashMap::default(),
            buckets: FxHashSet::default(),
            made: FxHashSet::default(),
            asked: Asked::default(),
            heartbeats: 0,
            purges: 0,
            before: StateAt::default(),
            after: StateAt::default(),
            now: StateAt::default(),
            standing: Standing::default(),
        };
        each_record_until(reader, from, to, cancel, |_, record| {
            undo.note(&record);
            Ok(true)
        })?;
        undo.before = backward::before(reader, &undo.asked, from, cancel)?;
        let before = undo.before.clone().keeping(undo.events.clone());
        if let Ok([after, now]) = <[StateAt; 2]>::try_from(before.at(reader, from, &[to, newest], cancel)?) {
            (undo.after, undo.now) = (after, now);
        }
        Ok(undo)
    }

    fn note(&mut self, record: &Record<'_>) {
        match record.effect() {
            Effect::CreateBucket(r) => {
                self.buckets.insert(r.bucket);
                self.made.insert(r.bucket);
            }
            Effect::UpdateBucket(r) => self.bucket_changed(r.bucket),
            Effect::ListBucket(r) => self.bucket_changed(r.bucket),
            Effect::DeleteBucket(key) | Effect::RestoreBucket(key) => self.bucket_changed(key),
            Effect::ChangeEvents(changes) if changes.by_heartbeat => self.heartbeats += record.heartbeats(),
            // What is left of an erased record changes no event.
            Effect::ChangeEvents(changes) if changes.is_empty() => {}
            Effect::ChangeEvents(changes) => {
                let new = changes.put.filter(|put| put.first_new().is_some());
                // Events with new ids were not there before.
                let new = new.iter().flat_map(|put| put.ids());
                self.events.entry(changes.bucket).or_default().extend(new);
                let extended = changes.extended.iter().map(|(id, _)| id);
                let given = changes.put.and_then(|put| put.given()).unwrap_or_default();
                let all = changes.removed.iter().chain(given).copied().chain(extended);
                self.changed(changes.bucket, all);
            }
            Effect::Set { key, .. } => drop(self.asked.settings.insert(key.to_owned())),
            Effect::Purge(_) => self.purges += 1,
            Effect::EndPurges { .. } | Effect::TakeBatch { .. } | Effect::Nothing => {}
        }
    }

    fn bucket_changed(&mut self, key: BucketKey) {
        self.buckets.insert(key);
        if !self.made.contains(&key) {
            self.asked.buckets.insert(key);
        }
    }

    /// A record changed events. Those that came with an earlier one of the records were not there before.
    fn changed(&mut self, key: BucketKey, ids: impl Iterator<Item = EventId>) {
        let all = self.events.entry(key).or_default();
        if self.made.contains(&key) {
            all.extend(ids);
            return;
        }
        let asked = self.asked.events.entry(key).or_default();
        for id in ids {
            if all.insert(id) {
                asked.insert(id);
            }
        }
    }

    /// The buckets that it is about.
    fn keys(&self) -> Vec<BucketKey> {
        let mut keys: Vec<BucketKey> = self.events.keys().chain(&self.buckets).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
