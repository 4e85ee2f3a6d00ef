//! The kinds of records by name, in options as in output.

use clap::ValueEnum;
use timberline_views::record::Record;

/// What a record says; the numbers are in `docs/format/records.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Kind {
    BucketCreated,
    BucketUpdated,
    BucketDeleted,
    Heartbeat,
    EventsInserted,
    EventsPut,
    EventsDeleted,
    SettingSet,
    SettingDeleted,
}

impl Kind {
    pub(super) fn of(record: &Record<'_>) -> Self {
        match record {
            Record::BucketCreated(_) => Self::BucketCreated,
            Record::BucketUpdated(_) => Self::BucketUpdated,
            Record::BucketDeleted(_) => Self::BucketDeleted,
            Record::Heartbeat(_) => Self::Heartbeat,
            Record::EventsInserted(_) => Self::EventsInserted,
            Record::EventsPut(_) => Self::EventsPut,
            Record::EventsDeleted(_) => Self::EventsDeleted,
            Record::SettingSet(_) => Self::SettingSet,
            Record::SettingDeleted(_) => Self::SettingDeleted,
        }
    }

    pub(super) fn name(self) -> &'static str {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_output_use_the_same_names() {
        for kind in Kind::value_variants() {
            let option = kind.to_possible_value().unwrap();
            assert_eq!(option.get_name(), kind.name());
        }
    }
}
