//! Work that reads a snapshot for long: on the query engine's threads, which give way to all others.

use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_query::Engine;

use crate::app::App;
use crate::http::{ApiError, cancel_on_disconnect};

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
