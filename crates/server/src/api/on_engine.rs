//! Work that reads a snapshot for long: on the query engine's threads, which give way to all others.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use timberline_cancel::Cancel;
use timberline_query::{Engine, Warning};

use crate::app::App;
use crate::http::query_warnings::mark;
use crate::http::{ApiError, cancel_on_disconnect, json_answer};

/// Runs `work` on the engine's threads, until the client disconnects.
///
/// # Errors
/// Those of the work.
pub(crate) async fn on_engine<T, E>(
    app: &App,
    work: impl FnOnce(&Engine, &Cancel) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    let engine = Arc::clone(&app.engine);
    let answer = cancel_on_disconnect(|cancel, send| {
        app.engine.spawn(move || {
            // The client may have disconnected.
            let _ = send.send(work(&engine, &cancel));
        });
    });
    match answer.await {
        Some(answer) => answer.map_err(Into::into),
        None => Err(ApiError::Internal(
            "The work on this request broke off".to_owned(),
        )),
    }
}

/// The same for work that gives the text of the answer, and warnings: they are logged, and become a header.
///
/// # Errors
/// Those of the work.
pub(crate) async fn answer_on_engine<E>(
    app: &App,
    work: impl FnOnce(&Engine, &Cancel) -> Result<(Vec<u8>, Vec<Warning>), E> + Send + 'static,
) -> Result<Response<Body>, ApiError>
where
    E: Into<ApiError> + Send + 'static,
{
    let (text, warnings) = on_engine(app, work).await?;
    app.warned.log(&warnings);
    Ok(mark(json_answer(text), &warnings))
}
