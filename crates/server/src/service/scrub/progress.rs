//! `scrub.json`: the progress of the scrub, and its findings.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timberline_disk::{DataDir, write_atomically};
use timberline_model::Timestamp;

/// Damaged places that are listed.
const MAX_PLACES: usize = 1000;

/// What has been read and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// When everything had been read last; `None`: never.
    pub finished: Option<String>,
    /// What was found damaged then.
    pub damage: Vec<String>,
    /// The log segment that is to be read next; `None` while nothing is being read.
    pub(super) next: Option<u64>,
    /// What was found damaged since reading began.
    pub(super) found: Vec<String>,
}

impl Progress {
    /// That of a data directory; the empty one if there is none. What cannot be read only means to begin again.
    pub fn read(data_dir: &Path) -> Progress {
        let text = fs::read(data_dir.join(DataDir::SCRUB)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What was found damaged, last time and by now.
    pub fn known_damage(&self) -> Vec<&String> {
        let new = self.found.iter().filter(|what| !self.damage.contains(what));
        self.damage.iter().chain(new).collect()
    }

    pub(super) fn write(&self, data_dir: &Path) -> io::Result<()> {
        write_atomically(data_dir, DataDir::SCRUB, &serde_json::to_vec(self)?)
    }

    /// Whether it is time to read everything, or to go on with it.
    pub(super) fn is_due(&self, every: Duration, now: Timestamp) -> bool {
        let finished = self
            .finished
            .as_ref()
            .and_then(|time| Timestamp::parse(time).ok());
        let since = finished.map(|time| now.nanos().saturating_sub(time.nanos()));
        // A clock that was ahead when it finished is no reason to wait for that time.
        self.next.is_some() || since.is_none_or(|since| since < 0 || since as u128 >= every.as_nanos())
    }

    /// Everything has been read.
    pub(super) fn finish(&mut self, now: Timestamp) {
        *self = Progress {
            finished: Some(now.to_string()),
            damage: std::mem::take(&mut self.found),
            next: None,
            found: Vec::new(),
        };
    }

    pub(super) fn note(&mut self, what: String) {
        tracing::error!("the scrub has found damage: {what}");
        if self.found.len() < MAX_PLACES {
            self.found.push(what);
        }
    }
}
