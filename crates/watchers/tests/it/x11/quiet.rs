//! What the sources cost while nothing happens.

use std::sync::Arc;
use std::time::Duration;

use timberline_watchers::clock::SystemClock;
use timberline_watchers::desktop::x11::{X11, XScreenSaver, XSync};
use timberline_watchers::desktop::{Reports, Source};

use super::screen::{Screen, is_installed};

/// How often this thread has waited for something.
fn waits() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// A source at work on this thread.
fn start<R: Send + 'static>(
    mut source: impl Source<R> + 'static,
) -> tokio::sync::mpsc::UnboundedReceiver<timberline_watchers::desktop::At<R>> {
    let (to, reports) = Reports::channel(Arc::new(SystemClock::new()));
    tokio::spawn(async move { source.watch(to).await });
    reports
}

#[tokio::test]
async fn sources_do_not_wake_while_nothing_happens() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut windows = start(X11::new(screen.session()));
    let mut inputs = start(XSync::new(screen.session(), Vec::new()));
    let _locks = start(XScreenSaver::new(screen.session()));
    windows.recv().await.unwrap();
    inputs.recv().await.unwrap();
    // The last input is reported once; after that there is nothing to say.
    inputs.recv().await.unwrap();
    // A window manager that has just started still changes things, on a busy machine for some seconds. What polls is never quiet.
    let mut waited = 0;
    for _ in 0..10 {
        let before = waits();
        tokio::time::sleep(Duration::from_secs(2)).await;
        waited = waits() - before;
        if waited <= 4 {
            return;
        }
    }
    panic!("one wait for the end of the two seconds, and few others: {waited}");
}
