//! The usage of today, whenever it changes.

use std::sync::Arc;

use http::Uri;
use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_query::Period;

use crate::api::v1::usage::today;
use crate::app::App;
use crate::http::ApiError;
use crate::service::live::{Batch, Message};

/// One reader of the usage of today.
pub(super) struct UsageFeed {
    /// The request: its parameters say what is added up. The settings say the rest, and may change.
    uri: Uri,
    /// What was read last, and is not sent yet.
    next: Option<String>,
    sent: String,
    seq: Seq,
    /// The day.
    day: Period,
}

impl UsageFeed {
    /// Reads the usage for the first time.
    ///
    /// # Errors
    /// When the request cannot be understood, or the usage cannot be read.
    pub(super) async fn begin(app: &Arc<App>, uri: Uri) -> Result<UsageFeed, ApiError> {
        let mut feed = UsageFeed {
            uri,
            next: None,
            sent: String::new(),
            seq: Seq::NONE,
            day: Period {
                start: Timestamp::MIN,
                end: Timestamp::MIN,
            },
        };
        feed.add_up(app).await?;
        Ok(feed)
    }

    /// The record up to which the usage was read.
    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    /// The usage, if it is not what was sent last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn read(&mut self, app: &Arc<App>) -> Result<Batch, ApiError> {
        let now = app.store.now();
        // The clock may also be set back to another day.
        let is_today = (self.day.start..self.day.end).contains(&now);
        let has_changed = app.store.snapshot().seq() > self.seq || !is_today;
        if self.next.is_none() && has_changed {
            self.add_up(app).await?;
        }
        let next = self.next.take().filter(|next| *next != self.sent);
        let mut batch = Batch {
            messages: Vec::new(),
            seq: self.seq,
            is_last: true,
        };
        if let Some(next) = next {
            batch.messages.push(Message {
                event: "usage",
                seq: self.seq,
                data: next.clone(),
            });
            self.sent = next;
        }
        Ok(batch)
    }

    async fn add_up(&mut self, app: &Arc<App>) -> Result<(), ApiError> {
        let snapshot = app.store.snapshot();
        let seq = snapshot.seq();
        let today = today(app, snapshot, &self.uri, app.store.now()).await?;
        (self.next, self.seq, self.day) = (Some(today.text), seq, today.day);
        Ok(())
    }
}
