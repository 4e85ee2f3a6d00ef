//! Whether the user is present, according to the AFK events on the server.

use timberline_model::{Duration, Timestamp};

use crate::Client;
use crate::afk::Status;

/// Whether the last AFK event says that the user is present, and ended no longer ago than this. False if that is not known.
pub(crate) async fn is_present(client: &Client, now: Timestamp, recent: Duration) -> bool {
    let bucket = client.afk_bucket();
    let Ok(events) = client.events(&bucket.bucket().id, None, None, Some(1)).await else {
        return false;
    };
    events.first().is_some_and(|event| {
        let end = event.start.saturating_add(event.duration);
        Status::of(&event.data) == Some(Status::NotAfk) && now.since(end) < recent
    })
}
