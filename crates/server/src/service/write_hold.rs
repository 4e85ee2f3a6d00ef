//! Hold, don't refuse: a write that cannot be done now waits instead of failing.
//!
//! The deployed Python client throws a queued heartbeat away on any 4xx, 5xx or closed connection, and
//! keeps it while an answer is merely late. So when the disk is full (or views cannot be made as fast
//! as events come in) a write waits here, up to a minute, and only then is answered with 503. How many
//! wait, and with how much memory, is bounded; beyond the bounds the 503 comes at once.
//!
//! Those that wait stand in a line. Only the first of it tries again, ten times a second, so a full
//! disk is not hammered; when it succeeds, the line moves on at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use timberline_log::SyncFailed;
use timberline_views::{HistoryError, WriteError};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::write_trouble::WriteTrouble;
use crate::settings::Limits;

/// How often the first of the line tries again.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// How long a write may go on waiting once the server is stopping.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Why a write was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldError {
    /// It waited, and could not be done in time; or too many were waiting already.
    #[error("{0}")]
    GaveUp(String),
    /// It is in the log, and the disk refused to make it durable.
    #[error("Not stored for certain: {0}")]
    NotDurable(SyncFailed),
    /// Waiting does not help.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What was to be written could not be found out.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// The line.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Held by the first of the line; tokio's mutex is fair, so the line keeps its order.
    front: Mutex<()>,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
    most_waiting: usize,
    most_bytes: usize,
    patience: Duration,
    stopping: watch::Sender<bool>,
    /// Why writes do not go through at the moment.
    pub(crate) trouble: WriteTrouble,
}

