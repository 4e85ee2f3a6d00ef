//! `as_of=…`: the same answers from a past state.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response, Uri};
use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_views::{HistoryError, Snapshot};

use crate::app::App;
use crate::http::{ApiError, Query, run_blocking};

/// The header that says which record the answer is as of.
const SEQ: HeaderName = HeaderName::from_static("x-timberline-seq");

/// The snapshot that a request is answered from.
pub(crate) struct AsOf {
    pub(crate) snapshot: Arc<Snapshot>,
    /// Whether a moment of the past was asked for.
    pub(crate) past: bool,
}

impl AsOf {
    /// Adds to an answer which record it is as of, if a past state was asked for.
    pub(crate) fn mark(&self, mut response: Response<Body>) -> Response<Body> {
        if self.past {
            let seq = HeaderValue::from(self.snapshot.seq().get());
            response.headers_mut().insert(SEQ, seq);
        }
        response
    }
}

/// A moment, as a client names it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Record(Seq),
    Instant(Timestamp),
}

impl Moment {
    fn parse(text: &str) -> Result<Moment, ApiError> {
        if let Ok(seq) = text.parse() {
            return Ok(Moment::Record(Seq(seq)));
        }
        Timestamp::parse_clamped(text).map(Moment::Instant).map_err(|error| {
            ApiError::Malformed(format!(
                "as_of: '{text}' is neither the number of a record nor an instant such as 2026-03-01T10:00:00Z ({error})"
            ))
        })
    }
}

/// The present state, or the one that the parameter `as_of` names.
///
/// # Errors
/// 400 for what is neither a number nor an instant, or is still to come; 410 for what is no longer kept.
pub(crate) async fn snapshot(app: &Arc<App>, uri: &Uri) -> Result<AsOf, ApiError> {
    match Query::of(uri).get("as_of")? {
        None => Ok(AsOf {
            snapshot: app.store.snapshot(),
            past: false,
        }),
        Some(text) => as_of(app, &text).await,
    }
}

/// The state that a text names.
///
/// # Errors
/// As [`snapshot`].
pub(crate) async fn as_of(app: &Arc<App>, text: &str) -> Result<AsOf, ApiError> {
    let moment = Moment::parse(text)?;
    let app = Arc::clone(app);
    let snapshot = run_blocking(move |cancel| -> Result<_, HistoryError> {
        let seq = match moment {
            Moment::Record(seq) => seq,
            Moment::Instant(instant) if instant >= app.store.now() => app.store.snapshot().seq(),
            Moment::Instant(instant) => app.store.seq_at(instant)?,
        };
        app.store.as_of(seq, cancel)
    })
    .await?;
    Ok(AsOf { snapshot, past: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_record_or_an_instant() {
        assert_eq!(Moment::parse("17").unwrap(), Moment::Record(Seq(17)));
        let instant = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        assert_eq!(
            Moment::parse("2026-03-01T11:00:00+01:00").unwrap(),
            Moment::Instant(instant)
        );
        for text in ["", "-1", "yesterday", "2026-03-01"] {
            assert_eq!(Moment::parse(text).unwrap_err().status(), 400, "{text}");
        }
    }
}
