//! The selection of what to erase: events, buckets, text.

use regex::{Regex, RegexBuilder};
use timberline_model::EventId;
use timberline_views::{BucketKey, BucketView, Snapshot, TimeRange, Trashed};

use super::error::PurgeError;
use crate::service::privacy::Field;

/// Memory that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What is to be erased.
#[derive(Debug)]
pub(crate) struct PurgeRequest {
    /// The ids of the buckets; `None` stands for all buckets.
    pub(crate) buckets: Option<Vec<String>>,
    /// Only these events.
    pub(crate) events: Option<Vec<EventId>>,
    /// Only events in this range.
    pub(crate) range: TimeRange,
    /// Only events with such data.
    pub(crate) data: Option<DataCondition>,
    /// What becomes of them.
    pub(crate) action: Action,
}

/// What becomes of the events of a request.
#[derive(Debug)]
pub(crate) enum Action {
    /// They are erased.
    PurgeEvents,
    /// They are erased together with their buckets.
    PurgeBuckets,
    /// The text that the condition finds is replaced in them.
    Redact { replacement: String },
}

/// A pattern that is searched for in the data of events: in all of it, or in one field.
#[derive(Debug)]
pub(crate) struct DataCondition {
    pattern: Regex,
    field: Option<Field>,
}

impl PurgeRequest {
    pub(crate) fn is_redaction(&self) -> bool {
        matches!(self.action, Action::Redact { .. })
    }

    /// Whether the data of an event are asked for.
    pub(super) fn matches(&self, data: &str) -> bool {
        self.data.as_ref().is_none_or(|condition| condition.matches(data))
    }

    /// The buckets that are asked for; an empty list stands for all buckets.
    pub(super) fn bucket_keys(&self, snapshot: &Snapshot) -> Result<Vec<BucketKey>, PurgeError> {
        match &self.buckets {
            None => Ok(Vec::new()),
            Some(ids) => bucket_keys(snapshot, ids),
        }
    }
}

/// The buckets with these ids or aliases, also those in the trash, and with a bucket those that were merged into it.
///
/// # Errors
/// When the list is empty, or there is no bucket with one of the ids.
pub(crate) fn bucket_keys(snapshot: &Snapshot, ids: &[String]) -> Result<Vec<BucketKey>, PurgeError> {
    if ids.is_empty() {
        return Err(PurgeError::Unfit("bucket: names none".to_owned()));
    }
    let mut keys = Vec::new();
    for id in ids {
        let before = keys.len();
        let there = snapshot.bucket(id);
        keys.extend(there.map(BucketView::key));
        let has_name =
            |name: &str| name == id || there.is_some_and(|view| view.aliases().any(|alias| alias == name));
        let trashed = snapshot.trashed().map(Trashed::view);
        keys.extend(
            trashed
                .filter(|view| has_name(&view.bucket().id))
                .map(BucketView::key),
        );
        if keys.len() == before {
            return Err(PurgeError::NoSuchBucket(id.clone()));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

impl DataCondition {
    /// # Errors
    /// When the pattern is not a regular expression, or too large.
    pub(crate) fn new(pattern: &str, field: Option<&str>) -> Result<Self, PurgeError> {
        let pattern = RegexBuilder::new(pattern)
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| PurgeError::Unfit(format!("pattern: {error}")))?;
        Ok(Self {
            pattern,
            field: field.map(Field::parse),
        })
    }

    pub(crate) fn matches(&self, data: &str) -> bool {
        match &self.field {
            None => self.pattern.is_match(data),
            Some(field) => field
                .string(data)
                .is_some_and(|value| self.pattern.is_match(&value)),
        }
    }

    /// The data with the replacement in the field, if they match.
    pub(super) fn redacted(&self, data: &str, replacement: &str) -> Option<String> {
        let field = self.field.as_ref()?;
        let value = field.string(data)?;
        self.pattern
            .is_match(&value)
            .then(|| field.replaced(data, &self.pattern.replace_all(&value, replacement)))
    }
}