impl Hold {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            front: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            most_waiting: limits.waiting_requests,
            most_bytes: limits.waiting_bytes,
            patience: limits.waiting_time(),
            stopping: watch::Sender::new(false),
            trouble: WriteTrouble::default(),
        }
    }

    /// Does `write`; when it cannot be done now, waits and does it again. `bytes` is what the request
    /// keeps in memory meanwhile.
    ///
    /// # Errors
    /// What `write` fails with for good, or 503 when it could not be done in time.
    pub(crate) async fn write<T>(
        &self,
        bytes: usize,
        mut write: impl FnMut() -> Result<T, WriteError>,
    ) -> Result<T, HoldError> {
        match self.tried(write()) {
            Ok(done) => Ok(done),
            // Nothing of the waiting, its timer least of all, burdens a write that just works.
            Err(error) if error.is_passing() => Box::pin(self.wait(bytes, write, error)).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The same for a blocking task.
    ///
    /// # Errors
    /// As [`Hold::write`].
    pub(crate) fn write_blocking<T>(
        &self,
        bytes: usize,
        mut write: impl FnMut() -> Result<T, WriteError>,
    ) -> Result<T, HoldError> {
        match self.tried(write()) {
            Ok(done) => Ok(done),
            Err(error) if error.is_passing() => {
                tokio::runtime::Handle::current().block_on(self.wait(bytes, write, error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same for what changes history in a blocking task. `change` is done again as a whole when a write of it had to
    /// wait: it must write once, at its end.
    ///
    /// # Errors
    /// As [`Hold::write`], and other errors of `change`.
    pub(crate) fn change_blocking<T>(
        &self,
        mut change: impl FnMut() -> Result<T, HistoryError>,
    ) -> Result<T, HoldError> {
        let done = self.write_blocking(0, || match change() {
            Err(HistoryError::Write(error)) => Err(error),
            done => Ok(done),
        })?;
        Ok(done?)
    }

    /// The server is stopping: waiting writes are answered soon.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server is going down.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Notes how a write went.
    fn tried<T>(&self, outcome: Result<T, WriteError>) -> Result<T, WriteError> {
        match &outcome {
            Ok(_) => self.trouble.clear(),
            Err(error) => self.trouble.note(error),
        }
        outcome
    }

    async fn wait<T>(
        &self,
        bytes: usize,
        mut write: impl FnMut() -> Result<T, WriteError>,
        mut reason: WriteError,
    ) -> Result<T, HoldError> {
        let Some(_place) = self.place(bytes) else {
            return Err(unavailable(&reason, "too many writes are waiting already"));
        };
        match &reason {
            // Its text names the bucket, which is nobody's business but the client's: logs are not encrypted.
            WriteError::Busy { waiting, .. } => {
                tracing::warn!(waiting, "a write has to wait: events come in fast")
            }
            reason => tracing::warn!(%reason, "a write has to wait"),
        }
        let trying = async {
            let _front = self.front.lock().await;
            loop {
                match self.tried(write()) {
                    Ok(done) => return Ok(done),
                    Err(error) if error.is_passing() => reason = error,
                    Err(error) => return Err(error.into()),
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        };
        self.patiently(trying).await.unwrap_or_else(|| {
            let waited = format!("waited {} s for it to pass", self.patience.as_secs());
            Err(unavailable(&reason, &waited))
        })
    }

    /// Waits for what a write needs to be acknowledged: as long as a write may wait at all.
    ///
    /// # Errors
    /// Those of `durable`; 503 with what `reason` says if it takes too long.
    pub(crate) async fn settle(
        &self,
        durable: impl Future<Output = Result<(), SyncFailed>>,
        reason: impl FnOnce() -> Option<String>,
    ) -> Result<(), HoldError> {
        match self.patiently(durable).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                self.trouble.note_sync_failed();
                Err(HoldError::NotDurable(error))
            }
            None => {
                let reason = reason().unwrap_or_else(|| "the disk does not answer".to_owned());
                Err(HoldError::GaveUp(format!(
                    "Not stored for certain: {reason} (waited {} s for it to pass)",
                    self.patience.as_secs()
                )))
            }
        }
    }

    /// What comes of something, unless it takes too long.
    async fn patiently<T>(&self, outcome: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.stopping.subscribe();
        let deadline = Instant::now() + self.patience;
        let out_of_patience = async {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                _ = async {
                    // An error means that nobody can stop us any more.
                    let _ = stopping.wait_for(|stopping| *stopping).await;
                    tokio::time::sleep(STOP_PATIENCE).await;
                } => {}
            }
        };
        tokio::select! {
            // First what is there already: nothing of the waiting burdens it.
            biased;
            outcome = outcome => Some(outcome),
            () = out_of_patience => None,
        }
    }

    /// A place in the line, if it is not full.
    fn place(&self, bytes: usize) -> Option<QueuePlace<'_>> {
        let place = QueuePlace { hold: self, bytes };
        // Entered first and left again if that was too much: two at once cannot both slip in.
        let count = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        let total = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (count <= self.most_waiting && total <= self.most_bytes).then_some(place)
    }
}

struct QueuePlace<'a> {
    hold: &'a Hold,
    bytes: usize,
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.hold.waiting.fetch_sub(1, Ordering::Relaxed);
        self.hold.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn unavailable(reason: &WriteError, what_happened: &str) -> HoldError {
    HoldError::GaveUp(format!("Not stored: {reason} ({what_happened})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn hold(change: impl FnOnce(&mut Limits)) -> Hold {
        let mut limits = Limits::default();
        change(&mut limits);
        Hold::new(&limits)
    }

    fn full() -> WriteError {
        WriteError::NoSpace(timberline_log::AppendError::NoSpace {
            path: "/data/log".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_waits_until_there_is_space() {
        let tries = Cell::new(0);
        let hold = hold(|_| ());
        let begun = Instant::now();
        let done = hold
            .write(10, || {
                tries.set(tries.get() + 1);
                if tries.get() < 5 {
                    Err(full())
                } else {
                    Ok("stored")
                }
            })
            .await
            .unwrap();
        assert_eq!(done, "stored");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_time_it_is_503_with_the_reason() {
        let hold = hold(|_| ());
        let begun = Instant::now();
        let error = hold.write(10, || Err::<(), _>(full())).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 60);
        assert!(matches!(error, HoldError::GaveUp(_)), "{error}");
        assert!(
            error.to_string().contains("no space for the next log segment"),
            "{error}"
        );
        assert_eq!(hold.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(hold.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_durable_in_time_is_503_with_the_reason() {
        let hold = hold(|_| ());
        let begun = Instant::now();
        let never = std::future::pending();
        let error = hold
            .settle(never, || Some("it is gone".to_owned()))
            .await
            .unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 60);
        assert!(matches!(error, HoldError::GaveUp(_)), "{error}");
        assert!(error.to_string().contains("it is gone"), "{error}");
        let (answer, ()) = tokio::join!(hold.settle(std::future::pending(), || None), async {
            hold.stop();
        });
        assert!(matches!(answer, Err(HoldError::GaveUp(_))));
        assert_eq!(begun.elapsed(), Duration::from_secs(60) + STOP_PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_bounds_it_is_503_at_once() {
        for change in [
            (|limits| limits.waiting_requests = 0) as fn(&mut Limits),
            |limits| limits.waiting_bytes = 9,
        ] {
            let hold = hold(change);
            let begun = Instant::now();
            let error = hold.write(10, || Err::<(), _>(full())).await.unwrap_err();
            assert!(matches!(error, HoldError::GaveUp(_)), "{error}");
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_does_not_pass_is_told_at_once() {
        let error = hold(|_| ())
            .write(0, || Err::<(), _>(WriteError::NoSuchBucket("b".to_owned())))
            .await
            .unwrap_err();
        assert!(
            matches!(error, HoldError::Write(WriteError::NoSuchBucket(_))),
            "{error}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_of_history_waits_for_space_only() {
        let (done, other) = tokio::task::spawn_blocking(|| {
            let hold = hold(|_| ());
            let mut tries = 0;
            let done = hold.change_blocking(|| {
                tries += 1;
                match tries {
                    1 => Err(HistoryError::Write(full())),
                    _ => Ok(tries),
                }
            });
            let mut tries = 0;
            let other = hold.change_blocking(|| {
                tries += 1;
                Err::<(), _>(HistoryError::Unsealed(tries.to_string()))
            });
            (done, other)
        })
        .await
        .unwrap();
        assert_eq!(done.unwrap(), 2);
        let other = other.unwrap_err().to_string();
        assert!(other.contains("segment 1 "), "{other}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_moves_on_together_once_there_is_space() {
        let hold = hold(|_| ());
        let space = Cell::new(false);
        let write = || if space.get() { Ok(()) } else { Err(full()) };
        let begun = Instant::now();
        let (a, b, ()) = tokio::join!(hold.write(1, write), hold.write(1, write), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            space.set(true);
        });
        a.unwrap();
        b.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(3200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_shortens_the_wait() {
        let hold = hold(|_| ());
        let begun = Instant::now();
        let (answer, ()) = tokio::join!(hold.write(1, || Err::<(), _>(full())), async {
            hold.stop();
        });
        assert!(matches!(answer, Err(HoldError::GaveUp(_))));
        assert_eq!(begun.elapsed(), STOP_PATIENCE);
    }
}
