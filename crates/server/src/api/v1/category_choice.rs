//! The parameter `rules`: by which version of the categories activity is judged.

use std::sync::Arc;

use serde_json::Value as Json;
use timberline_query::Period;
use timberline_views::Snapshot;

use super::activity_definition::malformed;
use super::categories::version_named;
use crate::app::App;
use crate::http::{ApiError, Query, run_blocking};
use crate::service::categories::{ChoiceError, rules_of_then};

/// The rules that the parameter names: `then`, or the record that began a version. None for `now`, and if it is missing.
///
/// # Errors
/// 400 for anything else, 404 for a record that began no version.
pub(super) async fn chosen(
    app: &Arc<App>,
    snapshot: &Snapshot,
    query: Query<'_>,
    period: Period,
) -> Result<Option<Json>, ApiError> {
    let Some(text) = query.get("rules")? else {
        return Ok(None);
    };
    if query.get("categories")?.is_some() {
        return Err(malformed(
            "rules: the parameter categories says already which rules count",
        ));
    }
    match &*text {
        "now" => Ok(None),
        "then" => {
            let (of, newest) = (Arc::clone(app), snapshot.seq());
            run_blocking(move |cancel| rules_of_then(&of.versions, &of.store, newest, period, cancel)).await
        }
        version => {
            let version = version_named(app, version).await?;
            let categories = version.stored.categories.map_err(malformed)?;
            Ok(Some(categories.rules()))
        }
    }
}

impl From<ChoiceError> for ApiError {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::History(error) => error.into(),
            error => malformed(error),
        }
    }
}
