//! Wakes those who wait for the next snapshot.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use tokio::sync::Notify;

/// Who waits for a snapshot to be published. While nobody does, a write pays for a fence and a load.
#[derive(Debug, Default)]
pub(crate) struct Publications {
    waiting: AtomicUsize,
    published: Notify,
}

impl Publications {
    /// A snapshot was published: wakes everybody who waits for it.
    pub(super) fn announce(&self) {
        // Pairs with the fence in `wait`: either the snapshot is seen there, or the waiter is seen here.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.published.notify_waiters();
        }
    }

    /// Waits until `is_published` says that what is waited for is there. It is asked after each publication.
    pub(super) async fn wait(&self, is_published: impl Fn() -> bool) {
        let _waiting = Waiting::begin(&self.waiting);
        loop {
            let mut next = pin!(self.published.notified());
            // From here on no announcement is missed.
            next.as_mut().enable();
            fence(Ordering::SeqCst);
            if is_published() {
                return;
            }
            next.await;
        }
    }
}

/// Counts one who waits, however the waiting ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
