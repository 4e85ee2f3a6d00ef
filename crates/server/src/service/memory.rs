//! Gives memory back to the system: caches of an idle query engine, pages of view segments, and freed memory that the
//! allocator keeps.
//!
//! glibc's allocator keeps freed memory in its arenas, one for about each thread, for as long as anything lies above it.
//! After a burst of work that is most of a process. So a thread looks every few seconds whether memory has grown, and
//! if so has the allocator give back every free page. Pages of view segments that were read stay mapped for as long as
//! the system has memory, but count as memory of this process; beyond a bound they are given back to the system's cache
//! of files. See `docs/decisions/013-allocator-and-memory-budget.md`.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use timberline_disk::os::process::{resident_memory, trim_allocator};

use crate::app::App;

/// How often it is looked.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// Looks without a query in between, after which the engine rests.
const QUIET_CHECKS: u32 = 6;
/// Looks at least between two trims: one costs milliseconds in which threads may wait for each other.
const CHECKS_BETWEEN_TRIMS: u32 = 2;
/// Growth since the last trim that is worth another.
const WORTH_BYTES: u64 = 8 << 20;
/// Mapped files may take so much before view segments are given back; the program itself takes about a quarter of it.
const MAX_MAPPED_BYTES: u64 = 48 << 20;

/// The thread that looks; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryTask {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryTask {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> std::io::Result<MemoryTask> {
        let (stop, stopped) = channel();
        let app = Arc::clone(app);
        let thread = std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || run(&app, &stopped))?;
        Ok(MemoryTask {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for MemoryTask {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that gives memory back had ended with a panic");
        }
    }
}

fn run(app: &App, stopped: &Receiver<()>) {
    let mut habit = Habit::default();
    while stopped.recv_timeout(CHECK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let resident = resident_memory().unwrap_or_default();
        let todo = habit.look(app.engine.metrics().queries, resident.anonymous);
        if todo.rest {
            app.engine.rest();
        }
        if todo.rest || resident.of_files > MAX_MAPPED_BYTES {
            app.store.snapshot().release_views();
        }
        if todo.trim {
            trim_allocator();
            habit.trimmed(resident_memory().unwrap_or_default().anonymous);
        }
    }
}

/// When to do what.
#[derive(Debug, Default)]
struct Habit {
    queries: u64,
    quiet_looks: u32,
    looks_since_trim: u32,
    /// What was left after the last trim.
    left: u64,
}

#[derive(Debug, PartialEq)]
struct Todo {
    rest: bool,
    trim: bool,
}

impl Habit {
    fn look(&mut self, queries: u64, bytes: u64) -> Todo {
        self.looks_since_trim = self.looks_since_trim.saturating_add(1);
        if queries == self.queries {
            self.quiet_looks = self.quiet_looks.saturating_add(1);
        } else {
            (self.queries, self.quiet_looks) = (queries, 0);
        }
        // Once for each time of quiet, and not at a start, when there is nothing yet.
        let rest = self.quiet_looks == QUIET_CHECKS && queries > 0;
        let grown = bytes >= self.left.saturating_add(WORTH_BYTES);
        Todo {
            rest,
            trim: rest || grown && self.looks_since_trim >= CHECKS_BETWEEN_TRIMS,
        }
    }

    fn trimmed(&mut self, left: u64) {
        self.left = left;
        self.looks_since_trim = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_engine_rests_once_when_there_were_queries_and_then_none() {
        let mut habit = Habit::default();
        let queries = [[0; 9], [5; 9], [6; 9]].concat();
        let rests: Vec<bool> = (queries.into_iter())
            .map(|queries| habit.look(queries, 0).rest)
            .collect();
        let rested: Vec<usize> = (0..rests.len()).filter(|at| rests[*at]).collect();
        assert_eq!(rested, [9 + 6, 18 + 6]);
    }

    #[test]
    fn memory_is_trimmed_when_it_has_grown_and_not_all_the_time() {
        let mut habit = Habit::default();
        let mut trims = 0;
        for look in 1..=30 {
            if habit.look(0, look * 10 * MIB).trim {
                trims += 1;
                habit.trimmed(look * 10 * MIB);
            }
        }
        assert_eq!(trims, 15);
        // It stays where it is.
        assert!((0..30).all(|_| !habit.look(0, 301 * MIB).trim));
    }
}
