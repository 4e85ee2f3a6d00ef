//! Other programs that record the same thing as a module. While one does, the module stands back: two watchers that write to one
//! bucket interrupt each other's events.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use timberline_model::Timestamp;

use super::locks::{Held, Holder, Locks};
use super::program::process_of;
use crate::{CallError, Client};

/// How long to wait for another client's events in a bucket. awatcher, which sends most rarely, does so every 5 s.
const LOOK_FOR: StdDuration = StdDuration::from_secs(10);
/// If the last event of a bucket ended longer ago, no client writes to the bucket.
const RECENT: StdDuration = StdDuration::from_secs(60);

/// The programs that may record the same thing as a module: the names of their locks, and the module's bucket.
struct Rivals {
    module: &'static str,
    locks: &'static [&'static str],
    /// The bucket without `_HOST`, which is also the client name of ActivityWatch's watcher.
    bucket: &'static str,
}

const RIVALS: [Rivals; 6] = [
    Rivals {
        module: "window",
        locks: &[
            "aw-watcher-window",
            "aw-watcher-window-wayland",
            "aw-awatcher",
            "awatcher",
        ],
        bucket: "aw-watcher-window",
    },
    Rivals {
        module: "afk",
        locks: &[
            "aw-watcher-afk",
            "aw-watcher-window-wayland",
            "aw-awatcher",
            "awatcher",
        ],
        bucket: "aw-watcher-afk",
    },
    Rivals {
        module: "input",
        locks: &["aw-watcher-input"],
        bucket: "aw-watcher-input",
    },
    Rivals {
        module: "media",
        locks: &["aw-watcher-media-player"],
        bucket: "aw-watcher-media-player",
    },
    Rivals {
        module: "lid",
        locks: &["aw-watcher-lid"],
        bucket: "aw-watcher-lid",
    },
    Rivals {
        module: "network",
        locks: &["aw-watcher-netstatus"],
        bucket: "aw-watcher-netstatus",
    },
];

/// The modules that record what a program records.
pub(super) fn replacing(program: &str) -> Vec<&'static str> {
    let replacing = RIVALS.iter().filter(|rivals| rivals.locks.contains(&program));
    replacing.map(|rivals| rivals.module).collect()
}

/// Looks for rivals.
pub(super) struct Lookout {
    locks: Locks,
    client: Client,
}

impl Lookout {
    pub(super) fn new(locks: Locks, client: Client) -> Arc<Lookout> {
        Arc::new(Lookout { locks, client })
    }

    /// Makes sure that no other program records the same thing as a module, now and while the locks are held.
    ///
    /// # Errors
    /// Which program does.
    pub(super) async fn claim(&self, module: &str, now: Timestamp) -> Result<Held, String> {
        let Some(rivals) = RIVALS.iter().find(|rivals| rivals.module == module) else {
            return Ok(Held::new());
        };
        let held = self
            .locks
            .take(rivals.locks)
            .map_err(|name| format!("{name} is already running and records the same thing"))?;
        match self.foreign_client(rivals.bucket, now).await {
            Some(client) => Err(format!("{client} writes to the same bucket")),
            None => Ok(held),
        }
    }

    /// Whether a program may start.
    ///
    /// # Errors
    /// Which program already records the same thing.
    pub(super) fn check_program(&self, name: &str, path: &Path) -> Result<(), String> {
        match self.locks.holder(name) {
            None => match process_of(path) {
                None => Ok(()),
                Some(process) => Err(format!(
                    "it is already running as process {process}, and was not started by Timberline"
                )),
            },
            Some(Holder::Another) => {
                Err("it is already running, and was not started by Timberline".to_owned())
            }
            Some(Holder::Us) => Err("a module of Timberline already records the same thing".to_owned()),
        }
    }

    /// A client with another name that is writing to a bucket. A client with the name of ActivityWatch's watcher holds its lock,
    /// or has stopped.
    async fn foreign_client(&self, client: &str, now: Timestamp) -> Option<String> {
        let bucket = format!("{client}_{}", self.client.hostname());
        // If the server does not answer, no other client writes to it either.
        let info = self.client.bucket_info(&bucket).await.ok()?;
        if info.client == client {
            return None;
        }
        let before = self.last_end(&bucket).await.ok()??;
        let age = u64::try_from(now.since(before).nanos()).unwrap_or(0);
        if StdDuration::from_nanos(age) > RECENT {
            return None;
        }
        tokio::time::sleep(LOOK_FOR).await;
        let after = self.last_end(&bucket).await.ok()??;
        (after > before).then_some(info.client)
    }

    async fn last_end(&self, bucket: &str) -> Result<Option<Timestamp>, CallError> {
        let events = self.client.events(bucket, None, None, Some(1)).await?;
        let last = events.first();
        Ok(last.map(|event| event.start.saturating_add(event.duration)))
    }
}
