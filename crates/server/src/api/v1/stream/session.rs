//! One client: when something is read and sent.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request;
use timberline_log::Seq;
use tokio::sync::mpsc;

use super::events;
use super::usage::UsageFeed;
use crate::access::LOOK_AFTER;
use crate::app::App;
use crate::causes::with_causes;
use crate::service::live::{Batch, HeadFeed, Listener, Place, RecordFeed};

/// A stream without events sends a comment this often: proxies close connections that are quiet for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream waits for a record that is published and not yet found.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where the events come from.
pub(super) enum Feed {
    Records(RecordFeed),
    Heads(HeadFeed),
    Usage(Box<UsageFeed>),
}

/// One client.
pub(super) struct Session {
    app: Arc<App>,
    /// The request, whose credentials are checked again now and then.
    head: request::Parts,
    listener: Listener,
    _place: Place,
    /// Taken while a thread reads from it.
    feed: Option<Feed>,
    /// The least time between two reads.
    every: Duration,
    /// When the next read may be.
    not_before: Instant,
    /// When the credentials were last checked.
    checked: Instant,
}

pub(super) type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;

impl Session {
    pub(super) fn new(
        app: Arc<App>,
        head: request::Parts,
        place: Place,
        feed: Feed,
        every: Duration,
    ) -> Session {
        let now = timberline_clock::monotonic();
        Session {
            listener: Listener::begin(&app),
            _place: place,
            feed: Some(feed),
            every,
            not_before: now,
            checked: now,
            app,
            head,
        }
    }

    /// Sends events until the client is gone, its credentials are no longer accepted, or the server stops. Nothing is read
    /// before the client takes more.
    pub(super) async fn run(mut self, sender: Sender, opening: Vec<u8>) {
        if sender.send(Ok(Bytes::from(opening))).await.is_err() {
            return;
        }
        loop {
            let place = tokio::select! {
                place = sender.reserve() => place,
                () = self.listener.stopped() => return,
            };
            let Ok(place) = place else { return };
            if !self.is_admitted() {
                return;
            }
            let next = tokio::select! {
                next = self.next() => next,
                () = sender.closed() => return,
            };
            match next {
                Some(text) => place.send(Ok(text)),
                None => return,
            }
        }
    }

    /// What is sent next. `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let mut quiet = pin!(tokio::time::sleep(KEEP_ALIVE));
        loop {
            tokio::select! {
                biased;
                () = self.listener.stopped() => return None,
                () = tokio::time::sleep_until(self.not_before.into()) => {}
            }
            let batch = self.read().await?;
            if !batch.messages.is_empty() {
                return Some(events::text(&batch.messages));
            }
            if !batch.is_last {
                continue;
            }
            let is_missing = batch.seq < self.app.store.snapshot().seq();
            tokio::select! {
                () = &mut quiet => return Some(events::keep_alive(batch.seq)),
                () = tokio::time::sleep(LOOK_AGAIN), if is_missing => {}
                is_there = self.listener.published_after(batch.seq), if !is_missing => if !is_there {
                    return None;
                },
            }
        }
    }

    /// Reads what comes next. `None` if nothing can be read: the client may come again.
    async fn read(&mut self) -> Option<Batch> {
        let feed = self.feed.take()?;
        let (feed, batch) = match feed {
            Feed::Usage(mut feed) => {
                let batch = feed.read(&self.app).await;
                (Feed::Usage(feed), batch.map_err(|error| error.to_string()))
            }
            feed => self.read_blocking(feed).await?,
        };
        self.feed = Some(feed);
        let batch = batch
            .inspect_err(|error| tracing::warn!(error, "a live stream ends"))
            .ok()?;
        self.not_before = timberline_clock::monotonic();
        if batch.is_last {
            self.not_before += self.every;
        }
        Some(batch)
    }

    async fn read_blocking(&self, mut feed: Feed) -> Option<(Feed, Result<Batch, String>)> {
        let app = Arc::clone(&self.app);
        let reading = move || {
            let batch = match &mut feed {
                Feed::Records(feed) => feed
                    .read(&app.store, Seq(u64::MAX), timberline_clock::monotonic())
                    .map_err(|error| with_causes(&error)),
                Feed::Heads(feed) => Ok(feed.read(&app.store)),
                // It is no work for a blocking thread.
                Feed::Usage(_) => Ok(Batch::default()),
            };
            (feed, batch)
        };
        self.app.live.read(reading).await
    }

    /// Whether the credentials are still accepted. They are checked again before each event, but not more often than a
    /// token's end is noticed elsewhere.
    fn is_admitted(&mut self) -> bool {
        let now = timberline_clock::monotonic();
        let Some(keys) = &self.app.keys else {
            return true;
        };
        if now.saturating_duration_since(self.checked) < LOOK_AFTER {
            return true;
        }
        self.checked = now;
        keys.still_accepts(&self.head)
    }
}
