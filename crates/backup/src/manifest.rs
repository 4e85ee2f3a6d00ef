//! `manifest.json`: what is in a backup, written when all of it is there.

use std::path::Path;

use serde::{Deserialize, Serialize};
use timberline_disk::DataDir;
use timberline_log::{CopiedLog, CopiedSegment};

use crate::BackupError;

/// The version that is written and the newest that is read.
const VERSION: u32 = 1;

/// What is in a backup. To the byte: `docs/backup.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file.
    pub format: u32,
    /// The device whose log it is, in hexadecimal digits.
    pub device: String,
    /// The last record in it; 0 while the first backup is being made.
    pub seq: u64,
    /// When it was brought up to date, RFC 3339.
    pub time: String,
    /// The newest order to erase that its segments are clean of, if the log was repaired since it was made: then the
    /// log's segments do not replace those of the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_through: Option<u64>,
    /// The segments, oldest first.
    pub segments: Vec<ManifestSegment>,
}

/// A segment in a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestSegment {
    /// The first record, which names the file.
    pub first: u64,
    /// The last record.
    pub last: u64,
    /// How often it was rewritten.
    pub generation: u32,
    /// Whether nothing will be added to it.
    pub sealed: bool,
    /// The end of the last frame.
    pub used: u64,
    /// CRC-32 of the bytes from 4096 to `used`.
    pub crc: u32,
}

impl Manifest {
    /// That of a log just copied.
    pub(super) fn of(copied: &CopiedLog, time: String) -> Manifest {
        let segment = |copied: &CopiedSegment| ManifestSegment {
            first: copied.first.get(),
            last: copied.last.get(),
            generation: copied.generation,
            sealed: copied.sealed,
            used: copied.used,
            crc: copied.crc,
        };
        Manifest {
            format: VERSION,
            device: copied.device.map_or(String::new(), |device| device.to_string()),
            seq: copied.seq.get(),
            time,
            purged_through: None,
            segments: copied.segments.iter().map(segment).collect(),
        }
    }

    /// Reads the manifest of a backup; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or a newer program wrote it.
    pub fn read(dir: &Path) -> Result<Option<Manifest>, BackupError> {
        let path = dir.join(DataDir::MANIFEST);
        let Some(bytes) = DataDir::at(dir).read(DataDir::MANIFEST)? else {
            return Ok(None);
        };
        let wrong = |reason: String| BackupError::Manifest {
            path: path.clone(),
            reason,
        };
        // The version alone first: what a later one looks like is not known.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(&bytes).map_err(|error| {
            wrong(format!(
                "this is no manifest of a backup ({error}); remove it to have it made anew"
            ))
        })?;
        if version.format > VERSION {
            return Err(wrong(format!(
                "it has format {}, this program knows formats up to {VERSION}: update Timberline",
                version.format
            )));
        }
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| wrong(format!("{error}; remove it to have it made anew")))
    }

    /// Writes it.
    pub(super) fn write(&self, dir: &Path) -> Result<u64, BackupError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| BackupError::Manifest {
            path: dir.join(DataDir::MANIFEST),
            reason: error.to_string(),
        })?;
        bytes.push(b'\n');
        DataDir::at(dir).write_atomically(DataDir::MANIFEST, &bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Replaces the entry of a segment by its present state.
    pub(super) fn put(&mut self, segment: ManifestSegment) {
        if let Some(listed) = self
            .segments
            .iter_mut()
            .find(|listed| listed.first == segment.first)
        {
            *listed = segment;
        }
    }

    /// The first manifest of a backup, before anything is in it: it makes the directory known as a backup.
    pub(super) fn begun(device: String) -> Manifest {
        Manifest {
            format: VERSION,
            device,
            ..Manifest::default()
        }
    }

    /// The CRC of a segment of which all this is the same.
    pub(super) fn crc(&self, of: &CopiedSegment) -> Option<u32> {
        let same = |segment: &&ManifestSegment| {
            segment.first == of.first.get()
                && segment.generation == of.generation
                && segment.used == of.used
                && segment.sealed == of.sealed
        };
        self.segments.iter().find(same).map(|segment| segment.crc)
    }
}
