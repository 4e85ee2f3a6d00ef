//! Waiting until records are durable.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::Seq;
use crate::error::SyncFailed;
use crate::sync::placement::Integrity;
use crate::sync::shared::{Progress, Shared};

/// Tells what is durable, and waits for it. Cheap to clone; works from any thread and in any executor.
#[derive(Clone, Debug)]
pub struct Durability {
    shared: Arc<Shared>,
}

impl Durability {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// The newest record that survives a power cut now.
    #[must_use]
    pub fn durable(&self) -> Seq {
        self.shared.durable()
    }

    /// Asks for a sync that covers `seq`, without waiting for it.
    pub fn request(&self, seq: Seq) {
        if seq > self.durable() {
            self.shared.request(seq);
        }
    }

    /// Asks for a sync that covers `seq` and waits for it, also while the log's files are not at their paths
    /// ([`Durability::integrity`]): that may take any time.
    ///
    /// # Errors
    /// [`SyncFailed`] if `seq` is not durable and never will be: a sync failed, or the log was closed without one.
    pub async fn wait(&self, seq: Seq) -> Result<(), SyncFailed> {
        if seq <= self.durable() {
            return Ok(());
        }
        self.shared.request(seq);
        self.progress(|now| now.durable >= seq, |_| false).await
    }

    /// Waits until what is wanted has come about, or never will, or it is time to give up.
    async fn progress(
        &self,
        wanted: impl Fn(&Progress) -> bool,
        give_up: impl Fn(&Progress) -> bool,
    ) -> Result<(), SyncFailed> {
        let mut progress = self.shared.progress.subscribe();
        let outcome = progress
            .wait_for(|now| wanted(now) || now.failure.is_some() || give_up(now))
            .await;
        let failure = match outcome {
            Ok(now) if wanted(&now) => return Ok(()),
            Ok(now) => now.failure.clone().or_else(|| now.held.clone()),
            Err(_) => None,
        };
        Err(failure.unwrap_or_else(|| SyncFailed {
            reason: "the log is gone".to_owned(),
            durable: self.durable(),
        }))
    }

    /// Waits until the segments that end at or before `seq` are sealed, for threads without an executor. The log must
    /// have begun a new one after it ([`Log::begin_segment`](crate::Log::begin_segment)).
    ///
    /// # Errors
    /// As [`wait_blocking`](Self::wait_blocking).
    pub fn wait_sealed_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        block_on(self.progress(|now| now.sealed >= seq, |now| now.held.is_some()))
    }

    /// [`wait`](Self::wait) for threads without an executor. It does not wait while the log's files are not at their
    /// paths: a thread that waited could not be stopped.
    ///
    /// # Errors
    /// [`SyncFailed`] if `seq` is not durable, and cannot get so at the moment.
    pub fn wait_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        if seq <= self.durable() {
            return Ok(());
        }
        self.shared.request(seq);
        block_on(self.progress(|now| now.durable >= seq, |now| now.held.is_some()))
    }

    /// What is wrong with the log's files, as far as it was noticed while they were written.
    #[must_use]
    pub fn integrity(&self) -> Integrity {
        self.shared.integrity()
    }

    /// Why nothing becomes durable any more; `None` while all is well.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure().map(ToString::to_string)
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
