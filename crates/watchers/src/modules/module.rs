//! The trait of everything that records.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use timberline_model::{Data, Timestamp};
use tokio::sync::watch;

use super::status::{Backend, State, Status};
use crate::clock::Clock;
use crate::desktop::Session;
use crate::{BucketHandle, Client};

/// Something that records, as part of this process: `window`, `afk`, `media`, ...
pub trait Module: Send + Sync {
    /// Its name in configuration, commands, status and the API.
    fn name(&self) -> &'static str;

    /// Whether it is on by default. A module that not everybody wants is off by default.
    fn is_on_by_default(&self) -> bool {
        true
    }

    /// Records until `context` says that it is to stop. Then it ends its events at that time and returns.
    ///
    /// What this desktop does not offer is no error: the module says in its status what is missing, and waits for it.
    fn run(&self, context: Context) -> Running;
}

/// A running module.
pub type Running = Pin<Box<dyn Future<Output = Result<(), ModuleError>> + Send>>;

/// Why a module ended by itself. The supervisor restarts it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ModuleError(pub String);

/// What a module needs to run.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where it sends its events.
    pub client: Client,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where the desktop is.
    pub session: Arc<Session>,
    /// Where it publishes its status.
    pub status: watch::Sender<Status>,
    /// Becomes true when it is to stop, because it is paused or switched off, or because Timberline ends.
    pub stop: watch::Receiver<bool>,
    /// Where the ends of its events are kept for a while.
    pub(crate) ends: Ends,
}

/// The ends of the last events that a module has sent. They tell its own events from those of another program in its bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends(Arc<Mutex<VecDeque<Timestamp>>>);

impl Ends {
    /// Those of some minutes, also while the title of a window changes all the time.
    const MOST: usize = 256;

    fn note(&self, end: Timestamp) {
        let mut ends = self.0.lock();
        if ends.len() == Self::MOST {
            ends.pop_front();
        }
        ends.push_back(end);
    }

    /// Whether the module has sent an event with this end. Servers keep milliseconds at least.
    pub(crate) fn contain(&self, end: Timestamp) -> bool {
        let millis = |time: &Timestamp| time.nanos().div_euclid(1_000_000);
        self.0.lock().iter().any(|own| millis(own) == millis(&end))
    }
}

impl Context {
    /// Waits until the module is to stop.
    pub async fn stopped(&mut self) {
        // Without a supervisor, the module stops too.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Sends an event, as far as it is known.
    pub(super) fn record(&self, bucket: &BucketHandle, start: Timestamp, end: Timestamp, data: &Data) {
        self.ends.note(end);
        match bucket.event(start, end, data) {
            // Without a notification, because it changes all the time.
            Ok(_) => drop(self.status.send_if_modified(|status| {
                status.last_recorded = status.last_recorded.max(Some(end));
                false
            })),
            // The client has logged a full queue. A client that is closed takes nothing any more.
            Err(error) => tracing::debug!(bucket = bucket.bucket().id, %error, "an event is not recorded"),
        }
    }

    /// Publishes the status. The backend in use, or what the module waits for, is logged when it changes.
    pub(super) fn say(&self, module: &str, state: State, backends: Vec<Backend>) {
        self.status.send_if_modified(|status| {
            if status.state == state && status.backends == backends {
                return false;
            }
            let used = |backends: &[Backend]| {
                let used = backends
                    .iter()
                    .find(|backend| backend.state == super::BackendState::Chosen);
                used.map(|backend| backend.name)
            };
            if status.state != state || used(&status.backends) != used(&backends) {
                match (&state, used(&backends)) {
                    (State::Recording, Some(backend)) => tracing::info!(module, backend, "records"),
                    (State::Waiting(reason), _) => tracing::info!(module, reason, "waits"),
                    _ => {}
                }
            }
            (status.state, status.backends) = (state, backends);
            true
        });
    }
}
