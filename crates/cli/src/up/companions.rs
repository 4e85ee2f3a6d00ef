//! Starts the watchers together with a server, and stops them before it.
//!
//! If they cannot be started, the server serves nevertheless. It says why they do not record, and tries again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use timberline_disk::Cipher;
use timberline_server::Start;
use timberline_server::watchers::{Command, CommandError, Watcher, WatcherQueue, Watchers};
use timberline_watchers::desktop::Session;
use timberline_watchers::supervisor::{self, Which};

use super::plan::{NotStarted, Plan, Running};
use super::{desktop, plan, report};
use crate::config::WatcherSettings;

/// Watchers that could not be started are tried again after so long, then after twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The watchers of this process.
pub(super) struct Companions {
    shared: Arc<Shared>,
    /// What tries to start them, if the first try has failed.
    trying: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

enum State {
    /// They could not be started so far, for this reason.
    NotStarted(String),
    Running(Running),
    Stopped,
}

impl Companions {
    /// Starts the watchers for a server that is about to serve. `None`: there is nothing to record here.
    ///
    /// # Errors
    /// When the configuration names watchers that do not exist, or the system has neither random bytes nor a thread.
    pub(super) fn start(
        start: &mut Start,
        settings: &WatcherSettings,
        cipher: Option<Arc<Cipher>>,
        testing: bool,
    ) -> anyhow::Result<Option<Arc<dyn Watchers>>> {
        let modules = plan::modules(settings)?;
        let session = Session::of_this_process();
        if let Some(why) = desktop::missing(&session) {
            tracing::info!("no watcher is started: {why}");
            return Ok(None);
        }
        let plan = Plan::new(start, settings, modules, session, cipher, testing)?;
        let companions = match plan.start() {
            Ok(running) => Self::new(State::Running(running)),
            Err(why) => {
                let why = why.to_string();
                log_not_started(&why);
                let companions = Self::new(State::NotStarted(why));
                companions.keep_trying(plan)?;
                companions
            }
        };
        Ok(Some(Arc::new(companions)))
    }

    fn new(state: State) -> Self {
        let shared = Shared {
            state: Mutex::new(state),
            stopped: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
            trying: Mutex::new(None),
        }
    }

    fn keep_trying(&self, plan: Plan) -> anyhow::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("timberline-retry".to_owned());
        let thread = thread.spawn(move || shared.keep_trying(&plan));
        let thread = thread.context("the system has no thread for the watchers")?;
        *self.trying.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries until the watchers run, or are not to run any more.
    fn keep_trying(&self, plan: &Plan) {
        let mut pause = FIRST_PAUSE;
        while self.rest(pause) {
            pause = (pause * 2).min(LONGEST_PAUSE);
            // Not under the lock: it may take a while, and others ask how the watchers are.
            let tried = plan.start();
            if !self.take_up(tried) {
                return;
            }
        }
    }

    /// Waits before the next try. False: there is none.
    fn rest(&self, pause: Duration) -> bool {
        let not_started = |state: &mut State| matches!(state, State::NotStarted(_));
        let waited = self.stopped.wait_timeout_while(self.state(), pause, not_started);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        not_started(&mut state)
    }

    /// Takes up what a try has come to. True: it is to be tried again.
    fn take_up(&self, tried: Result<Running, NotStarted>) -> bool {
        let mut state = self.state();
        let State::NotStarted(known) = &mut *state else {
            drop(state);
            tried.into_iter().for_each(Running::stop);
            return false;
        };
        match tried {
            Ok(running) => {
                tracing::info!("the watchers are started now");
                *state = State::Running(running);
                false
            }
            Err(why) => {
                let why = why.to_string();
                if *known != why {
                    log_not_started(&why);
                    *known = why;
                }
                true
            }
        }
    }
}

fn log_not_started(why: &str) {
    tracing::error!("nothing is recorded on this machine: {why}. The server works, and tries again");
}

impl Watchers for Companions {
    fn list(&self) -> Vec<Watcher> {
        let handle = match &*self.shared.state() {
            State::Running(running) => running.supervisor.handle(),
            State::NotStarted(_) | State::Stopped => return Vec::new(),
        };
        handle.list().into_iter().map(report::watcher).collect()
    }

    fn not_started(&self) -> Option<String> {
        match &*self.shared.state() {
            State::NotStarted(why) => Some(why.clone()),
            State::Running(_) | State::Stopped => None,
        }
    }

    fn queue(&self) -> Option<WatcherQueue> {
        let (client, handle) = match &*self.shared.state() {
            State::Running(running) => (running.client.clone(), running.supervisor.handle()),
            State::NotStarted(_) | State::Stopped => return None,
        };
        Some(report::queue(client.health(), handle.queue_alarm()))
    }

    fn command(&self, name: Option<&str>, command: Command) -> Result<(), CommandError> {
        let handle = match &*self.shared.state() {
            State::Running(running) => running.supervisor.handle(),
            State::NotStarted(why) => return Err(CommandError::NotStarted(why.clone())),
            State::Stopped => return Err(CommandError::NotStarted("the server stops".to_owned())),
        };
        let which = name.map_or(Which::All, Which::One);
        let done = match command {
            Command::Enable => handle.enable(which),
            Command::Disable => handle.disable(which),
            Command::Pause(until) => handle.pause(which, until),
            Command::Resume => handle.resume(which),
        };
        done.map_err(|error| match error {
            supervisor::CommandError::Unknown(name) => CommandError::Unknown(name),
            other => CommandError::NotKept(
                std::error::Error::source(&other).map_or_else(|| other.to_string(), ToString::to_string),
            ),
        })
    }

    fn forget_sent(&self) {
        let client = match &*self.shared.state() {
            State::Running(running) => running.client.clone(),
            State::NotStarted(_) | State::Stopped => return,
        };
        client.forget_sent();
    }

    fn stop(&self) {
        let state = std::mem::replace(&mut *self.shared.state(), State::Stopped);
        self.shared.stopped.notify_all();
        if let State::Running(running) = state {
            running.stop();
        }
        let trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner).take();
        if trying.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("starting the watchers has panicked");
        }
    }
}
