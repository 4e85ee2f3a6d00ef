//! The history of an event: every record that changed it.

use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::{Duration, EventId, Pulsetime, Timestamp};

use crate::error::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::record::{BucketKey, Effect, EventChanges, Heartbeats, LossCause, Record, RecordKind};

/// One thing that happened to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The record that says so.
    pub seq: Seq,
    /// When that was written.
    pub time: Timestamp,
    /// What happened.
    pub what: ChangeKind,
    /// What the event was afterwards; `None` if it was gone.
    pub event: Option<(Timestamp, Duration)>,
    /// Its data, if the record holds it: the others leave it as it was.
    pub data: Option<String>,
}

/// What can happen to an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChangeKind {
    /// A heartbeat created it.
    Created(HeartbeatFacts),
    /// A heartbeat extended it.
    Extended(HeartbeatFacts),
    /// So many heartbeats, sent together, created it and extended it.
    CreatedByMany(u32),
    /// So many heartbeats, sent together, extended it.
    ExtendedByMany(u32),
    /// It was inserted or imported.
    Inserted,
    /// It was replaced by one with its id.
    Replaced,
    /// It was deleted.
    Deleted,
    /// The log had lost it, and a start brought it back from a view segment.
    Salvaged,
    /// An undo gave it back what it had been.
    Restored,
    /// An undo, or what is left of history, took it away.
    Removed,
    /// Older changes were squashed into this one.
    Squashed,
    /// Its bucket was deleted, and it with it.
    BucketDeleted,
    /// Its bucket was restored, and it with it.
    BucketRestored,
    /// It was purged: it is gone for good.
    Purged,
    /// What it had been was erased.
    Redacted,
}

/// What a watcher sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeartbeatFacts {
    /// Its timestamp.
    pub start: Timestamp,
    /// Its duration.
    pub duration: Duration,
    /// How long a gap it was to bridge.
    pub pulsetime: Pulsetime,
}

/// What happened to an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventHistory {
    /// What happened, oldest first: the newest `limit` of it.
    pub changes: Vec<Change>,
    /// How much more there was before.
    pub earlier: u64,
}

/// Reads the history of an event. `squashed` is the newest record of which only the squashed state is known.
///
/// # Errors
/// When the log cannot be read (damage is passed over); [`HistoryError::Cancelled`].
pub(crate) fn event_history(
    reader: &LogReader,
    bucket: BucketKey,
    id: EventId,
    (squashed, newest): (Seq, Seq),
    limit: usize,
    cancel: &Cancel,
) -> Result<EventHistory, HistoryError> {
    let mut reading = HistoryReader {
        now: None,
        history: EventHistory::default(),
        limit: limit.max(1),
    };
    let mut records = reader.read_from(Seq::FIRST)?;
    let mut check = CancelCheck::new(cancel);
    let mut behind_marker = false;
    while let Some(record) = records.next() {
        let bytes = record.as_ref().map_or(0, |record| record.payload.len());
        check.after(bytes)?;
        let Ok(record) = record else { continue };
        if record.seq > newest {
            break;
        }
        if Record::bucket_of(record.kind, record.payload)? == Some(bucket) {
            let decoded = Record::decode(record.kind, record.payload)?;
            if let Some(mut change) = change_of(&decoded, id, record.seq <= squashed) {
                if behind_marker && matches!(change.what, ChangeKind::Replaced) {
                    change.what = ChangeKind::Salvaged;
                }
                reading.push(record.seq, record.time, change);
            }
        }
        behind_marker = is_marker(record.kind, record.payload);
    }
    Ok(reading.finish())
}

/// Whether the next record brings events back from a view segment.
fn is_marker(record_kind: u8, payload: &[u8]) -> bool {
    let salvaged = |record: Record<'_>| matches!(record, Record::Lost(r) if r.cause == LossCause::Salvaged);
    record_kind == RecordKind::Lost.number() && Record::decode(record_kind, payload).is_ok_and(salvaged)
}

/// What a record does to an event.
struct EventChange {
    what: ChangeKind,
    after: After,
}

/// What it is afterwards.
enum After {
    /// It has these times and this data.
    This(Timestamp, Duration, String),
    /// It lasts so long.
    Lasting(Duration),
    Gone,
    /// As it was.
    Same,
}

