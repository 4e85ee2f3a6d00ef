//! The thread that brings erasure to copies when nobody waits for it: at the start (a crash may have come between the
//! store and its backups), after the store has erased something by itself, again for copies that are waiting, and once
//! more when the server stops.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::reach::reach_copies;
use super::state::Waiting;
use crate::app::App;

/// How often it is looked whether the store has erased something (two atomic loads), and a copy that somebody else was
/// writing to is tried again.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How long after it was not reached a copy is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// How long copies may keep the server from stopping. What is not reached then, the next start reaches.
pub(crate) const AT_STOP: Duration = Duration::from_secs(5);
/// How much longer the thread is waited for: it looks at the time between two segments, and a disk that is gone may not
/// answer at all.
const GRACE: Duration = Duration::from_secs(5);

/// The thread; it ends when this is dropped.
pub(crate) struct ErasureTask {
    app: Arc<App>,
    stop: Option<Sender<()>>,
    /// Closed when the thread has ended, whichever way.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl ErasureTask {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> std::io::Result<ErasureTask> {
        let (stop, stopped) = channel();
        let (running, ended) = channel::<()>();
        let served = Arc::clone(app);
        let thread = std::thread::Builder::new()
            .name("erasure".to_owned())
            .spawn(move || {
                let _running = running;
                run(&served, &stopped);
            })?;
        Ok(ErasureTask {
            app: Arc::clone(app),
            stop: Some(stop),
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for ErasureTask {
    fn drop(&mut self) {
        self.app.erasure.stop_within(AT_STOP);
        drop(self.stop.take());
        if self.ended.recv_timeout(AT_STOP + GRACE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                "a backup's disk does not answer and is not waited for: the next start erases from that backup"
            );
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that erases from backups had ended with a panic");
        }
    }
}

fn run(app: &Arc<App>, stopped: &Receiver<()>) {
    let mut reported = Vec::new();
    let mut last = None::<Instant>;
    let mut stopping = false;
    loop {
        let waiting = app.erasure.waiting();
        let retry = last.is_none_or(|last| is_due(&waiting, last.elapsed()));
        if retry || app.erasure.is_behind(app.store.log_rewrites()) {
            reach_copies(app);
            last = Some(timberline_clock::monotonic());
            report(&mut reported, app.erasure.waiting());
        }
        if stopping {
            return;
        }
        // Once more at the end: what was erased since is not left to the next start, which may be long after.
        stopping = stopped.recv_timeout(CHECK_EVERY) != Err(RecvTimeoutError::Timeout);
    }
}

/// Whether it is time to try those that wait again.
fn is_due(waiting: &[Waiting], since: Duration) -> bool {
    let patience = match waiting.iter().any(|copy| copy.busy) {
        true => CHECK_EVERY,
        false => RETRY,
    };
    !waiting.is_empty() && since >= patience
}

/// Logs each copy once, not at every attempt.
fn report(reported: &mut Vec<Waiting>, waiting: Vec<Waiting>) {
    for copy in waiting.iter().filter(|copy| !reported.contains(copy)) {
        tracing::warn!(path = %copy.path.display(), why = %copy.why, "a backup is waiting to be erased from");
    }
    for copy in reported.iter().filter(|copy| !waiting.contains(copy)) {
        tracing::info!(path = %copy.path.display(), "a backup is no longer waiting to be erased from");
    }
    *reported = waiting;
}
