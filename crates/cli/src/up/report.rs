//! The watchers, as the server's API shows them.

use timberline_server::watchers::{
    Watcher, WatcherActivity, WatcherBackend, WatcherExit, WatcherPause, WatcherQueue,
};
use timberline_watchers::Health;
use timberline_watchers::modules::{Backend, BackendState, State};
use timberline_watchers::supervisor::{Condition, Kind, WatcherStatus};

/// A watcher.
pub(super) fn watcher(status: WatcherStatus) -> Watcher {
    let (state, reason) = activity(status.condition, status.note);
    Watcher {
        name: status.name,
        program: match status.kind {
            Kind::BuiltIn => None,
            Kind::Program(path) => Some(path.display().to_string()),
        },
        enabled: status.enabled,
        paused: status.paused.map(|pause| WatcherPause {
            since: pause.since.to_string(),
            until: pause.until.map(|until| until.to_string()),
        }),
        state,
        reason,
        backends: status.backends.into_iter().map(backend).collect(),
        bucket: status.bucket,
        last_recorded: status.last_recorded.map(|time| time.to_string()),
        restarts: status.restarts,
        last_exit: status.last_exit.map(|exit| WatcherExit {
            at: exit.at.to_string(),
            reason: exit.reason,
        }),
        alarm: status.alarm,
    }
}

/// The queue.
pub(super) fn queue(health: Health, alarm: Option<String>) -> WatcherQueue {
    WatcherQueue {
        waiting: u64::try_from(health.waiting).unwrap_or(u64::MAX),
        trouble: health.trouble,
        alarm,
    }
}

fn activity(condition: Condition, note: Option<String>) -> (WatcherActivity, Option<String>) {
    match condition {
        Condition::Off => (WatcherActivity::Off, note),
        Condition::Stopping => (WatcherActivity::Stopping, None),
        Condition::Running { pid } => {
            let process = format!("process {pid}");
            let reason = note.map_or(process.clone(), |note| format!("{process}, {note}"));
            (WatcherActivity::Running, Some(reason))
        }
        Condition::Restarting { at } => (WatcherActivity::Restarting, Some(format!("at {at}"))),
        Condition::Module(State::Starting) => (WatcherActivity::Starting, None),
        Condition::Module(State::Recording) => (WatcherActivity::Recording, None),
        Condition::Module(State::Waiting(reason)) | Condition::Waiting(reason) => {
            (WatcherActivity::Waiting, Some(reason))
        }
        Condition::Module(State::StandingBack(reason)) | Condition::StandingBack(reason) => {
            (WatcherActivity::StandingBack, Some(reason))
        }
    }
}

fn backend(backend: Backend) -> WatcherBackend {
    let (state, reason) = match backend.state {
        BackendState::Chosen => ("chosen", None),
        BackendState::Spare => ("spare", None),
        BackendState::Untried => ("untried", None),
        BackendState::Unavailable(reason) => ("unavailable", Some(reason)),
    };
    WatcherBackend {
        name: backend.name.to_owned(),
        state: state.to_owned(),
        reason,
    }
}
