//! How an event became what it is: every record that says something of it.

use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::{Duration, EventId, Pulsetime, Timestamp};

use crate::error::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::record::{BucketKey, Effect, EventChanges, LossCause, Record, RecordKind};

/// One thing that happened to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The record that says so.
    pub seq: Seq,
    /// When that was written.
    pub time: Timestamp,
    /// What happened.
    pub what: What,
    /// What the event was afterwards; `None` if it was gone.
    pub event: Option<(Timestamp, Duration)>,
    /// Its data, if the record holds it: the others leave it as it was.
    pub data: Option<String>,
}

/// What can happen to an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A heartbeat came and became it.
    Created(Beat),
    /// A heartbeat came and made it longer.
    Extended(Beat),
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
    /// What all that happened to it up to this record came to: more of it is not kept.
    Outcome,
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
pub struct Beat {
    /// Its timestamp.
    pub start: Timestamp,
    /// Its duration.
    pub duration: Duration,
    /// How long a gap it was to bridge.
    pub pulsetime: Pulsetime,
}

/// The story of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// What happened, oldest first: the newest `limit` of it.
    pub changes: Vec<Change>,
    /// How much more there was before.
    pub earlier: u64,
}

/// Reads what happened to an event. `squashed` is the newest record that only has an outcome.
///
/// # Errors
/// When the log cannot be read (damage is passed over); [`HistoryError::Cancelled`].
pub(crate) fn story(
    reader: &LogReader,
    bucket: BucketKey,
    id: EventId,
    (squashed, newest): (Seq, Seq),
    limit: usize,
    cancel: &Cancel,
) -> Result<Story, HistoryError> {
    let mut teller = Teller {
        now: None,
        story: Story::default(),
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
            if let Some(mut said) = said(&decoded, id.0, record.seq <= squashed) {
                if behind_marker && matches!(said.what, What::Replaced) {
                    said.what = What::Salvaged;
                }
                teller.tell(record.seq, record.time, said);
            }
        }
        behind_marker = is_marker(record.kind, record.payload);
    }
    Ok(teller.told())
}

/// Whether the next record brings events back from a view segment.
fn is_marker(record_kind: u8, payload: &[u8]) -> bool {
    let salvaged = |record: Record<'_>| matches!(record, Record::Lost(r) if r.cause == LossCause::Salvaged);
    record_kind == RecordKind::Lost.number() && Record::decode(record_kind, payload).is_ok_and(salvaged)
}

/// What a record says of an event.
struct Said {
    what: What,
    becomes: Becomes,
}

/// What it is afterwards.
enum Becomes {
    /// It has these times and this data.
    This(i64, i64, String),
    /// It lasts so long.
    Lasting(i64),
    Gone,
    /// As it was.
    Same,
}

fn said(record: &Record<'_>, id: u64, squashed: bool) -> Option<Said> {
    let same = |what| {
        Some(Said {
            what,
            becomes: Becomes::Same,
        })
    };
    match record.effect() {
        Effect::ChangeEvents(changes) => changed(record, &changes, id, squashed),
        Effect::DeleteBucket(_) => same(What::BucketDeleted),
        Effect::RestoreBucket(_) => same(What::BucketRestored),
        Effect::Purge(purge) => {
            if purge.is_whole() || purge.removed().any(|ids| ids.contains(&id)) {
                return Some(Said {
                    what: What::Purged,
                    becomes: Becomes::Gone,
                });
            }
            // What is erased is in older records than this one.
            let redacted = purge.erased(0).any(|erased| erased.ids.contains(&id));
            redacted.then(|| same(What::Redacted)).flatten()
        }
        Effect::CreateBucket(_)
        | Effect::UpdateBucket(_)
        | Effect::Set { .. }
        | Effect::EndPurges { .. }
        | Effect::Nothing => None,
    }
}

/// What changes to events come to for one of them: the last change of it counts.
fn changed(record: &Record<'_>, changes: &EventChanges<'_>, id: u64, squashed: bool) -> Option<Said> {
    let mut becomes = changes.removed.contains(&id).then_some(Becomes::Gone);
    if let Some((_, duration)) = changes.extended.iter().find(|(extended, _)| *extended == id) {
        becomes = Some(Becomes::Lasting(duration));
    }
    if let Some((_, start, duration, text)) = changes.put.and_then(|put| put.find(id)) {
        becomes = Some(Becomes::This(start, duration, text.to_owned()));
    }
    let becomes = becomes?;
    let what = match record {
        Record::Heartbeat(r) => {
            let beat = Beat {
                start: Timestamp::from_nanos(r.start),
                duration: Duration::from_nanos(r.duration),
                pulsetime: Pulsetime::from_nanos(r.pulsetime),
            };
            match becomes {
                Becomes::This(..) => What::Created(beat),
                _ => What::Extended(beat),
            }
        }
        Record::EventsInserted(_) => What::Inserted,
        Record::EventsPut(_) => What::Replaced,
        Record::EventsDeleted(_) => What::Deleted,
        Record::EventsChanged(_) if squashed => What::Outcome,
        Record::EventsChanged(_) if matches!(becomes, Becomes::Gone) => What::Removed,
        Record::EventsChanged(_) => What::Restored,
        Record::BucketCreated(_)
        | Record::BucketUpdated(_)
        | Record::BucketDeleted(_)
        | Record::BucketRestored(_)
        | Record::SettingSet(_)
        | Record::SettingDeleted(_)
        | Record::Erased(_)
        | Record::PurgeBegun(_)
        | Record::PurgeEnded(_)
        | Record::Lost(_) => return None,
    };
    Some(Said { what, becomes })
}

struct Teller {
    /// Start and duration, while it is there.
    now: Option<(i64, i64)>,
    story: Story,
    limit: usize,
}

impl Teller {
    fn tell(&mut self, seq: Seq, time: i64, said: Said) {
        // What happens to the bucket before the event came, or after it went, is not its story.
        if self.now.is_none() && matches!(said.becomes, Becomes::Same) {
            return;
        }
        let what = match said.what {
            What::Replaced if self.now.is_none() => What::Inserted,
            what => what,
        };
        let mut data = None;
        match said.becomes {
            Becomes::This(start, duration, text) => {
                self.now = Some((start, duration));
                data = Some(text);
            }
            Becomes::Lasting(duration) => self.now = self.now.map(|(start, _)| (start, duration)),
            Becomes::Gone => self.now = None,
            Becomes::Same => {}
        }
        if self.story.changes.len() >= 2 * self.limit {
            self.story.changes.drain(..self.limit);
            self.story.earlier += self.limit as u64;
        }
        self.story.changes.push(Change {
            seq,
            time: Timestamp::from_nanos(time),
            what,
            event: self
                .now
                .map(|(start, duration)| (Timestamp::from_nanos(start), Duration::from_nanos(duration))),
            data,
        });
    }

    fn told(mut self) -> Story {
        let surplus = self.story.changes.len().saturating_sub(self.limit);
        self.story.changes.drain(..surplus);
        self.story.earlier += surplus as u64;
        self.story
    }
}
