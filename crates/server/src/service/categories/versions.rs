//! The versions of the categories. Each is a record of the log. The log has no list of them, so it is looked through once, and
//! after that only what has been appended.

use parking_lot::Mutex;
use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_query::categories::SETTING;
use timberline_views::record::{Effect, Record, RecordKind};
use timberline_views::{HistoryError, Store};

use super::stored::Stored;

/// A version: what the setting was from a record on.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) seq: Seq,
    pub(crate) time: Timestamp,
    pub(crate) stored: Stored,
}

/// The records that have changed the categories.
#[derive(Debug, Default)]
pub(crate) struct Versions(Mutex<Known>);

/// What is known so far. Whoever needs more holds the lock, so the log is looked through once.
#[derive(Debug, Default)]
struct Known {
    /// Everything up to this record was looked at.
    until: Seq,
    found: Vec<Seq>,
}

impl Versions {
    /// The records, the oldest first. History that was squashed has only some of them.
    ///
    /// # Errors
    /// When the log cannot be read; [`HistoryError::Cancelled`].
    pub(crate) fn records(&self, store: &Store, cancel: &Cancel) -> Result<Vec<Seq>, HistoryError> {
        let known = &mut *self.0.lock();
        let newest = store.snapshot().seq();
        if known.until < newest {
            let log = store.log()?;
            let mut records = log.read_from(known.until.next())?;
            let mut steps = 0u32;
            while let Some(record) = records.next() {
                steps = steps.wrapping_add(1);
                if steps.is_multiple_of(4096) {
                    cancel.check()?;
                }
                // What damage has taken is not known.
                let Ok(record) = record else { continue };
                if record.seq > newest {
                    break;
                }
                if value(record.kind, record.payload).is_some() {
                    known.found.push(record.seq);
                }
                known.until = record.seq;
            }
            known.until = newest;
        }
        Ok(known.found.clone())
    }

    /// Some versions, the newest first: at most `limit`, up to a record. Also whether there are earlier ones.
    ///
    /// # Errors
    /// As [`Versions::records`].
    pub(crate) fn list(
        &self,
        store: &Store,
        to: Seq,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<(Vec<Version>, bool), HistoryError> {
        let records = self.records(store, cancel)?;
        let mut wanted = records.iter().rev().filter(|seq| **seq <= to);
        let mut versions = Vec::new();
        for seq in wanted.by_ref().take(limit) {
            cancel.check()?;
            // One that was squashed meanwhile is gone.
            versions.extend(version_of(store, *seq)?);
        }
        Ok((versions, wanted.next().is_some()))
    }
}

/// The version that a record began; none if it did not change the categories, or is not kept.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn version_of(store: &Store, seq: Seq) -> Result<Option<Version>, HistoryError> {
    if seq == Seq::NONE || seq > store.snapshot().seq() {
        return Ok(None);
    }
    let mut records = store.log()?.read_from(seq)?;
    let Some(Ok(record)) = records.next() else {
        return Ok(None);
    };
    if record.seq != seq {
        return Ok(None);
    }
    let version = |text: Option<String>| Version {
        seq,
        time: Timestamp::from_nanos(record.time),
        stored: Stored::read(text),
    };
    Ok(value(record.kind, record.payload).map(version))
}

/// The value that a record gives the setting, if it is about that: `None` within for one that deletes it.
fn value(kind: u8, payload: &[u8]) -> Option<Option<String>> {
    let kind_name = RecordKind::from_number(kind)?;
    if !matches!(kind_name, RecordKind::SettingSet | RecordKind::SettingDeleted) {
        return None;
    }
    let record = Record::decode(kind, payload).ok()?;
    match record.effect() {
        Effect::Set { key, value } if key == SETTING => Some(value.map(str::to_owned)),
        _ => None,
    }
}
