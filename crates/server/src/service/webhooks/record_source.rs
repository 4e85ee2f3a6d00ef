//! The records that a webhook delivers, from the log.

use std::sync::Arc;
use std::time::Duration;

use timberline_log::Seq;

use crate::app::App;
use crate::causes::with_causes;
use crate::service::live::{Filter, Message, RecordFeed};

/// A delivery ends with the record that reaches this size.
const DELIVERY_BYTES: usize = 256 << 10;
/// Records of one delivery.
const DELIVERY_RECORDS: usize = 1_000;
/// How long to wait for a record that is published and not found yet.
const FOUND_SOON: Duration = Duration::from_millis(250);
/// How long to wait after the log could not be read.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// Reads records for one webhook.
pub(super) struct RecordSource {
    app: Arc<App>,
    filter: Filter,
    with_changes: bool,
    /// Knows where in the log it has got to. Taken while a thread reads.
    feed: Option<RecordFeed>,
}

impl RecordSource {
    pub(super) fn new(app: Arc<App>, filter: Filter, with_changes: bool) -> RecordSource {
        RecordSource {
            app,
            filter,
            with_changes,
            feed: None,
        }
    }

    /// What one delivery takes of the records after one, at most up to another. Says how far that is.
    pub(super) async fn read(&mut self, after: Seq, until: Seq) -> (Seq, Vec<Message>) {
        self.read_up_to(after, until, DELIVERY_BYTES, DELIVERY_RECORDS)
            .await
    }

    /// All records after one, up to another.
    pub(super) async fn read_all(&mut self, after: Seq, until: Seq) -> Vec<Message> {
        self.read_up_to(after, until, usize::MAX, usize::MAX).await.1
    }

    async fn read_up_to(
        &mut self,
        after: Seq,
        until: Seq,
        most_bytes: usize,
        most: usize,
    ) -> (Seq, Vec<Message>) {
        let known = self.feed.take().filter(|feed| feed.seq() == after);
        let mut feed =
            known.unwrap_or_else(|| RecordFeed::after(after, self.filter.clone(), self.with_changes));
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while feed.seq() < until.min(self.app.store.snapshot().seq())
            && bytes < most_bytes
            && messages.len() < most
        {
            let before = feed.seq();
            let app = Arc::clone(&self.app);
            let reading = move || {
                let batch = feed.read(&app.store, until, timberline_clock::monotonic());
                (feed, batch)
            };
            let Some((read_on, batch)) = self.app.live.read(reading).await else {
                // It broke off, and nobody knows where. No answer here may look as if there were no records.
                tracing::error!("reading records for a webhook broke off; it begins again");
                tokio::time::sleep(READ_AGAIN).await;
                feed = RecordFeed::after(after, self.filter.clone(), self.with_changes);
                (messages, bytes) = (Vec::new(), 0);
                continue;
            };
            feed = read_on;
            match batch {
                Ok(batch) => {
                    bytes += batch
                        .messages
                        .iter()
                        .map(|message| message.data.len())
                        .sum::<usize>();
                    messages.extend(batch.messages);
                    if feed.seq() == before {
                        tokio::time::sleep(FOUND_SOON).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "a webhook waits for the log");
                    tokio::time::sleep(READ_AGAIN).await;
                }
            }
        }
        let seq = feed.seq();
        self.feed = Some(feed);
        (seq, messages)
    }
}
