//! What was read, what was left out, and why.

use std::fmt;

use timberline_model::NewEvent;

/// What a source has given so far. Complete once [`Source::next_batch`](super::Source::next_batch) has returned `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// For each of the [`Source::buckets`](super::Source::buckets), in their order.
    pub buckets: Vec<BucketReport>,
    /// What was left out and belongs to no bucket that is known: damaged parts of a file, events without a bucket,
    /// settings that cannot be read.
    pub left_out: Notes,
    /// What happened to the file as a whole, such as that another program changed it meanwhile.
    pub remarks: Vec<String>,
}

/// What a source has given of one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketReport {
    /// Events that were read.
    pub events: u64,
    /// The sum of their durations in nanoseconds, exactly.
    pub total: i128,
    /// Events that were left out.
    pub left_out: Notes,
    /// Fields and events that were changed so that they can be kept.
    pub changed: Notes,
}

impl BucketReport {
    pub(super) fn count(&mut self, event: &NewEvent<'_>) {
        self.events += 1;
        self.total += i128::from(event.duration.nanos());
    }
}

/// Things of the same kind, counted by reason. Few reasons, so a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<Note>);

/// How often something happened for one reason, and the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Why.
    pub reason: Reason,
    /// How often. For damaged parts of a database this is the greatest number that can have been there.
    pub count: u64,
    /// Where it happened first and what was found, for a person: `event 17: timestamp: ...`. It never repeats what an
    /// event says.
    pub first: String,
}

/// Why something was left out or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No time, or none that a timestamp can hold.
    Time,
    /// No duration, or an end that a timestamp cannot hold.
    Duration,
    /// The data are no JSON object.
    Data,
    /// Text that is not UTF-8, half of a surrogate pair, or a number that is not one: replaced.
    Text,
    /// A field of a bucket or event that was missing or wrong, and has something in its place now.
    Field,
    /// A setting that is no JSON.
    Setting,
    /// An event of a bucket that the file does not have.
    NoBucket,
    /// An event or field that is larger than memory should be spent on.
    TooLarge,
    /// A part of the file that is damaged or missing.
    Damaged,
    /// A row that does not have the columns it should have.
    Row,
    /// A bucket that has the same name as another one: renamed.
    SameName,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Time => "unreadable time",
            Reason::Duration => "unreadable duration",
            Reason::Data => "unreadable data",
            Reason::Text => "text that cannot be kept as it is",
            Reason::Field => "missing or wrong field",
            Reason::Setting => "unreadable setting",
            Reason::NoBucket => "no such bucket",
            Reason::TooLarge => "too large",
            Reason::Damaged => "damaged",
            Reason::Row => "wrong number of columns",
            Reason::SameName => "name already taken",
        })
    }
}

impl Notes {
    /// The notes, one for each reason.
    pub fn iter(&self) -> std::slice::Iter<'_, Note> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things these notes are about.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|note| note.count).sum()
    }

    /// Notes one thing; `first` is only called for the first of its reason.
    pub(super) fn note(&mut self, reason: Reason, first: impl FnOnce() -> String) {
        self.note_many(reason, 1, first);
    }

    pub(super) fn note_many(&mut self, reason: Reason, count: u64, first: impl FnOnce() -> String) {
        match self.0.iter_mut().find(|note| note.reason == reason) {
            Some(note) => note.count = note.count.saturating_add(count),
            None => self.0.push(Note {
                reason,
                count,
                first: first(),
            }),
        }
    }
}

impl<'a> IntoIterator for &'a Notes {
    type Item = &'a Note;
    type IntoIter = std::slice::Iter<'a, Note>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
