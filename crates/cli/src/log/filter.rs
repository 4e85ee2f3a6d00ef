//! Which records are wanted.

use timberline_log::{Damage, Record, Seq};
use timberline_model::Timestamp;
use timberline_views::record::{self, RecordKind};

use super::names::BucketNames;

/// Which records are shown. `None` is no restriction.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) from: Option<Seq>,
    pub(super) to: Option<Seq>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) bucket: Option<String>,
    pub(super) kind: Option<RecordKind>,
}

impl Filter {
    /// Whether this record is shown. A record that cannot be read is shown, because it may match.
    pub(super) fn matches(&self, record: &Record<'_>, names: &BucketNames) -> bool {
        let time = Timestamp::from_nanos(record.time);
        self.from.is_none_or(|from| record.seq >= from)
            && self.to.is_none_or(|to| record.seq <= to)
            && self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time <= until)
            && self.wants_bucket(record, names)
            && self.wants_kind(record)
    }

    /// Whether this damage lies in the range of records that is shown.
    pub(super) fn wants_damage(&self, damage: &Damage) -> bool {
        damage.lost.as_ref().is_none_or(|lost| {
            self.from.is_none_or(|from| *lost.end() >= from) && self.to.is_none_or(|to| *lost.start() <= to)
        })
    }

    /// Whether this record and all after it lie behind the range that is shown.
    pub(super) fn ends_before(&self, seq: Seq) -> bool {
        self.to.is_some_and(|to| seq > to)
    }

    fn wants_bucket(&self, record: &Record<'_>, names: &BucketNames) -> bool {
        let Some(wanted) = &self.bucket else { return true };
        match record::Record::bucket_of(record.kind, record.payload) {
            Ok(Some(key)) => names.get(key) == Some(wanted),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    fn wants_kind(&self, record: &Record<'_>) -> bool {
        self.kind
            .is_none_or(|kind| RecordKind::from_number(record.kind).is_none_or(|found| found == kind))
    }
}
