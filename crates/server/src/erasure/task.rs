//! The thread that brings erasure to copies when nobody waits for it: at the start (a crash may have come between the
//! store and its backups), after the store has erased something by itself, and again for copies that are waiting.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Waiting;
use crate::app::App;

/// How often it is looked whether the store has erased something. Two atomic loads.
const LOOK: Duration = Duration::from_secs(5);
/// How long after it was not reached a copy is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Task {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> std::io::Result<Task> {
        let (stop, stopped) = channel();
        let app = Arc::clone(app);
        let thread = std::thread::Builder::new()
            .name("erasure".to_owned())
            .spawn(move || run(&app, &stopped))?;
        Ok(Task {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that erases from backups had ended with a panic");
        }
    }
}

fn run(app: &App, stopped: &Receiver<()>) {
    let mut reported = Vec::new();
    let mut last = None::<Instant>;
    loop {
        let waiting = app.erasure.waiting();
        let retry = !waiting.is_empty() && last.is_none_or(|last| last.elapsed() >= RETRY);
        if last.is_none() || retry || app.erasure.is_behind(app) {
            app.erasure.reach_copies(app);
            last = Some(Instant::now());
            report(&mut reported, app.erasure.waiting());
        }
        if stopped.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
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
