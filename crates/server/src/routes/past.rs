//! `as_of=…`: the same answers as of some moment of the past.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response, Uri};
use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_views::{HistoryError, Snapshot};

use crate::app::App;
use crate::http::{ApiError, Query};

/// Tells which record the answer is as of.
const SEQ: HeaderName = HeaderName::from_static("x-timberline-seq");

/// What a request is answered from.
pub(super) struct Picture {
    pub(super) snapshot: Arc<Snapshot>,
    /// Whether it was asked for as of some moment.
    pub(super) past: bool,
}

impl Picture {
    /// The answer, which tells which record it is as of, if that was asked.
    pub(super) fn mark(&self, mut response: Response<Body>) -> Response<Body> {
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

/// The present, or what the parameter `as_of` names.
///
/// # Errors
/// 400 for what is neither a number nor an instant, or is still to come; 410 for what is no longer kept.
pub(super) async fn picture(app: &Arc<App>, uri: &Uri) -> Result<Picture, ApiError> {
    match Query::of(uri).get("as_of")? {
        None => Ok(Picture {
            snapshot: app.store.snapshot(),
            past: false,
        }),
        Some(text) => as_of(app, &text).await,
    }
}

/// What is named by a text.
///
/// # Errors
/// As [`picture`].
pub(super) async fn as_of(app: &Arc<App>, text: &str) -> Result<Picture, ApiError> {
    let moment = Moment::parse(text)?;
    let store = Arc::clone(app);
    let snapshot = beside(move |cancel| {
        let seq = match moment {
            Moment::Record(seq) => seq,
            Moment::Instant(instant) if instant >= store.store.now() => store.store.snapshot().seq(),
            Moment::Instant(instant) => store.store.seq_at(instant)?,
        };
        store.store.as_of(seq, cancel)
    })
    .await?;
    Ok(Picture { snapshot, past: true })
}

/// Does what takes long beside the requests; when the client goes away, it is cancelled.
///
/// # Errors
/// What the work fails with.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce(&Cancel) -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, ApiError> {
    let cancel = Cancel::new();
    let _abandoned = cancel.cancel_on_drop();
    let done = tokio::task::spawn_blocking(move || work(&cancel));
    match done.await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ApiError::Internal(
            "The work on this request broke off".to_owned(),
        )),
    }
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
