//! The thread that modules run on, and what is done when one of them does not let the others run.

use std::io;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// How often the thread is asked whether it still runs.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A thread that hangs cannot be ended. After so many of them, modules hang until Timberline is started again.
const MOST_THREADS: u64 = 5;

/// The thread of the modules. When it hangs, another one takes its place.
pub(super) struct ModuleThread {
    current: Mutex<Handle>,
    /// Counts the threads.
    number: watch::Sender<u64>,
    ask_every: Duration,
    patience: Duration,
}

impl ModuleThread {
    pub(super) fn start() -> io::Result<ModuleThread> {
        Ok(ModuleThread::on(spawn()?))
    }

    /// Modules run on this runtime.
    pub(super) fn on(runtime: Handle) -> ModuleThread {
        ModuleThread {
            current: Mutex::new(runtime),
            number: watch::Sender::new(1),
            ask_every: ASK_EVERY,
            patience: PATIENCE,
        }
    }

    /// The same with other times.
    #[cfg(test)]
    pub(super) fn with_times(self, ask_every: Duration, patience: Duration) -> ModuleThread {
        ModuleThread {
            ask_every,
            patience,
            ..self
        }
    }

    /// The runtime of the thread, and what changes when another one has taken its place.
    pub(super) fn current(&self) -> (Handle, watch::Receiver<u64>) {
        let current = self.current.lock();
        (current.clone(), self.number.subscribe())
    }

    /// Replaces a thread that hangs. Never ends.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(self.ask_every).await;
            let (runtime, number) = self.current();
            let answer = runtime.spawn(async {});
            if tokio::time::timeout(self.patience, answer).await.is_ok() {
                continue;
            }
            if *number.borrow() >= MOST_THREADS {
                tracing::error!("a module blocks all others again: restart Timberline");
                return std::future::pending().await;
            }
            tracing::error!("a module blocks all others: all modules are restarted on another thread");
            match spawn() {
                Ok(runtime) => {
                    let mut current = self.current.lock();
                    *current = runtime;
                    self.number.send_modify(|number| *number += 1);
                }
                Err(error) => tracing::error!(%error, "cannot start a thread for the modules"),
            }
        }
    }
}

/// A thread with a runtime. It ends with the process: a task that hangs could not be waited for.
fn spawn() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("timberline-modules".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
