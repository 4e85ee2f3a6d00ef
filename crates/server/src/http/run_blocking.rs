//! Work that takes long, done off the threads of requests and cancelled when the client disconnects.

use timberline_cancel::Cancel;

use super::ApiError;

/// Runs `work` on a blocking thread. If the client disconnects, the handler's future is dropped, and `work` is cancelled.
///
/// # Errors
/// What the work fails with.
pub(crate) async fn run_blocking<T, E>(
    work: impl FnOnce(&Cancel) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    let cancel = Cancel::new();
    let _abandoned = cancel.cancel_on_drop();
    match tokio::task::spawn_blocking(move || work(&cancel)).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(ApiError::Internal(
            "The work on this request broke off".to_owned(),
        )),
    }
}

/// The same for work that is started by `start`, such as on the threads of the query engine. `start` gets the token and
/// where to send the result. The answer is `None` if the work ended without one.
pub(crate) async fn cancel_on_disconnect<T>(
    start: impl FnOnce(Cancel, tokio::sync::oneshot::Sender<T>),
) -> Option<T> {
    let cancel = Cancel::new();
    let _abandoned = cancel.cancel_on_drop();
    let (send, receive) = tokio::sync::oneshot::channel();
    start(cancel, send);
    receive.await.ok()
}

/// Bodies of at least this size are worked on while other requests go on elsewhere.
const LARGE_BODY: usize = 256 << 10;

/// Does `work` for a body of `bytes`; if that takes long, other requests go on meanwhile.
pub(crate) fn in_place<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes < LARGE_BODY {
        work()
    } else {
        tokio::task::block_in_place(work)
    }
}
