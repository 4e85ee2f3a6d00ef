//! Keeps one watcher in the state that the user wants, running or not, and restarts it when it exits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use timberline_model::Duration;
use tokio::sync::watch;
use tokio::task::JoinError;

use super::board::{Board, Order};
use super::locks::Held;
use super::program::{Helps, Log, Process, Target, arguments};
use super::rival::Lookout;
use super::status::{Condition, Exit};
use super::thread::ModuleThread;
use crate::Client;
use crate::backoff::Backoff;
use crate::desktop::Session;
use crate::modules::{Context, Ends, Module, ModuleError, Status};

/// The longest time until a watcher that has ended is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A watcher that ran for this long is restarted after a second.
const LONG_ENOUGH: Duration = Duration::from_secs(600);
/// How long a module may take to end its events.
const PATIENCE: StdDuration = StdDuration::from_secs(5);
/// How often to check whether another program still records the same thing, or whether a program can be started now.
const LOOK_AGAIN: StdDuration = StdDuration::from_secs(30);

/// What all keepers share.
pub(super) struct Surroundings {
    pub(super) board: Arc<Board>,
    pub(super) client: Client,
    pub(super) session: Arc<Session>,
    pub(super) modules: ModuleThread,
    pub(super) lookout: Arc<Lookout>,
    pub(super) log_dir: Option<PathBuf>,
    pub(super) target: Target,
    pub(super) helps: Helps,
}

/// What a keeper keeps.
pub(super) enum Work {
    Module(Arc<dyn Module>),
    Program {
        path: PathBuf,
        /// What it is passed besides the server's address.
        arguments: Vec<String>,
    },
}

/// Why a watcher has stopped.
enum Stopped {
    /// It is not to run any more.
    Unwanted,
    /// Another client writes to its bucket.
    ForRival(String),
    /// By itself, for this reason.
    ByItself(String),
}

/// The keeper of one watcher.
pub(super) struct Keeper {
    pub(super) name: String,
    pub(super) work: Work,
    pub(super) around: Arc<Surroundings>,
}

impl Keeper {
    /// Does what the person orders, until Timberline ends.
    pub(super) async fn keep(self) {
        let board = &self.around.board;
        let mut backoff = Backoff::up_to(LONGEST_PAUSE);
        let mut rival = None;
        loop {
            board.set_condition(&self.name, Condition::Off);
            let order = board
                .until(&self.name, |order| !matches!(order, Order::Rest(_)))
                .await;
            if order == Order::End {
                return;
            }
            let Some(held) = self.claim(rival.take()).await else {
                continue;
            };
            let start = board.clock().read().monotonic;
            let reason = match self.run(held).await {
                Stopped::ByItself(reason) => reason,
                Stopped::Unwanted => continue,
                Stopped::ForRival(who) => {
                    rival = Some(who);
                    continue;
                }
            };
            let now = board.clock().read();
            if now.monotonic.saturating_sub(start) >= LONG_ENOUGH {
                backoff.reset();
            }
            let pause = backoff.next();
            let exit = Exit { at: now.wall, reason };
            tracing::warn!(
                watcher = %self.name,
                reason = %exit.reason,
                seconds = pause.as_secs_f64(),
                "a watcher has exited, and will be restarted"
            );
            board.note_exit(&self.name, exit, now.wall.saturating_add(pause));
            let nanos = u64::try_from(pause.nanos()).unwrap_or(0);
            self.wait(StdDuration::from_nanos(nanos)).await;
        }
    }

    /// Resolves when the watcher is not to run any more.
    async fn unwanted(&self) {
        let board = &self.around.board;
        board.until(&self.name, |order| order != Order::Run).await;
    }