fn change_of(record: &Record<'_>, id: EventId, squashed: bool) -> Option<EventChange> {
    let same = |what| {
        Some(EventChange {
            what,
            after: After::Same,
        })
    };
    match record.effect() {
        Effect::ChangeEvents(changes) => changed(record, &changes, id, squashed),
        Effect::DeleteBucket(_) => same(ChangeKind::BucketDeleted),
        Effect::RestoreBucket(_) => same(ChangeKind::BucketRestored),
        Effect::Purge(purge) => {
            if purge.is_whole() || purge.removed().any(|ids| ids.contains(&id)) {
                return Some(EventChange {
                    what: ChangeKind::Purged,
                    after: After::Gone,
                });
            }
            // What is erased is in older records than this one.
            let redacted = purge.erased(Seq::NONE).any(|erased| erased.ids.contains(&id));
            redacted.then(|| same(ChangeKind::Redacted)).flatten()
        }
        Effect::CreateBucket(_)
        | Effect::UpdateBucket(_)
        | Effect::ListBucket(_)
        | Effect::Set { .. }
        | Effect::EndPurges { .. }
        | Effect::TakeBatch { .. }
        | Effect::Nothing => None,
    }
}

/// What changes to many events do to one of them; its last change counts.
fn changed(
    record: &Record<'_>,
    changes: &EventChanges<'_>,
    id: EventId,
    squashed: bool,
) -> Option<EventChange> {
    let mut after = changes.removed.contains(&id).then_some(After::Gone);
    if let Some((_, duration)) = changes.extended.iter().find(|(extended, _)| *extended == id) {
        after = Some(After::Lasting(duration));
    }
    if let Some((_, start, duration, text)) = changes.put.and_then(|put| put.find(id)) {
        after = Some(After::This(start, duration, text.to_owned()));
    }
    let after = after?;
    let what = match record {
        Record::Heartbeat(r) => {
            let beat = HeartbeatFacts {
                start: r.start,
                duration: r.duration,
                pulsetime: r.pulsetime,
            };
            match after {
                After::This(..) => ChangeKind::Created(beat),
                _ => ChangeKind::Extended(beat),
            }
        }
        Record::Heartbeats(r) => by_many(r, id),
        Record::EventsInserted(_) => ChangeKind::Inserted,
        Record::EventsPut(_) => ChangeKind::Replaced,
        Record::EventsDeleted(_) => ChangeKind::Deleted,
        Record::EventsChanged(_) if squashed => ChangeKind::Squashed,
        Record::EventsChanged(_) if matches!(after, After::Gone) => ChangeKind::Removed,
        Record::EventsChanged(_) => ChangeKind::Restored,
        Record::BucketCreated(_)
        | Record::BucketUpdated(_)
        | Record::BucketListed(_)
        | Record::BucketDeleted(_)
        | Record::BucketRestored(_)
        | Record::SettingSet(_)
        | Record::SettingDeleted(_)
        | Record::BatchTaken(_)
        | Record::Erased(_)
        | Record::PurgeBegun(_)
        | Record::PurgeEnded(_)
        | Record::Lost(_) => return None,
    };
    Some(EventChange { what, after })
}

/// What heartbeats that were sent together did to one of their events.
fn by_many(r: &Heartbeats<'_>, id: EventId) -> ChangeKind {
    let before = usize::from(r.extended.is_some());
    let number = match r.extended {
        Some(extended) if extended.event == id => 0,
        _ => before + id.0.saturating_sub(r.first.0) as usize,
    };
    let count = r.counts.get(number).copied().unwrap_or_default();
    match number < before {
        true => ChangeKind::ExtendedByMany(count),
        false => ChangeKind::CreatedByMany(count),
    }
}

struct HistoryReader {
    /// Start and duration, while it is there.
    now: Option<(Timestamp, Duration)>,
    history: EventHistory,
    limit: usize,
}

impl HistoryReader {
    fn push(&mut self, seq: Seq, time: i64, change: EventChange) {
        // What happens to the bucket while the event is not there is not part of its history.
        if self.now.is_none() && matches!(change.after, After::Same) {
            return;
        }
        let what = match change.what {
            ChangeKind::Replaced if self.now.is_none() => ChangeKind::Inserted,
            what => what,
        };
        let mut data = None;
        match change.after {
            After::This(start, duration, text) => {
                self.now = Some((start, duration));
                data = Some(text);
            }
            After::Lasting(duration) => self.now = self.now.map(|(start, _)| (start, duration)),
            After::Gone => self.now = None,
            After::Same => {}
        }
        if self.history.changes.len() >= 2 * self.limit {
            self.history.changes.drain(..self.limit);
            self.history.earlier += self.limit as u64;
        }
        self.history.changes.push(Change {
            seq,
            time: Timestamp::from_nanos(time),
            what,
            event: self.now,
            data,
        });
    }

    fn finish(mut self) -> EventHistory {
        let surplus = self.history.changes.len().saturating_sub(self.limit);
        self.history.changes.drain(..surplus);
        self.history.earlier += surplus as u64;
        self.history
    }
}
