//! Other programs that record the same thing as a module. While one does, the module stands back: two watchers that write to one
//! bucket interrupt each other's events.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use timberline_model::Timestamp;

use super::locks::{Held, Holder, Locks};
use super::program::process_of;
use crate::modules::Ends;
use crate::{CallError, Client};

/// How long to wait for another client's events in a bucket. awatcher, which sends most rarely, does so every 5 s.
const LOOK_FOR: StdDuration = StdDuration::from_secs(10);
/// How often to check within this time.
const LOOKS: u32 = 5;
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

    /// Makes sure that no program with a lock records the same thing as a module, now and while the locks are held.
    ///
    /// # Errors
    /// Which program does.
    pub(super) fn claim(&self, module: &str) -> Result<Held, String> {
        match rivals_of(module) {
            None => Ok(Held::new()),
            Some(rivals) => {
                let held = self.locks.take(rivals.locks);
                held.map_err(|name| format!("{name} is already running and records the same thing"))
            }
        }
    }

    /// Looks for some seconds whether another client writes to a module's bucket, and says which one. The module may write to it at
    /// the same time: `own` are the ends of its events.
    pub(super) async fn find_rival(&self, module: &str, now: Timestamp, own: &Ends) -> Option<String> {
        let client = self.foreign_client(rivals_of(module)?.bucket, now, own).await?;
        Some(format!("{client} writes to the same bucket"))
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
    async fn foreign_client(&self, client: &str, now: Timestamp, own: &Ends) -> Option<String> {
        let bucket = format!("{client}_{}", self.client.hostname());
        // If the server does not answer, no other client writes to it either.
        let info = self.client.bucket_info(&bucket).await.ok()?;
        if info.client == client {
            return None;
        }
        let last = self.last_ends(&bucket).await.ok()?.into_iter().max()?;
        let age = u64::try_from(now.since(last).nanos()).unwrap_or(0);
        if StdDuration::from_nanos(age) > RECENT {
            return None;
        }
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_FOR / LOOKS).await;
            let ends = self.last_ends(&bucket).await.ok()?;
            // Events of this module that were sent late, from before it was started, ended before now.
            if ends.iter().any(|end| *end > now && !own.contain(*end)) {
                return Some(info.client);
            }
        }
        None
    }

    /// When the last events of a bucket ended.
    async fn last_ends(&self, bucket: &str) -> Result<Vec<Timestamp>, CallError> {
        let events = self.client.events(bucket, None, None, Some(5)).await?;
        let ends = events
            .iter()
            .map(|event| event.start.saturating_add(event.duration));
        Ok(ends.collect())
    }
}

fn rivals_of(module: &str) -> Option<&'static Rivals> {
    RIVALS.iter().find(|rivals| rivals.module == module)
}