    /// Waits as long as the watcher is to run. False: it is not to run any more.
    async fn wait(&self, time: StdDuration) -> bool {
        tokio::select! {
            biased;
            () = self.unwanted() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Waits until no other program records the same thing, such as this `rival`. `None`: the watcher is not to run any more.
    async fn claim(&self, rival: Option<String>) -> Option<Held> {
        let board = &self.around.board;
        let (mut said, mut found) = (None, rival);
        loop {
            let claimed = match found.take() {
                Some(who) => Err(who),
                None => self.claim_now(said.is_some()).await?,
            };
            let who = match claimed {
                Ok(held) => return Some(held),
                Err(who) => who,
            };
            if said.as_ref() != Some(&who) {
                tracing::info!(watcher = %self.name, reason = %who, "a watcher stands back");
                board.set_condition(&self.name, Condition::StandingBack(who.clone()));
                said = Some(who);
            }
            if !self.wait(LOOK_AGAIN).await {
                return None;
            }
        }
    }

    /// Whether another program records the same thing now, and which one. Another client in a module's bucket is looked for here
    /// only if the module stands back; otherwise the module records at the same time. `None`: the watcher is not to run any more.
    async fn claim_now(&self, stands_back: bool) -> Option<Result<Held, String>> {
        let lookout = &self.around.lookout;
        let held = match &self.work {
            Work::Module(_) => lookout.claim(&self.name),
            Work::Program { path, .. } => lookout.check_program(&self.name, path).map(|()| Held::new()),
        };
        if !stands_back || held.is_err() {
            return Some(held);
        }
        let (now, nothing) = (self.around.board.now(), Ends::default());
        tokio::select! {
            rival = lookout.find_rival(&self.name, now, &nothing) => Some(rival.map_or(held, Err)),
            () = self.unwanted() => None,
        }
    }

    /// Runs the watcher until it stops.
    async fn run(&self, held: Held) -> Stopped {
        match &self.work {
            Work::Module(module) => self.run_module(module, held).await,
            Work::Program { path, arguments } => {
                let ended = self.run_program(path, arguments).await;
                ended.map_or(Stopped::Unwanted, Stopped::ByItself)
            }
        }
    }

    async fn run_module(&self, module: &Arc<dyn Module>, held: Held) -> Stopped {
        let around = &self.around;
        let (status, mut says) = watch::channel(Status::default());
        let (stop, stopping) = watch::channel(false);
        let context = Context {
            client: around.client.clone(),
            clock: Arc::clone(around.board.clock()),
            session: Arc::clone(&around.session),
            status,
            stop: stopping,
            ends: Ends::default(),
        };
        let own = context.ends.clone();
        around.board.listen_to(&self.name, says.clone());
        let (runtime, mut thread) = around.modules.current();
        let module = Arc::clone(module);
        let mut task = runtime.spawn(async move {
            let result = module.run(context).await;
            drop(held);
            result
        });
        let unwanted = self.unwanted();
        let rival = around.lookout.find_rival(&self.name, around.board.now(), &own);
        tokio::pin!(unwanted, rival);
        let mut looks = true;
        let stopped = loop {
            tokio::select! {
                result = &mut task => return Stopped::ByItself(reason(result)),
                () = &mut unwanted => break Stopped::Unwanted,
                found = &mut rival, if looks => match found {
                    Some(who) => break Stopped::ForRival(who),
                    None => looks = false,
                },
                Ok(()) = says.changed() => around.board.tell(),
                Ok(()) = thread.changed() => {
                    task.abort();
                    return Stopped::ByItself("this module or another one blocked all modules".to_owned());
                }
            }
        };
        stop.send_replace(true);
        around.board.set_condition(&self.name, Condition::Stopping);
        if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
            tracing::warn!(watcher = %self.name, "a module does not stop in time, and is aborted");
            task.abort();
        }
        stopped
    }

    async fn run_program(&self, path: &Path, more: &[String]) -> Option<String> {
        let around = &self.around;
        let arguments = tokio::select! {
            arguments = arguments(path, &around.target, &around.helps) => arguments,
            () = self.unwanted() => return None,
        };
        let arguments = match arguments {
            Ok(arguments) => [&arguments, more].concat(),
            Err(reason) => {
                around.board.set_condition(&self.name, Condition::Waiting(reason));
                // Another version may be installed by then.
                self.wait(LOOK_AGAIN).await;
                return None;
            }
        };
        let clock = Arc::clone(around.board.clock());
        let mut log = Log::new(around.log_dir.clone(), &self.name, clock);
        let process = match Process::start(path, &arguments) {
            Ok(process) => process,
            Err(error) => return Some(format!("{} cannot be started: {error}", path.display())),
        };
        let pid = process.id();
        log.note(&format!(
            "started as process {pid}: {} {}",
            path.display(),
            arguments.join(" ")
        ));
        around.board.set_condition(&self.name, Condition::Running { pid });
        let stop = async {
            self.unwanted().await;
            around.board.set_condition(&self.name, Condition::Stopping);
        };
        let ended = process.run(stop, &mut log).await;
        log.note(ended.as_deref().unwrap_or("stopped, as requested"));
        ended
    }
}

/// Why a module has ended although nobody had asked it to.
fn reason(result: Result<Result<(), ModuleError>, JoinError>) -> String {
    match result {
        Ok(Ok(())) => "it exited without an error".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
            Err(_) => "it was aborted".to_owned(),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(owned).unwrap_or("no text")
}
