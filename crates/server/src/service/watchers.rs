//! The watchers that run beside the server, in the same process. The server does not know how they work: whoever starts it brings
//! them along.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timberline_model::Timestamp;
use utoipa::ToSchema;

/// The watchers of this process.
pub trait Watchers: Send + Sync {
    /// How they are, by name.
    fn list(&self) -> Vec<Watcher>;

    /// Why none of them could be started so far, and what to do about it. It is tried again. `None`: they run.
    fn not_started(&self) -> Option<String>;

    /// How what they record gets to the server. `None`: they do not run.
    fn queue(&self) -> Option<WatcherQueue>;

    /// Carries out a command for one watcher, or for all. It may write to the disk.
    ///
    /// # Errors
    /// [`CommandError`].
    fn command(&self, name: Option<&str>, command: Command) -> Result<(), CommandError>;

    /// Erases what they still keep of events that they have sent. Called when events are purged or redacted. It may write to the disk.
    fn forget_sent(&self);

    /// Ends all of them and waits for that. Called when the server is to stop, while it still answers.
    fn stop(&self);
}

/// The watchers, if somebody has brought some along.
pub type Companions = Option<Arc<dyn Watchers>>;

/// What may be done with watchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Switch it on. For all: each is as the configuration says.
    Enable,
    /// Switch it off.
    Disable,
    /// Pause it until then; `None`: until it is resumed.
    Pause(Option<Timestamp>),
    /// End its pause.
    Resume,
}

/// Why a command was not carried out, or not completely.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such watcher.
    #[error("There is no watcher called {0:?}")]
    Unknown(String),
    /// None of them could be started so far.
    #[error("The watchers do not run: {0}")]
    NotStarted(String),
    /// It is done, but was not written to the disk.
    #[error("It is done, but will be forgotten at the next start, because it cannot be written: {0}")]
    NotKept(String),
}

/// What `GET /api/1/watchers` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatcherList {
    /// Why there are none; null if this server runs watchers.
    pub none_because: Option<String>,
    /// The watchers, by name.
    pub watchers: Vec<Watcher>,
    /// What they have recorded and the server has not stored yet; null if this server runs no watchers.
    #[serde(default)]
    pub queue: Option<WatcherQueue>,
}

/// What watchers have recorded and the server has not stored yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatcherQueue {
    /// So many heartbeats wait, those of the last seconds included.
    pub waiting: u64,
    /// Why they are not sent now; null: they are.
    pub trouble: Option<String>,
    /// What somebody should look at: nothing is stored for some minutes, or there is no room for more.
    pub alarm: Option<String>,
}

/// A watcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Watcher {
    /// Its name.
    pub name: String,
    /// The program, if it is one and not a module of Timberline.
    pub program: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The pause that it is in.
    pub paused: Option<WatcherPause>,
    /// What it does.
    pub state: WatcherActivity,
    /// Why it waits or stands back.
    pub reason: Option<String>,
    /// The ways to learn what it records, in the order of preference; programs do not say.
    pub backends: Vec<WatcherBackend>,
    /// The bucket that it fills; programs do not say.
    pub bucket: Option<String>,
    /// When it last recorded something; programs do not say.
    #[schema(format = DateTime)]
    pub last_recorded: Option<String>,
    /// How often it was started again since the server runs.
    pub restarts: u64,
    /// How it last exited without being asked to.
    pub last_exit: Option<WatcherExit>,
    /// What somebody should look at: it records nothing although it should.
    pub alarm: Option<String>,
}

/// What a watcher does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WatcherActivity {
    /// Nothing: it is switched off or paused.
    Off,
    /// It looks for a way to learn what it records.
    Starting,
    /// It records.
    Recording,
    /// It is a program that runs.
    Running,
    /// Something is missing.
    Waiting,
    /// Another program records the same thing.
    StandingBack,
    /// It has exited, and will be restarted soon.
    Restarting,
    /// It was asked to end, and has not yet.
    Stopping,
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatcherPause {
    /// When it began.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it ends by itself; null: when somebody resumes it.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// One way to learn what a watcher records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatcherBackend {
    /// Its name.
    pub name: String,
    /// `chosen`, `spare`, `untried` or `unavailable`.
    pub state: String,
    /// Why it is not available.
    pub reason: Option<String>,
}

/// How a watcher exited without being asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatcherExit {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Why, with the last line of a program's output.
    pub reason: String,
}

/// The watchers and their status.
pub(crate) fn list(watchers: Option<&dyn Watchers>) -> WatcherList {
    match watchers {
        Some(watchers) => WatcherList {
            none_because: watchers
                .not_started()
                .map(|why| format!("The watchers do not run: {why}")),
            watchers: watchers.list(),
            queue: watchers.queue(),
        },
        None => WatcherList {
            none_because: Some(
                "This server runs no watchers: it was not started by `timberline up` on a desktop".to_owned(),
            ),
            watchers: Vec::new(),
            queue: None,
        },
    }
}
