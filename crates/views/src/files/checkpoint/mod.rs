//! The checkpoint: the whole state at one seq, but for what lies in view segments. Opening reads it, maps the
//! segments it names, and folds only the records after it.
//!
//! One file, replaced atomically. It is written only after the log is durable up to its seq: views never know more
//! than the log. Format: `docs/format/views.md`.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | the file and its copy: writes both, reads the one that can be used |
//! | `body` | what is in it, to the byte; a snapshot encoded |
//! | `restore` | the state that it holds |

// All of it comes from the disk.
#![deny(clippy::indexing_slicing)]

mod body;
mod restore;

pub(crate) use body::encode;

use std::sync::Arc;

use timberline_disk::{IoError, Storage};

use crate::error::OpenError;
use crate::files::generations::Generations;
use crate::files::healer::Healer;
use crate::files::open_report::OpenReport;
use crate::fold::State;
use crate::segment::SegmentError;
use restore::{Unusable, restore};

/// Name of the file.
pub(crate) const FILE: &str = timberline_disk::DataDir::CHECKPOINT;
/// Name of the same once more. Only a checkpoint knows which rows of the segments are gone, what buckets are called when
/// the log has lost it, and which events lie in no segment yet: one damaged file must not cost that.
pub(crate) const COPY: &str = "checkpoint.copy";
const MAGIC: [u8; 8] = *b"TLVIEWCP";
const VERSION: u32 = 3;
/// Without aliases and archived buckets a checkpoint is written for earlier programs, too. With them it is not: they
/// would pass over them, and a watcher that sends to an alias would get a new bucket.
const VERSION_WITHOUT_LISTINGS: u32 = 2;
/// magic 8 | version u32 | CRC-32 of the body u32
const HEADER: usize = 16;
/// What is wrong with a file that is not there.
const MISSING: &str = "it is missing";

/// What reading the checkpoint found.
pub(crate) enum Found {
    /// None was ever written.
    None,
    /// It cannot be used, for this reason; the log has everything.
    Unusable(String),
    /// It can be used.
    Checkpoint(Box<Checkpoint>),
}

/// What a checkpoint holds.
pub(crate) struct Checkpoint {
    /// The state, but for what lies in view segments.
    pub(crate) state: State,
    /// Which versions of the log's segments there were.
    pub(crate) generations: Generations,
}

impl Found {
    /// The checkpoint, or an empty one. Why it could not be used is noted.
    pub(crate) fn or_new(self, report: &mut OpenReport) -> Checkpoint {
        let why = match self {
            Found::Checkpoint(checkpoint) => return *checkpoint,
            Found::None => None,
            Found::Unusable(why) => Some(why),
        };
        if let Some(why) = why {
            tracing::warn!(why, "the views cannot be used and are made again from the log");
            report.checkpoint_unusable = Some(why);
        }
        Checkpoint {
            state: State::new(),
            generations: Generations::new(),
        }
    }
}

/// Writes a checkpoint and its copy. One of the two is whole at every moment, and both are when this returns.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(storage: &dyn Storage, bytes: &[u8]) -> Result<(), IoError> {
    for file in [FILE, COPY] {
        storage
            .write_file(file, bytes)
            .map_err(IoError::at("write", storage.path().join(file)))?;
    }
    Ok(())
}

/// Reads the checkpoint, or its copy if it cannot be used, and maps the segments it names. With a healer, segments that
/// cannot be opened are no hindrance.
///
/// # Errors
/// [`OpenError::Newer`] for a format of the future, and when the directory cannot be read. Everything else makes the
/// checkpoint unusable, which costs time (the log is folded again), not data.
pub(crate) fn read(storage: &dyn Storage, healer: Option<&Arc<Healer>>) -> Result<Found, OpenError> {
    let found = read_one(storage, FILE, healer)?;
    let why = match &found {
        Found::Checkpoint(_) => {
            if let Some(healer) = healer {
                check_copy(storage, healer)?;
            }
            return Ok(found);
        }
        Found::Unusable(why) => why.as_str(),
        Found::None => MISSING,
    };
    let copy = read_one(storage, COPY, healer)?;
    if !matches!(copy, Found::Checkpoint(_)) {
        return Ok(found);
    }
    // A reader without a healer may run next to a server, which may have replaced the checkpoint between the two.
    if let Some(healer) = healer {
        tracing::warn!(
            file = %storage.path().join(FILE).display(),
            why,
            "the checkpoint cannot be used: its copy takes its place; check the disk"
        );
        healer.checkpoint_damaged();
    }
    Ok(copy)
}

