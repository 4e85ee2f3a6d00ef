//! Starts the supervisor on a thread of its own, and ends it.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Builder};
use tokio::sync::mpsc;

use super::board::{Board, ByDefault};
use super::choices_file::ChoicesFile;
use super::handle::Handle;
use super::keeper::{Keeper, Surroundings, Work};
use super::locks::Locks;
use super::pauses::Pauses;
use super::program::{Autostart, Helps, Places, Program, Target};
use super::programs::Programs;
use super::rival::Lookout;
use super::silence;
use super::status::Kind;
use super::thread::ModuleThread;
use crate::Client;
use crate::clock::Clock;
use crate::desktop::Session;
use crate::modules::Module;

/// Longer than a watcher is given to end; then the process ends without them.
const LONGEST_END: Duration = Duration::from_secs(15);

/// What a supervisor is to run, and where.
pub struct SupervisorOptions {
    /// The modules, and whether each is on unless the person has chosen otherwise.
    pub modules: Vec<(Arc<dyn Module>, bool)>,
    /// Where programs of others are looked for.
    pub places: Places,
    /// Programs that are on unless the person has chosen otherwise; `None`: those that aw-qt and aw-tauri start. Those that a
    /// module replaces are not.
    pub programs_on: Option<Vec<String>>,
    /// What aw-qt and aw-tauri start, and with which arguments.
    pub autostart: Autostart,
    /// Where the modules send their events.
    pub client: Client,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where the desktop is.
    pub session: Session,
    /// The server, as programs are told.
    pub target: Target,
    /// The directory of what the person has chosen.
    pub state_dir: PathBuf,
    /// The directory of what programs print; `None`: it is not kept.
    pub log_dir: Option<PathBuf>,
    /// The directory of the reference's locks; `None`: nobody is kept away.
    pub locks_dir: Option<PathBuf>,
    /// What else runs on the supervisor's thread until it ends, such as the icon in the tray.
    pub beside: Vec<Beside>,
}

/// Something that depends on the state of the watchers.
pub type Beside = Box<dyn FnOnce(Handle) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Running watchers.
pub struct Supervisor {
    board: Arc<Board>,
    handle: Handle,
    thread: JoinHandle<()>,
}

/// What keepers are made of and started with.
#[derive(Clone)]
pub(super) struct Nursery {
    pub(super) around: Arc<Surroundings>,
    pub(super) runtime: runtime::Handle,
    /// Each keeper has one; when all are gone, all have ended.
    pub(super) at_work: mpsc::WeakSender<()>,
}

impl Supervisor {
    /// Starts everything that is on.
    ///
    /// # Errors
    /// When the system has no thread or no timers for it.
    pub fn start(mut options: SupervisorOptions) -> io::Result<Supervisor> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let modules = ModuleThread::start()?;
        let (nursery, at_work, ended) = nursery(&options, modules, runtime.handle().clone());
        let board = Arc::clone(&nursery.around.board);
        let beside = std::mem::take(&mut options.beside);
        let handle = begin(options, &nursery);
        for beside in beside {
            runtime.spawn(beside(handle.clone()));
        }
        let around = Arc::clone(&nursery.around);
        let thread = thread::Builder::new()
            .name("timberline-supervisor".to_owned())
            .spawn(move || {
                runtime.block_on(supervise(around, at_work, ended));
                // Programs that did not end in time are killed with their tasks.
                runtime.shutdown_background();
            })?;
        Ok(Supervisor {
            board,
            handle,
            thread,
        })
    }

    /// Looks at the watchers, and gives commands.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends all watchers and waits for them, some seconds at most. The client is to be closed after this.
    pub fn stop(self) {
        self.board.end();
        if self.thread.join().is_err() {
            tracing::error!("the supervisor of the watchers has panicked");
        }
    }
}

/// All that keepers share, and what tells that all of them have ended.
pub(super) fn nursery(
    options: &SupervisorOptions,
    modules: ModuleThread,
    runtime: runtime::Handle,
) -> (Nursery, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let file = ChoicesFile::in_dir(&options.state_dir);
    let locks = Locks::new(
        options.locks_dir.clone(),
        &options.target.host,
        options.target.port,
    );
    let around = Surroundings {
        board: Arc::new(Board::new(Arc::clone(&options.clock), file)),
        client: options.client.clone(),
        session: Arc::new(options.session.clone()),
        modules,
        lookout: Lookout::new(locks, options.client.clone()),
        log_dir: options.log_dir.clone(),
        target: options.target.clone(),
        helps: Helps::default(),
    };
    let (at_work, ended) = mpsc::channel(1);
    let nursery = Nursery {
        around: Arc::new(around),
        runtime,
        at_work: at_work.downgrade(),
    };
    (nursery, at_work, ended)
}

/// Starts the keepers of all watchers.
pub(super) fn begin(options: SupervisorOptions, nursery: &Nursery) -> Handle {
    let on = options.modules.iter().filter(|(_, on)| *on);
    let modules = on.map(|(module, _)| module.name()).collect();
    for (module, on) in options.modules {
        let name = module.name();
        nursery.keep(
            name,
            Kind::BuiltIn,
            ByDefault { on, why: None },
            Work::Module(module),
        );
    }
    let programs = Programs {
        modules,
        places: options.places,
        on: options.programs_on,
        autostart: options.autostart,
    };
    for program in programs.find() {
        nursery.keep_program(program, &programs);
    }
    let of_handle = nursery.clone();
    Handle::new(Arc::clone(&nursery.around.board), move |name| {
        let found = programs
            .places
            .find()
            .into_iter()
            .find(|program| program.name == name);
        found.is_some_and(|program| of_handle.keep_program(program, &programs))
    })
}

impl Nursery {
    fn keep_program(&self, program: Program, programs: &Programs) -> bool {
        let Program { name, path } = program;
        let (kind, arguments) = (Kind::Program(path.clone()), programs.arguments(&name));
        self.keep(
            &name,
            kind,
            programs.by_default(&name),
            Work::Program { path, arguments },
        )
    }

    /// Starts the keeper of a watcher. False: Timberline ends.
    fn keep(&self, name: &str, kind: Kind, by_default: ByDefault, work: Work) -> bool {
        let Some(at_work) = self.at_work.upgrade() else {
            return false;
        };
        if !self.around.board.add(name, kind, by_default) {
            return true;
        }
        let keeper = Keeper {
            name: name.to_owned(),
            work,
            around: Arc::clone(&self.around),
        };
        self.runtime.spawn(async move {
            keeper.keep().await;
            drop(at_work);
        });
        true
    }
}

/// Watches over the watchers until all have ended.
async fn supervise(around: Arc<Surroundings>, at_work: mpsc::Sender<()>, mut ended: mpsc::Receiver<()>) {
    let pauses = Pauses::new(Arc::clone(&around.board), &around.client);
    tokio::select! {
        () = around.board.ended() => {}
        () = pauses.record() => {}
        () = silence::watch(Arc::clone(&around.board), around.client.clone()) => {}
        () = around.modules.watch() => {}
    }
    drop(at_work);
    // Nothing is ever sent: what is received is the end of all keepers.
    if tokio::time::timeout(LONGEST_END, ended.recv()).await.is_err() {
        tracing::warn!("some watchers do not stop: Timberline does not wait for them any longer");
    }
    pauses.update();
}
