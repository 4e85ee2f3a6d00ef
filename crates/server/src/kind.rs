//! The kinds of records by name, in options as in output.

use clap::ValueEnum;

/// What a record says; the numbers are in `docs/format/records.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    BucketCreated,
    BucketUpdated,
    BucketDeleted,
    Heartbeat,
    EventsInserted,
    EventsPut,
    EventsDeleted,
    SettingSet,
    SettingDeleted,
    EventsChanged,
    BucketRestored,
    Erased,
    PurgeBegun,
    PurgeEnded,
    Lost,
}

impl Kind {
    /// The kind that a frame's number stands for.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::BucketCreated,
            2 => Self::BucketUpdated,
            3 => Self::BucketDeleted,
            4 => Self::Heartbeat,
            5 => Self::EventsInserted,
            6 => Self::EventsPut,
            7 => Self::EventsDeleted,
            8 => Self::SettingSet,
            9 => Self::SettingDeleted,
            10 => Self::EventsChanged,
            11 => Self::BucketRestored,
            13 => Self::Erased,
            14 => Self::PurgeBegun,
            15 => Self::PurgeEnded,
            12 => Self::Lost,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BucketCreated => "bucket-created",
            Self::BucketUpdated => "bucket-updated",
            Self::BucketDeleted => "bucket-deleted",
            Self::Heartbeat => "heartbeat",
            Self::EventsInserted => "events-inserted",
            Self::EventsPut => "events-put",
            Self::EventsDeleted => "events-deleted",
            Self::SettingSet => "setting-set",
            Self::SettingDeleted => "setting-deleted",
            Self::EventsChanged => "events-changed",
            Self::BucketRestored => "bucket-restored",
            Self::Erased => "erased",
            Self::PurgeBegun => "purge-begun",
            Self::PurgeEnded => "purge-ended",
            Self::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline_views::record::{BucketDeleted, BucketKey, Record, SettingDeleted};

    #[test]
    fn options_and_output_use_the_same_names() {
        for kind in Kind::value_variants() {
            let option = kind.to_possible_value().unwrap();
            assert_eq!(option.get_name(), kind.name());
        }
    }

    #[test]
    fn numbers_are_those_of_the_log() {
        let deleted = Record::BucketDeleted(BucketDeleted { bucket: BucketKey(0) });
        assert_eq!(Kind::numbered(deleted.kind()), Some(Kind::BucketDeleted));
        let deleted = Record::SettingDeleted(SettingDeleted { key: "" });
        assert_eq!(Kind::numbered(deleted.kind()), Some(Kind::SettingDeleted));
    }
}
