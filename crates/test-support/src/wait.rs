//! Waiting for a condition. No test measures time or sleeps: it waits until something is so.

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up on it. It only ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Asks until there is an answer.
///
/// # Panics
/// When there is none for as long as [`PATIENCE`].
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(INTERVAL);
    }
}

/// Lets a process that a test is going to kill work for so long. Only for a spread of moments: nothing may be expected
/// of any of them.
pub fn let_work(time: Duration) {
    std::thread::sleep(time);
}
