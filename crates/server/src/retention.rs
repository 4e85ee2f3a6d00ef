//! Events go when they have been kept as long as they are to be: `[[retention]]` in the configuration.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use timberline_model::{EventId, Timestamp};
use timberline_views::{BucketView, HistoryError, Selection, Store, TimeRange};

use crate::app::App;
use crate::backup::erase_from_backups;
use crate::config::Retention;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(86_400);
/// Events that go in one purge.
const AT_ONCE: usize = 100_000;

/// The thread that looks, now and every day; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it, if there is something to look for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> std::io::Result<Option<Keeper>> {
        if app.settings.retention.is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = channel();
        let app = Arc::clone(app);
        let thread = std::thread::Builder::new()
            .name("retention".to_owned())
            .spawn(move || run(&app, &stopped))?;
        Ok(Some(Keeper {
            stop: Some(stop),
            thread: Some(thread),
        }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(app: &App, stopped: &Receiver<()>) {
    loop {
        for rule in &app.settings.retention {
            match apply(&app.store, rule, &mut || {
                !matches!(
                    stopped.try_recv(),
                    Err(std::sync::mpsc::TryRecvError::Disconnected)
                )
            }) {
                Ok(0) => {}
                Ok(events) => {
                    app.engine.forget();
                    erase_from_all_backups(app);
                    tracing::info!(events, keep = %rule.keep, "events were kept long enough and are erased");
                }
                Err(HistoryError::Cancelled) => return,
                Err(error) => {
                    tracing::error!(%error, "events that are to go cannot be erased; it is tried again")
                }
            }
        }
        if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn erase_from_all_backups(app: &App) {
    let failed = match erase_from_backups(&app.settings.data_dir) {
        Ok(backups) => backups
            .into_iter()
            .filter_map(|backup| backup.outcome.err())
            .collect(),
        Err(error) => vec![error],
    };
    for error in failed {
        tracing::warn!(%error, "a backup still holds events that are no longer kept");
    }
}

/// Purges the events that ended longer ago than the rule keeps them. Gives back how many.
fn apply(store: &Store, rule: &Retention, go_on: &mut dyn FnMut() -> bool) -> Result<usize, HistoryError> {
    let keep = i64::try_from(rule.keep.0.as_nanos()).unwrap_or(i64::MAX);
    let before = Timestamp::from_nanos(Timestamp::now().nanos().saturating_sub(keep));
    let mut purged = 0;
    let snapshot = store.snapshot();
    for view in snapshot
        .buckets()
        .filter(|view| matches(&rule.bucket, &view.bucket().id))
    {
        let ids = ended_before(view, before)?;
        for part in ids.chunks(AT_ONCE) {
            let selection = Selection {
                buckets: vec![view.key()],
                ids: Some(part.to_vec()),
                range: TimeRange::ALL,
                data: &|_| true,
            };
            let selected = store.select(&selection, 0, go_on)?;
            store.purge_selected(&selected)?;
            purged += part.len();
        }
    }
    Ok(purged)
}

fn ended_before(view: &BucketView, before: Timestamp) -> Result<Vec<EventId>, HistoryError> {
    let range = TimeRange {
        start: None,
        end: Some(before),
    };
    let mut ids = Vec::new();
    for event in view.events(range)? {
        let event = event?;
        if event.start().nanos().saturating_add(event.duration().nanos()) < before.nanos() {
            ids.push(event.id());
        }
    }
    Ok(ids)
}

/// Whether an id is what a rule names; `*` stands for anything.
fn matches(rule: &str, id: &str) -> bool {
    let Some((first, rest)) = rule.split_once('*') else {
        return rule == id;
    };
    let Some(mut left) = id.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (rule, id, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("*window*", "aw-watcher-window_h", true),
        ] {
            assert_eq!(matches(rule, id), expected, "{rule} {id}");
        }
    }
}
