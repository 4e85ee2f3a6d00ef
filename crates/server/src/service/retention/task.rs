//! The thread that applies the rules.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use timberline_cancel::Cancel;
use timberline_model::{EventId, Timestamp};
use timberline_views::time_trust::TimeTrust;
use timberline_views::{BucketView, HistoryError, TimeRange};

use super::held::{Confirmed, Due, HeldRule, Holds};
use super::rules::strictest;
use crate::app::App;
use crate::service::erasure::forget;
use crate::settings::RetentionRule;

/// How often it is looked whether the clock is trusted, and whether something was confirmed.
const CHECK_EVERY: Duration = Duration::from_secs(10);
/// How often the rules are applied.
const EVERY: Duration = Duration::from_secs(86_400);
/// Events in one order.
const AT_ONCE: usize = 100_000;

/// The thread that looks, now and every day; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct RetentionTask {
    /// Wakes the thread when it is dropped.
    stop: Option<Sender<()>>,
    /// Ends a round early.
    cancel: Cancel,
    thread: Option<JoinHandle<()>>,
}

impl RetentionTask {
    /// Starts it, if there is something to look for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> std::io::Result<Option<RetentionTask>> {
        if app.settings.retention.is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = channel();
        let (app, cancel) = (Arc::clone(app), Cancel::new());
        let cancelled = cancel.clone();
        let thread = std::thread::Builder::new()
            .name("retention".to_owned())
            .spawn(move || run(&app, &stopped, &cancelled))?;
        Ok(Some(RetentionTask {
            stop: Some(stop),
            cancel,
            thread: Some(thread),
        }))
    }
}

impl Drop for RetentionTask {
    fn drop(&mut self) {
        self.cancel.cancel();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(app: &App, stopped: &Receiver<()>, cancel: &Cancel) {
    let mut last = None::<Instant>;
    loop {
        // While the clock is not trusted nothing is old. When it is again, what waited is done at once.
        if let TimeTrust::Trusted(now) = app.store.time_trust() {
            let confirmed = confirmed(&app.settings.data_dir);
            let due = last.is_none_or(|last| last.elapsed() >= EVERY);
            if due || confirmed.is_some() {
                if let Err(HistoryError::Cancelled) = round(app, now, confirmed.as_ref(), cancel) {
                    return;
                }
                last = Some(timberline_clock::monotonic());
            }
        }
        if stopped.recv_timeout(CHECK_EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// What was confirmed by hand since the last look.
fn confirmed(data_dir: &Path) -> Option<Confirmed> {
    match Confirmed::waiting(data_dir) {
        Ok(confirmed) => confirmed,
        Err(error) => {
            tracing::warn!(%error, "confirmations of retention cannot be read");
            None
        }
    }
}

/// Applies the rules to every bucket.
///
/// # Errors
/// [`HistoryError::Cancelled`] if the server stops. Other errors are logged: it is tried again.
fn round(
    app: &App,
    now: Timestamp,
    confirmed: Option<&Confirmed>,
    cancel: &Cancel,
) -> Result<(), HistoryError> {
    let data_dir = &app.settings.data_dir;
    let mut holds = match Holds::read(data_dir) {
        Ok(holds) => holds,
        Err(error) => {
            tracing::error!(%error, "retention erases nothing, because it is not known what it has erased before");
            return Ok(());
        }
    };
    let snapshot = app.store.snapshot();
    holds.retain(|id| snapshot.bucket(id).is_some());
    let mut purged = 0;
    let mut failed = false;
    for view in snapshot.buckets() {
        let Some(rule) = strictest(&app.settings.retention, &view.bucket().id) else {
            continue;
        };
        match apply(app, view, rule, now, confirmed, &mut holds, cancel) {
            Ok(events) => purged += events,
            Err(HistoryError::Cancelled) => return Err(HistoryError::Cancelled),
            Err(error) => {
                failed = true;
                tracing::error!(%error, "events that are to go cannot be erased; it is tried again");
            }
        }
    }
    // One pass over the log erases all that was ordered, also what was ordered before something failed.
    if purged > 0 || failed {
        match app.store.complete_purges_at_leisure(cancel) {
            Ok(_) => {}
            Err(HistoryError::Cancelled) => return Err(HistoryError::Cancelled),
            Err(error) => tracing::warn!(
                %error,
                "events that were kept long enough are out of sight, but not erased yet; it is tried again"
            ),
        }
    }
    if purged > 0 {
        // The copies are reached by the thread of erasure, which notices: a disk that hangs must not hold this up.
        forget(app);
        tracing::info!(events = purged, "events were kept long enough and are erased");
    }
    app.retention.set(&holds);
    let written = holds.write(data_dir);
    let done = match confirmed {
        Some(_) if !failed => written.and_then(|()| Confirmed::done(data_dir)),
        _ => written,
    };
    if let Err(error) = done {
        tracing::warn!(%error, "what retention has done cannot be written down; it may ask again");
    }
    Ok(())
}

/// Orders the events of a bucket to be erased that ended longer ago than the rule keeps them, unless that is most of the
/// bucket at once. Gives back how many.
fn apply(
    app: &App,
    view: &BucketView,
    rule: &RetentionRule,
    now: Timestamp,
    confirmed: Option<&Confirmed>,
    holds: &mut Holds,
    cancel: &Cancel,
) -> Result<usize, HistoryError> {
    let bucket = view.bucket().id.as_str();
    let keep = i64::try_from(rule.keep.as_nanos()).unwrap_or(i64::MAX);
    let before = Timestamp::from_nanos(now.nanos().saturating_sub(keep));
    let (ids, overdue) = ended_before(view, before, holds.applied(bucket))?;
    let due = Due {
        before,
        events: ids.len() as u64,
        overdue,
        of: view.len(),
    };
    let keep = humantime::format_duration(rule.keep).to_string();
    if holds.surprises(bucket, due) && !confirmed.is_some_and(|confirmed| confirmed.has(bucket, &keep)) {
        let held = HeldRule {
            keep,
            events: due.events,
            of: due.of,
        };
        tracing::warn!("{}", held.explain(bucket));
        holds.note_held(bucket, held);
        return Ok(0);
    }
    for part in ids.chunks(AT_ONCE) {
        cancel.check()?;
        app.store.order_purge_of(view.key(), part)?;
    }
    holds.note_applied(bucket, before);
    Ok(ids.len())
}

/// The events that ended before an instant, and how many of them had ended before an earlier one already.
fn ended_before(
    view: &BucketView,
    before: Timestamp,
    earlier: Option<Timestamp>,
) -> Result<(Vec<EventId>, u64), HistoryError> {
    let range = TimeRange {
        start: None,
        end: Some(before),
    };
    let (mut ids, mut overdue) = (Vec::new(), 0);
    for event in view.events(range)? {
        let event = event?;
        let end = event.start().nanos().saturating_add(event.duration().nanos());
        if end < before.nanos() {
            ids.push(event.id());
            overdue += u64::from(earlier.is_some_and(|earlier| end < earlier.nanos()));
        }
    }
    Ok((ids, overdue))
}