/// Notices that the copy is damaged while the checkpoint is whole, and has both written again.
fn check_copy(storage: &dyn Storage, healer: &Healer) -> Result<(), OpenError> {
    let Some(why) = wrong_with(storage, COPY)? else {
        return Ok(());
    };
    let file = storage.path().join(COPY);
    if why == MISSING {
        // An earlier version wrote none, and a crash may have come before the first one.
        tracing::warn!(file = %file.display(), "the copy of the checkpoint is missing: it is written again");
        healer.want_checkpoint();
    } else {
        tracing::warn!(
            file = %file.display(),
            why,
            "the copy of the checkpoint cannot be used: it is written again; check the disk"
        );
        healer.checkpoint_damaged();
    }
    Ok(())
}

/// What is wrong with the checkpoint and with its copy, by the names of their files. Nothing, if neither is there: then
/// there has not been a reason to write one yet.
///
/// # Errors
/// When a file cannot be read.
fn damaged(storage: &dyn Storage) -> Result<Vec<(&'static str, String)>, OpenError> {
    let mut found = Vec::new();
    for file in [FILE, COPY] {
        found.extend(wrong_with(storage, file)?.map(|why| (file, why)));
    }
    if found.iter().filter(|(_, why)| why == MISSING).count() == 2 {
        found.clear();
    }
    Ok(found)
}

/// What is wrong with the checkpoint and its copy, in words.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn describe_damage(views: &dyn Storage) -> Result<Vec<String>, OpenError> {
    let text = |(file, why): (&str, String)| format!("{}: {why}", views.path().join(file).display());
    Ok(damaged(views)?.into_iter().map(text).collect())
}

/// Why a checkpoint file cannot be used, by its header and its checksum.
fn wrong_with(storage: &dyn Storage, name: &str) -> Result<Option<String>, OpenError> {
    Ok(match read_whole(storage, name)? {
        Ok(_) => None,
        Err(Found::Unusable(why)) => Some(why),
        Err(_) => Some(MISSING.to_owned()),
    })
}

fn read_one(storage: &dyn Storage, name: &str, healer: Option<&Arc<Healer>>) -> Result<Found, OpenError> {
    let bytes = match read_whole(storage, name)? {
        Ok(bytes) => bytes,
        Err(found) => return Ok(found),
    };
    match restore(storage, bytes.get(HEADER..).unwrap_or_default(), healer) {
        Ok(checkpoint) => Ok(Found::Checkpoint(Box::new(checkpoint))),
        Err(Unusable::Segment(e @ SegmentError::Newer { .. })) => Err(e.into()),
        Err(Unusable::Segment(e)) => Ok(Found::Unusable(e.to_string())),
        Err(Unusable::Contradiction(what)) => Ok(Found::Unusable(format!(
            "the checkpoint contradicts itself: {what}"
        ))),
        Err(Unusable::Codec(e)) => Ok(Found::Unusable(e.to_string())),
    }
}

/// The bytes of a checkpoint whose header and checksum hold; or why there are none.
fn read_whole(storage: &dyn Storage, name: &str) -> Result<Result<Vec<u8>, Found>, OpenError> {
    let unusable = |why: String| Ok(Err(Found::Unusable(why)));
    let bytes = match storage.read_file(name) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Err(Found::None)),
        // What an encrypted file is when it was changed or is of another key.
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            return unusable(format!("the checkpoint cannot be decrypted: {e}"));
        }
        Err(error) => {
            return Err(IoError::at("read", storage.path().join(name))(error).into());
        }
    };
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return unusable("the checkpoint is shorter than its header".into());
    };
    let word = |at: usize| {
        header
            .get(at..)
            .and_then(|b| b.first_chunk::<4>())
            .map_or(0, |b| u32::from_le_bytes(*b))
    };
    if header.get(..8) != Some(MAGIC.as_slice()) {
        return unusable("the checkpoint does not begin like one".into());
    }
    if word(8) > VERSION {
        let file = storage.path().join(name).display().to_string();
        return Err(OpenError::Newer {
            file,
            version: word(8),
            known: VERSION,
        });
    }
    if word(8) < VERSION_WITHOUT_LISTINGS {
        return unusable("the checkpoint is of an earlier version".into());
    }
    if crc32fast::hash(rest) != word(12) {
        return unusable("the checkpoint is damaged".into());
    }
    Ok(Ok(bytes))
}
