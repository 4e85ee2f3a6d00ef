//! `webhooks.json` and `webhooks-state.json` in the data directory: the webhooks with their secrets, and how far each has
//! come. Only their owner can read them.
//!
//! They are no settings in the log: a token that may change settings must not be able to have everything sent somewhere, an
//! undo must not revive a webhook, and secrets must not be in backups.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use timberline_disk::{DataDir, IoError};
use timberline_log::Seq;

use super::definition::Webhook;

/// Why the files cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error(transparent)]
    File(#[from] IoError),
    #[error("{path} cannot be read ({source}): put a copy back, or remove it")]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} cannot be written")]
    Unwritable {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// The webhooks of a data directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definitions {
    pub(super) webhooks: Vec<Webhook>,
}

/// How far each webhook has come, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct States {
    pub(super) webhooks: BTreeMap<String, State>,
}

/// How far a webhook has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Everything up to this record is delivered.
    pub(super) position: u64,
    /// How often it was told to begin again somewhere: part of the ids of deliveries, so that a receiver does not take
    /// what it is sent again for duplicates.
    #[serde(default)]
    pub(super) replays: u64,
    /// The day on which the time of a category was reached last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reached: Option<String>,
    /// What is being delivered: it is sent again under the same id, whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
    /// Why nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) paused: Option<String>,
}

/// A delivery that has not succeeded yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: String,
    pub(super) what: PendingWhat,
}

/// What it delivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PendingWhat {
    /// The records up to this one, from the log.
    Through(u64),
    /// A body that cannot be made again.
    Body(serde_json::Value),
}

impl State {
    /// A webhook that begins after this record.
    pub(super) fn at(position: Seq) -> State {
        State {
            position: position.get(),
            ..State::default()
        }
    }
}

impl Definitions {
    /// Those in a data directory; none if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn read(data_dir: &Path) -> Result<Definitions, FileError> {
        Ok(read(data_dir, DataDir::WEBHOOKS)?.unwrap_or_default())
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, data_dir: &Path) -> Result<(), FileError> {
        write(data_dir, DataDir::WEBHOOKS, self)
    }
}

impl States {
    /// Those in a data directory.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(data_dir: &Path) -> Result<States, FileError> {
        Ok(read(data_dir, DataDir::WEBHOOK_STATES)?.unwrap_or_default())
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, data_dir: &Path) -> Result<(), FileError> {
        write(data_dir, DataDir::WEBHOOK_STATES, self)
    }
}

/// What is wrong with the files, for the scrub.
pub(crate) fn damaged(data_dir: &Path) -> Option<String> {
    let definitions = Definitions::read(data_dir).err();
    let found = definitions.or_else(|| States::read(data_dir).err());
    found.map(|error| error.to_string())
}

fn read<T: DeserializeOwned>(data_dir: &Path, name: &str) -> Result<Option<T>, FileError> {
    let data = DataDir::at(data_dir);
    let Some(bytes) = data.read(name)? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| FileError::Damaged {
            path: data.join(name),
            source,
        })
}

fn write(data_dir: &Path, name: &str, content: &impl Serialize) -> Result<(), FileError> {
    let data = DataDir::at(data_dir);
    let bytes = serde_json::to_vec_pretty(content).map_err(|source| FileError::Unwritable {
        path: data.join(name),
        source,
    })?;
    Ok(data.write_atomically(name, &bytes)?)
}
