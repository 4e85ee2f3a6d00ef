//! What the tests of the real server share: an installation of it in directories of its own, HTTP/1.1 with
//! nothing in between, the ledger of writers that are cut off, and RFC 3339.
//!
//! Nothing in here uses Timberline's own crates: what proves the server must not share its mistakes.

pub(crate) mod clock;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod rfc3339;
pub(crate) mod server;

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up on it. It only ends a test that
/// hangs; none measures time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until there is an answer.
///
/// # Panics
///
/// When there is none for as long as [`PATIENCE`].
pub(crate) fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
