//! The trait of everything that records.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::status::Status;
use crate::Client;
use crate::clock::Clock;
use crate::desktop::Session;

/// Something that records, as part of this process: `window`, `afk`, `media`, ...
pub trait Module: Send + Sync {
    /// Its name in configuration, commands, status and the API.
    fn name(&self) -> &'static str;

    /// Records until `context` says that it is to stop. Then it ends its events at that time and returns.
    ///
    /// What this desktop does not offer is no error: the module says in its status what is missing, and waits for it.
    fn run(&self, context: Context) -> Running;
}

/// A module at work.
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
    /// Where it says how it is.
    pub status: watch::Sender<Status>,
    /// Becomes true when it is to stop, because it is paused or switched off, or because Timberline ends.
    pub stop: watch::Receiver<bool>,
}

impl Context {
    /// Waits until the module is to stop.
    pub async fn stopped(&mut self) {
        // A supervisor that has gone is a stop, too.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}
