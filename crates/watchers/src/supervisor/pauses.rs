//! Pauses as events, so that a gap in the other buckets explains itself.
//!
//! An event lasts while exactly the same watchers are paused. Its data are `status` (always `paused`) and `watchers`, their names.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use timberline_model::{Data, Timestamp};

use super::board::Board;
use super::choices::PauseEvent;
use crate::{BucketHandle, Client};

/// How often an event is extended while the pause lasts.
const EXTEND_EVERY: Duration = Duration::from_secs(60);

/// Records pauses.
pub(super) struct Pauses {
    board: Arc<Board>,
    bucket: BucketHandle,
    /// When the first of the pauses of the event that lasts ends by itself.
    first_end: Mutex<Option<Timestamp>>,
}

impl Pauses {
    pub(super) fn new(board: Arc<Board>, client: &Client) -> Pauses {
        Pauses {
            board,
            bucket: client.pauses_bucket(),
            first_end: Mutex::new(None),
        }
    }

    /// Records pauses for ever.
    pub(super) async fn record(&self) {
        let mut changed = self.board.orders();
        loop {
            changed.borrow_and_update();
            self.update();
            let lasts = self.board.choices(|choices| choices.pause_event.is_some());
            let first_end = *self.first_end.lock();
            let look_again = async {
                match first_end {
                    _ if !lasts => std::future::pending().await,
                    Some(end) => self.board.look_at(end).await,
                    None => tokio::time::sleep(EXTEND_EVERY).await,
                }
            };
            tokio::select! {
                // The sender is part of the board.
                _ = changed.changed() => {}
                () = look_again => {}
            }
        }
    }

    /// Extends the event that lasts, or ends it and begins the next one.
    pub(super) fn update(&self) {
        let now = self.board.now();
        let (watchers, first_end) = self.board.paused();
        let end = std::mem::replace(&mut *self.first_end.lock(), first_end);
        // Timers may be late; after a sleep even by hours.
        let changed_at = end.map_or(now, |end| end.min(now));
        let current = self.board.choices(|choices| choices.pause_event.clone());
        let next_begins = match &current {
            Some(event) if event.watchers == watchers => return self.send(event, now),
            Some(event) => {
                let end = changed_at.max(event.since);
                self.send(event, end);
                end
            }
            None => now,
        };
        let next = (!watchers.is_empty()).then_some(PauseEvent {
            since: next_begins,
            watchers,
        });
        if let Some(event) = &next {
            self.send(event, now);
        }
        if next != current {
            self.board.keep_pause_event(next);
        }
    }

    fn send(&self, event: &PauseEvent, end: Timestamp) {
        let data = json!({"status": "paused", "watchers": event.watchers});
        let data = match Data::parse(&data.to_string()) {
            Ok(data) => data,
            Err(error) => return tracing::warn!(%error, "a pause of watchers is not recorded"),
        };
        if let Err(error) = self.bucket.event(event.since, end.max(event.since), &data) {
            tracing::warn!(%error, "a pause of watchers is not recorded");
        }
    }
}
