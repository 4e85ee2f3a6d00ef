//! The kinds of records: a number in each frame, and a name for people.

use super::Record;

/// What a record is about. The discriminant is the number in the frame; a number is never given to another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// [`Record::BucketCreated`].
    BucketCreated = 1,
    /// [`Record::BucketUpdated`].
    BucketUpdated = 2,
    /// [`Record::BucketDeleted`].
    BucketDeleted = 3,
    /// [`Record::Heartbeat`].
    Heartbeat = 4,
    /// [`Record::EventsInserted`].
    EventsInserted = 5,
    /// [`Record::EventsPut`].
    EventsPut = 6,
    /// [`Record::EventsDeleted`].
    EventsDeleted = 7,
    /// [`Record::SettingSet`].
    SettingSet = 8,
    /// [`Record::SettingDeleted`].
    SettingDeleted = 9,
    /// [`Record::EventsChanged`].
    EventsChanged = 10,
    /// [`Record::BucketRestored`].
    BucketRestored = 11,
    /// [`Record::Lost`].
    Lost = 12,
    /// [`Record::Erased`].
    Erased = 13,
    /// [`Record::PurgeBegun`].
    PurgeBegun = 14,
    /// [`Record::PurgeEnded`].
    PurgeEnded = 15,
    /// [`Record::Heartbeats`].
    Heartbeats = 16,
    /// [`Record::BatchTaken`].
    BatchTaken = 17,
    /// [`Record::BucketListed`].
    BucketListed = 18,
}

impl RecordKind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [RecordKind; 18] = [
        RecordKind::BucketCreated,
        RecordKind::BucketUpdated,
        RecordKind::BucketDeleted,
        RecordKind::Heartbeat,
        RecordKind::EventsInserted,
        RecordKind::EventsPut,
        RecordKind::EventsDeleted,
        RecordKind::SettingSet,
        RecordKind::SettingDeleted,
        RecordKind::EventsChanged,
        RecordKind::BucketRestored,
        RecordKind::Lost,
        RecordKind::Erased,
        RecordKind::PurgeBegun,
        RecordKind::PurgeEnded,
        RecordKind::Heartbeats,
        RecordKind::BatchTaken,
        RecordKind::BucketListed,
    ];

    /// The number in the frame.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this number, if this version knows one.
    pub fn from_number(number: u8) -> Option<RecordKind> {
        let index = usize::from(number).checked_sub(1)?;
        RecordKind::ALL.get(index).copied()
    }

    /// The name, in commands and in what they print.
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::BucketCreated => "bucket-created",
            RecordKind::BucketUpdated => "bucket-updated",
            RecordKind::BucketDeleted => "bucket-deleted",
            RecordKind::Heartbeat => "heartbeat",
            RecordKind::EventsInserted => "events-inserted",
            RecordKind::EventsPut => "events-put",
            RecordKind::EventsDeleted => "events-deleted",
            RecordKind::SettingSet => "setting-set",
            RecordKind::SettingDeleted => "setting-deleted",
            RecordKind::EventsChanged => "events-changed",
            RecordKind::BucketRestored => "bucket-restored",
            RecordKind::Lost => "lost",
            RecordKind::Erased => "erased",
            RecordKind::PurgeBegun => "purge-begun",
            RecordKind::PurgeEnded => "purge-ended",
            RecordKind::Heartbeats => "heartbeats",
            RecordKind::BatchTaken => "batch-taken",
            RecordKind::BucketListed => "bucket-listed",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether nearly all records are of this kind: heartbeats, alone or together.
    pub const fn is_of_heartbeats(self) -> bool {
        matches!(
            self,
            RecordKind::Heartbeat | RecordKind::Heartbeats | RecordKind::BatchTaken
        )
    }

    /// Whether a record of this kind only adds: none removes or replaces events.
    pub(crate) const fn only_adds(self) -> bool {
        match self {
            RecordKind::BucketCreated
            | RecordKind::BucketUpdated
            | RecordKind::BucketListed
            | RecordKind::Heartbeat
            | RecordKind::Heartbeats
            | RecordKind::BatchTaken
            | RecordKind::EventsInserted
            | RecordKind::SettingSet
            | RecordKind::SettingDeleted
            | RecordKind::BucketRestored => true,
            RecordKind::BucketDeleted
            | RecordKind::EventsPut
            | RecordKind::EventsDeleted
            | RecordKind::EventsChanged
            | RecordKind::Lost
            | RecordKind::Erased
            | RecordKind::PurgeBegun
            | RecordKind::PurgeEnded => false,
        }
    }

    /// Whether a record of this kind can delete events, bring deleted ones back, or purge them.
    pub(crate) const fn concerns_deletions(self) -> bool {
        match self {
            RecordKind::EventsPut
            | RecordKind::EventsDeleted
            | RecordKind::EventsChanged
            | RecordKind::PurgeBegun => true,
            RecordKind::BucketCreated
            | RecordKind::BucketUpdated
            | RecordKind::BucketListed
            | RecordKind::BucketDeleted
            | RecordKind::Heartbeat
            | RecordKind::Heartbeats
            | RecordKind::BatchTaken
            | RecordKind::EventsInserted
            | RecordKind::SettingSet
            | RecordKind::SettingDeleted
            | RecordKind::BucketRestored
            | RecordKind::Lost
            | RecordKind::Erased
            | RecordKind::PurgeEnded => false,
        }
    }
}

impl Record<'_> {
    /// The kind of this record.
    pub fn kind(&self) -> RecordKind {
        match self {
            Record::BucketCreated(_) => RecordKind::BucketCreated,
            Record::BucketUpdated(_) => RecordKind::BucketUpdated,
            Record::BucketDeleted(_) => RecordKind::BucketDeleted,
            Record::Heartbeat(_) => RecordKind::Heartbeat,
            Record::EventsInserted(_) => RecordKind::EventsInserted,
            Record::EventsPut(_) => RecordKind::EventsPut,
            Record::EventsDeleted(_) => RecordKind::EventsDeleted,
            Record::SettingSet(_) => RecordKind::SettingSet,
            Record::SettingDeleted(_) => RecordKind::SettingDeleted,
            Record::EventsChanged(_) => RecordKind::EventsChanged,
            Record::BucketRestored(_) => RecordKind::BucketRestored,
            Record::Erased(_) => RecordKind::Erased,
            Record::PurgeBegun(_) => RecordKind::PurgeBegun,
            Record::PurgeEnded(_) => RecordKind::PurgeEnded,
            Record::Heartbeats(_) => RecordKind::Heartbeats,
            Record::BatchTaken(_) => RecordKind::BatchTaken,
            Record::BucketListed(_) => RecordKind::BucketListed,
            Record::Lost(_) => RecordKind::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_kind() {
        for kind in RecordKind::ALL {
            assert_eq!(RecordKind::from_number(kind.number()), Some(kind));
            assert_eq!(RecordKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(RecordKind::from_number(0), None);
        assert_eq!(RecordKind::from_number(RecordKind::ALL.len() as u8 + 1), None);
    }
}
