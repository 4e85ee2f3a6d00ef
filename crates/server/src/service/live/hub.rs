//! Tells all readers when something is published. Runs only while somebody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_log::Seq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::app::App;

/// The least time between two notifications. Under heavy load, one stands for hundreds of records.
const PAUSE: Duration = Duration::from_millis(20);
/// Readers that read from the disk at once.
const READING: usize = 4;

/// What readers wait for.
#[derive(Clone, Copy, Debug, Default)]
struct News {
    published: Seq,
    stopping: bool,
}

/// The readers of the live stream.
#[derive(Debug)]
pub(crate) struct Hub {
    news: watch::Sender<News>,
    /// Whether the task that follows the store runs.
    following: Mutex<bool>,
    places: Arc<Semaphore>,
    limit: AtomicUsize,
    reading: Semaphore,
}

/// There are as many streams as there may be.
#[derive(Debug, thiserror::Error)]
#[error("There are {limit} streams already (limits.streams): close one, or try again later")]
pub(crate) struct TooManyStreams {
    limit: usize,
}

impl Default for Hub {
    /// A hub without places for readers.
    fn default() -> Hub {
        Hub {
            news: watch::Sender::default(),
            following: Mutex::new(false),
            places: Arc::new(Semaphore::new(0)),
            limit: AtomicUsize::new(0),
            reading: Semaphore::new(READING),
        }
    }
}

impl Hub {
    /// Makes places for so many readers more.
    pub(crate) fn add_places(&self, places: usize) {
        self.limit.fetch_add(places, Ordering::Relaxed);
        self.places.add_permits(places);
    }

    fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Number of readers.
    pub(crate) fn readers(&self) -> usize {
        self.limit().saturating_sub(self.places.available_permits())
    }

    /// Ends all streams: the server stops.
    pub(crate) fn stop(&self) {
        self.news.send_modify(|news| news.stopping = true);
    }

    /// Runs `read` on a blocking thread. A few may read at once, so that many readers that have far to go neither take all
    /// threads nor all of the disk. `None` if it broke off.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        // The semaphore is never closed.
        let _turn = self.reading.acquire().await.ok()?;
        tokio::task::spawn_blocking(read).await.ok()
    }

    /// Follows the store until nobody listens any more.
    async fn follow(&self, app: &App) {
        loop {
            let published = app.store.snapshot().seq();
            self.news.send_modify(|news| news.published = published);
            tokio::time::sleep(PAUSE).await;
            {
                let mut following = self.following.lock();
                if self.news.receiver_count() == 0 {
                    *following = false;
                    return;
                }
            }
            app.store.published_after(published).await;
        }
    }
}

/// Hears of what is published.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    news: watch::Receiver<News>,
}

impl Listener {
    /// Begins to listen.
    pub(crate) fn begin(app: &Arc<App>) -> Listener {
        let listener = Listener {
            news: app.live.news.subscribe(),
        };
        if !std::mem::replace(&mut *app.live.following.lock(), true) {
            let app = Arc::clone(app);
            tokio::spawn(async move { app.live.follow(&app).await });
        }
        listener
    }

    /// Waits until a record after `seq` is published. `false` if the server stops instead.
    pub(crate) async fn published_after(&mut self, seq: Seq) -> bool {
        let news = self.news.wait_for(|news| news.stopping || news.published > seq);
        news.await.is_ok_and(|news| !news.stopping)
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&mut self) {
        // An error means that the server is gone.
        let _ = self.news.wait_for(|news| news.stopping).await;
    }
}

/// A place among the streams.
#[derive(Debug)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "it is given back when it is dropped")] OwnedSemaphorePermit,
);

impl Place {
    /// Takes a place.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn take(hub: &Hub) -> Result<Place, TooManyStreams> {
        let place = Arc::clone(&hub.places).try_acquire_owned();
        place
            .map(Place)
            .map_err(|_| TooManyStreams { limit: hub.limit() })
    }
}
