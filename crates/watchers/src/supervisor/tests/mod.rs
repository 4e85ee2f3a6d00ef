//! The supervisor with modules that do as a test says, in fake time; and with real programs.

mod model;
mod modules;
mod pauses;
mod programs;
mod rival;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use timberline_model::{Duration, Timestamp};
use tokio::sync::watch;

use super::board::{Board, ByDefault};
use super::start::{self, Nursery};
use super::thread::ModuleThread;
use super::{Autostart, Condition, Handle, Places, SupervisorOptions, Target, WatcherStatus};
use crate::clock::{Clock, Reading, SystemClock};
use crate::desktop::Session;
use crate::modules::{Context, Module, ModuleError, Running, State};
use crate::{Answer, Client, ClientOptions, Method, NotSent, Request, Server, Transport};

/// Clocks that follow the time of the runtime, which stands still unless everything waits.
#[derive(Debug)]
struct RuntimeClock {
    wall: Timestamp,
    origin: tokio::time::Instant,
}

impl RuntimeClock {
    fn new() -> RuntimeClock {
        RuntimeClock {
            wall: Timestamp::parse("2026-03-01T10:00:00Z").expect("a time"),
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Clock for RuntimeClock {
    fn read(&self) -> Reading {
        let since = i64::try_from(self.origin.elapsed().as_nanos()).expect("less than centuries");
        let since = Duration::from_nanos(since);
        Reading {
            wall: self.wall.saturating_add(since),
            monotonic: since,
            boot: Some(since),
        }
    }
}

/// A server that agrees to everything, and knows no bucket.
#[derive(Default)]
struct Agreeable(Mutex<Vec<(String, String)>>);

impl Transport for Agreeable {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let body = request.body.as_deref().map(String::from_utf8_lossy);
        let body = body.unwrap_or_default().into_owned();
        let (status, answer) = match request.method {
            // It does not take many heartbeats at once.
            _ if request.path.starts_with("/api/1/") => (404, "{}"),
            Method::Get if request.path.contains("/events") => (200, "[]"),
            Method::Get => (404, "{}"),
            _ => (200, r#"{"timestamp":"2026-03-01T10:00:00Z"}"#),
        };
        self.0.lock().push((request.path.clone(), body));
        Ok(Answer {
            status,
            retry_after: None,
            body: answer.as_bytes().to_vec(),
        })
    }
}

fn client(dir: &Path, server: Arc<Agreeable>) -> Client {
    let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir)
        .hostname("laptop")
        .commit_interval(StdDuration::ZERO);
    Client::with_transport(options, server, Arc::new(SystemClock::new())).expect("a client")
}

/// A module that ends when the test says so.
#[derive(Clone)]
pub(crate) struct Puppet {
    name: &'static str,
    running: Arc<AtomicUsize>,
    end: watch::Sender<usize>,
    way: Way,
}

/// How a puppet ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Error,
    Panic,
    /// It ends at the test's word only, and does not when it is asked to stop.
    Deaf,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Puppet {
    pub(crate) fn new(name: &'static str, way: Way) -> Puppet {
        Puppet {
            name,
            running: Arc::default(),
            end: watch::Sender::new(0),
            way,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 1
    }

    fn crash(&self) {
        self.end.send_modify(|ends| *ends += 1);
    }
}

impl Module for Puppet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, mut context: Context) -> Running {
        let mut end = self.end.subscribe();
        let way = self.way;
        let before = self.running.fetch_add(1, Ordering::SeqCst);
        assert_eq!(before, 0, "it runs twice");
        let counted = Counted(Arc::clone(&self.running));
        Box::pin(async move {
            let _counted = counted;
            context
                .status
                .send_modify(|status| status.state = State::Recording);
            tokio::select! {
                _ = end.changed() => {}
                () = context.stopped(), if way != Way::Deaf => return Ok(()),
            }
            assert!(way != Way::Panic, "as the test says");
            Err(ModuleError("as the test says".to_owned()))
        })
    }
}

/// A supervisor in the runtime of the test.
pub(crate) struct Bench {
    pub(crate) handle: Handle,
    nursery: Nursery,
    /// While it is there, more watchers may come.
    _at_work: tokio::sync::mpsc::Sender<()>,
    _dir: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) fn start(puppets: &[&Puppet]) -> Bench {
        let dir = tempfile::tempdir().expect("a directory");
        let options = options(dir.path(), puppets);
        Bench {
            _dir: Some(dir),
            ..Bench::with(options)
        }
    }

    fn with(options: SupervisorOptions) -> Bench {
        let runtime = tokio::runtime::Handle::current();
        let modules = ModuleThread::on(runtime.clone());
        let (nursery, at_work, _) = start::nursery(&options, modules, runtime);
        Bench {
            handle: start::begin(options, &nursery),
            nursery,
            _at_work: at_work,
            _dir: None,
        }
    }

    pub(super) fn board(&self) -> &Arc<Board> {
        &self.nursery.around.board
    }

    /// A program was found.
    pub(crate) fn add_program(&self, name: &str) {
        let kind = super::Kind::Program(name.into());
        let on = ByDefault { on: true, why: None };
        assert!(self.board().add(name, kind, on));
    }

    pub(crate) fn alarm(&self, name: &str, text: Option<&str>) {
        self.board().set_alarm(name, text.map(str::to_owned));
    }

    pub(crate) fn queue_alarm(&self, text: Option<&str>) {
        self.board().set_queue_alarm(text.map(str::to_owned));
    }

    pub(crate) fn status(&self, name: &str) -> WatcherStatus {
        let mut all = self.handle.list().into_iter();
        all.find(|status| status.name == name).expect("a watcher")
    }
}

/// A name that nothing else has: clients that have just ended may still have their directory.
fn unique(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn options(dir: &Path, puppets: &[&Puppet]) -> SupervisorOptions {
    let modules = puppets.iter().map(|puppet| {
        let module: Arc<dyn Module> = Arc::new((*puppet).clone());
        (module, true)
    });
    SupervisorOptions {
        modules: modules.collect(),
        places: Places::default(),
        programs_on: None,
        autostart: Autostart::default(),
        client: client(&dir.join(unique("client")), Arc::default()),
        clock: Arc::new(RuntimeClock::new()),
        session: Session::from_environment(|_| None),
        target: Target {
            host: "127.0.0.1".to_owned(),
            port: 5600,
            testing: false,
            closed: None,
        },
        state_dir: dir.join("state"),
        log_dir: Some(dir.join("log")),
        locks_dir: Some(dir.join("locks")),
        beside: Vec::new(),
    }
}

/// Lets everything happen that does not wait for time.
async fn settle() {
    tokio::time::sleep(StdDuration::from_millis(1)).await;
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(StdDuration::from_secs(seconds)).await;
}
