//! Which version of the categories a question is answered by: `now`, one of the versions, or `then`, each event by the version
//! that was in force when it happened.

use serde_json::Value as Json;
use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_query::Period;
use timberline_query::categories::{CategoriesError, rules_in_turn};
use timberline_views::{HistoryError, Store};

use super::versions::{Version, Versions};

/// The most versions that can be in force within a period.
const MAX_VERSIONS: usize = 1_000;

/// Why the versions of a period cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoiceError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(
        "the categories were changed more than {MAX_VERSIONS} times since the period began; ask for a later one"
    )]
    TooMany,
    #[error("the version of record {0} cannot be read: {1}")]
    Unreadable(Seq, CategoriesError),
}

/// The rules of a period by which each instant goes by the version of that time; of before the first version, by the first. Only
/// versions up to the record `newest` count.
/// `None` if there is no version: then those of today count.
///
/// # Errors
/// [`ChoiceError`]
pub(crate) fn rules_of_then(
    versions: &Versions,
    store: &Store,
    newest: Seq,
    period: Period,
    cancel: &Cancel,
) -> Result<Option<Json>, ChoiceError> {
    let (mut list, more) = versions.list(store, newest, MAX_VERSIONS, cancel)?;
    // Those that were over before the period began do not count, nor those that began after it.
    let first = list.iter().position(|version| version.time <= period.start);
    match first {
        Some(first) => list.truncate(first + 1),
        None if more => return Err(ChoiceError::TooMany),
        None => {}
    }
    list.reverse();
    let counts = list.partition_point(|version| version.time < period.end).max(1);
    list.truncate(counts);
    if list.is_empty() {
        return Ok(None);
    }
    let rules = |version: Version| match version.stored.categories {
        Ok(categories) => Ok((version.time, categories.rules())),
        Err(error) => Err(ChoiceError::Unreadable(version.seq, error)),
    };
    let turns: Vec<_> = list.into_iter().map(rules).collect::<Result<_, _>>()?;
    Ok(Some(rules_in_turn(&turns)))
}
