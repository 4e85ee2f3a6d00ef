//! Imports that the server carries out itself, in the background: a source that was found on this machine, or fake data. One
//! runs at a time; how the last ones ended is kept.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use timberline_cancel::Cancel;
use timberline_exchange::import::{Options, Progress, Source};
use timberline_fake::Plan;

use crate::app::App;
use crate::causes::with_causes;
use crate::merge::{Merge, SettingsRule, SourceError, Tally, import, store_plan};

/// Runs that are kept.
const MAX_KEPT: usize = 16;

/// What a run does.
#[derive(Clone, Debug)]
pub(crate) enum RunRequest {
    /// Imports a file.
    Source {
        path: PathBuf,
        rule: SettingsRule,
        /// Compare everything, but store nothing.
        dry_run: bool,
    },
    /// Invents data.
    Fake(Plan),
}

impl RunRequest {
    /// What it reads, for people.
    fn path(&self) -> String {
        match self {
            Self::Source { path, .. } => path.display().to_string(),
            Self::Fake(_) => "fake data".to_owned(),
        }
    }

    fn is_dry(&self) -> bool {
        matches!(self, Self::Source { dry_run: true, .. })
    }
}

/// Why a run has no result.
#[derive(Debug)]
enum Failure {
    Cancelled,
    Failed(String),
}

/// An import, running or ended.
#[derive(Debug)]
pub(crate) struct Run {
    id: u64,
    request: RunRequest,
    begun: Instant,
    cancel: Cancel,
    /// Whether its turn has come: imports are stored one after the other.
    reading: AtomicBool,
    events: AtomicU64,
    done: AtomicU64,
    total: AtomicU64,
    /// How long it took, and what came of it.
    end: OnceLock<(Duration, Result<Tally, Failure>)>,
}

impl Run {
    /// Its number.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Ends it at the next batch. What is stored stays.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }

    fn at(&self, progress: Progress, events: u64) {
        self.events.store(events, Ordering::Relaxed);
        self.done.store(progress.done, Ordering::Relaxed);
        self.total.store(progress.total, Ordering::Relaxed);
    }

    fn phase(&self) -> &'static str {
        match self.end.get() {
            Some((_, Ok(_))) => "done",
            Some((_, Err(Failure::Cancelled))) => "cancelled",
            Some((_, Err(Failure::Failed(_)))) => "failed",
            None if self.reading.load(Ordering::Relaxed) => "reading",
            None => "waiting",
        }
    }

    /// How it is doing.
    pub(crate) fn to_json(&self) -> Value {
        let taken = self
            .end
            .get()
            .map_or_else(|| self.begun.elapsed(), |(taken, _)| *taken);
        let events = self.events.load(Ordering::Relaxed);
        let (done, total) = (
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        );
        let seconds = taken.as_secs_f64();
        let (result, error) = match self.end.get() {
            Some((_, Ok(tally))) => (tally.to_json(), Value::Null),
            Some((_, Err(Failure::Failed(error)))) => (Value::Null, json!(error)),
            _ => (Value::Null, Value::Null),
        };
        json!({
            "id": self.id.to_string(),
            "path": self.request.path(),
            "dry_run": self.request.is_dry(),
            "phase": self.phase(),
            "events_read": events,
            "events_per_second": (events as f64 / seconds.max(1e-3)).round(),
            "percent": (done.min(total) * 100).checked_div(total),
            "seconds": seconds,
            "result": result,
            "error": error,
        })
    }
}

/// The runs of a server, newest last.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<VecDeque<Arc<Run>>>);

impl Runs {
    /// The run of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Run>> {
        let id: u64 = id.parse().ok()?;
        self.0.lock().iter().find(|run| run.id == id).cloned()
    }

    /// The one that has not ended.
    pub(crate) fn running(&self) -> Option<Arc<Run>> {
        running(&self.0.lock())
    }

    /// Makes a run.
    ///
    /// # Errors
    /// The one that has not ended.
    fn begin(&self, request: RunRequest) -> Result<Arc<Run>, Arc<Run>> {
        let mut runs = self.0.lock();
        if let Some(running) = running(&runs) {
            return Err(running);
        }
        let run = Arc::new(Run {
            id: runs.back().map_or(1, |last| last.id + 1),
            request,
            begun: timberline_clock::monotonic(),
            cancel: Cancel::new(),
            reading: AtomicBool::new(false),
            events: AtomicU64::new(0),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            end: OnceLock::new(),
        });
        runs.push_back(Arc::clone(&run));
        if runs.len() > MAX_KEPT {
            runs.pop_front();
        }
        Ok(run)
    }
}

fn running(runs: &VecDeque<Arc<Run>>) -> Option<Arc<Run>> {
    runs.back().filter(|run| run.end.get().is_none()).cloned()
}

/// Begins an import.
///
/// # Errors
/// The import that runs already.
pub(crate) fn start(app: &Arc<App>, request: RunRequest) -> Result<Arc<Run>, Arc<Run>> {
    let run = app.import_runs.begin(request)?;
    let (app, working) = (Arc::clone(app), Arc::clone(&run));
    tokio::spawn(async move {
        let turn = app.importing.acquire().await;
        working.reading.store(true, Ordering::Relaxed);
        let (inside, run) = (Arc::clone(&app), Arc::clone(&working));
        let carried_out = tokio::task::spawn_blocking(move || carry_out(&inside, &run)).await;
        drop(turn);
        let result = carried_out.unwrap_or_else(|_| Err(Failure::Failed("the import broke off".to_owned())));
        if let Err(Failure::Failed(error)) = &result {
            tracing::error!(%error, "an import failed");
        }
        // Nobody else sets it.
        let _ = working.end.set((working.begun.elapsed(), result));
    });
    Ok(run)
}

fn carry_out(app: &App, run: &Run) -> Result<Tally, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::Failed(with_causes(error));
    let before = app.store.snapshot();
    let merge = if run.request.is_dry() {
        Merge::dry(&before, &app.settings.data_dir)
    } else {
        Merge::into_server(&before, app)
    };
    let watch = |progress, events| {
        run.at(progress, events);
        if app.hold.is_stopping() {
            run.cancel();
        }
    };
    let merged = match &run.request {
        RunRequest::Source { path, rule, .. } => {
            let source = Source::open(path, &Options::default());
            let mut source = source.map_err(|error| failed(&error))?;
            import(&mut source, merge, *rule, &run.cancel, &watch)
        }
        RunRequest::Fake(plan) => store_plan(plan, merge, &run.cancel, &watch),
    };
    let tally = match merged {
        Ok(tally) => tally,
        Err(SourceError::Cancelled) => return Err(Failure::Cancelled),
        Err(error) => return Err(failed(&error)),
    };
    let newest = app.store.snapshot().seq();
    app.store
        .durable_blocking(newest)
        .map_err(|error| failed(&error))?;
    match tally.unexplained() {
        Some(wrong) => Err(Failure::Failed(format!("the durations do not add up: {wrong}"))),
        None => Ok(tally),
    }
}
