//! Where the records are: a log in one of two directories.
//!
//! A log only grows. When it has grown, the state is written to a new log in the other directory, with a higher generation,
//! and the old one is deleted. A crash between leaves two logs; the complete one with the highest generation counts.

use std::io;
use std::sync::Arc;

use timberline_disk::{IoError, Storage, WriterLock};
use timberline_log::{AppendError, Durability, Entry, Log, LogError, LogOptions, LogReader, Seq};

use super::record::{Complete, Record};
use super::state::State;

/// The directories of a queue.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The lock, and the file with what was refused.
    pub(crate) root: Arc<dyn Storage>,
    /// The logs.
    pub(crate) logs: [Arc<dyn Storage>; 2],
}

/// The log of a queue.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    options: LogOptions,
    /// Which of the two directories.
    current: usize,
    /// `None` when it is closed.
    log: Option<Log>,
    generation: u64,
    /// Bytes appended since the log was begun.
    pub(super) grown: usize,
    lock: Option<WriterLock>,
}

/// Bytes of records that are written as one batch when the state is written anew; a batch must fit a segment.
const BATCH: usize = 64 << 10;

impl Store {
    /// Opens the log, making it if there is none, and returns the state that it comes to.
    pub(super) fn open(place: Place, options: LogOptions) -> Result<(Store, State), LogError> {
        let lock = place.root.lock_writer()?;
        let [first, second] = [
            fold(&LogReader::open(Arc::clone(place.log(0)))?)?.generation,
            fold(&LogReader::open(Arc::clone(place.log(1)))?)?.generation,
        ];
        let current = usize::from(second > first);
        wipe(place.log(1 - current)).map_err(IoError::at("empty", place.log(1 - current).path()))?;
        if first.max(second).is_none() {
            // What is here was never complete.
            wipe(place.log(current)).map_err(IoError::at("empty", place.log(current).path()))?;
        }
        let (mut log, recovery) = Log::open(Arc::clone(place.log(current)), options.clone())?;
        for damage in recovery.damage {
            tracing::warn!("the queue of heartbeats is damaged: {damage}");
        }
        let mut state = fold(&log.reader())?;
        let generation = match state.generation {
            Some(generation) => generation,
            None => {
                // A full disk is reported when something is to be stored.
                let complete = Record::Complete(Complete {
                    generation: 1,
                    next: state.next,
                });
                if append(&mut log, std::slice::from_ref(&complete)).is_ok() {
                    state.apply(complete);
                }
                1
            }
        };
        let store = Store {
            place,
            options,
            current,
            log: Some(log),
            generation,
            grown: state.bytes,
            lock: Some(lock),
        };
        Ok((store, state))
    }

    /// Appends a batch: all of it or nothing.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), AppendError> {
        if let Some(log) = self.log.as_mut() {
            self.grown = self.grown.saturating_add(append(log, records)?);
        }
        Ok(())
    }

    /// Writes the state to a new log, which takes the place of this one.
    pub(super) fn rewrite(&mut self, state: &State) -> Result<(), LogError> {
        let other = 1 - self.current;
        let storage = Arc::clone(self.place.log(other));
        wipe(&storage).map_err(IoError::at("empty", storage.path()))?;
        let (mut log, _) = Log::open(Arc::clone(&storage), self.options.clone())?;
        let generation = self.generation.saturating_add(1);
        let complete = Complete {
            generation,
            next: state.next,
        };
        let written = write_state(&mut log, state, complete);
        let grown = match written {
            Ok(grown) => grown,
            Err(error) => {
                drop(log);
                let _ = wipe(&storage);
                return Err(error);
            }
        };
        drop(self.log.replace(log));
        // What is left of it has a lower generation, and is deleted when the queue is opened or written anew.
        let _ = wipe(self.place.log(self.current));
        (self.current, self.generation, self.grown) = (other, generation, grown);
        Ok(())
    }

    /// What to wait for until all that was appended is durable; `None`: it is.
    pub(super) fn appended(&mut self) -> Option<(Durability, Seq)> {
        let log = self.log.as_mut()?;
        if self.options.manual_sync {
            let _ = log.sync_now();
            return None;
        }
        Some((log.durability(), log.next_seq().prev()))
    }

    pub(super) fn root(&self) -> &Arc<dyn Storage> {
        &self.place.root
    }

    /// Makes everything durable, and lets the next one open the queue.
    pub(super) fn close(&mut self) -> Result<(), LogError> {
        let closed = self.log.take().map_or(Ok(()), Log::close);
        self.lock = None;
        closed
    }

    #[cfg(test)]
    pub(super) fn sync(&mut self) {
        let _ = self.log.as_mut().map(Log::sync_now);
    }
}

impl Place {
    fn log(&self, index: usize) -> &Arc<dyn Storage> {
        let [first, second] = &self.logs;
        if index == 0 { first } else { second }
    }
}

fn write_state(log: &mut Log, state: &State, complete: Complete) -> Result<usize, LogError> {
    let refused = |error: AppendError| {
        LogError::Io(IoError {
            op: "write the queue to",
            path: log_path(&error),
            source: io::Error::other(error),
        })
    };
    let (mut grown, mut batch, mut size) = (0, Vec::new(), 0);
    for record in state.records() {
        if let Record::Queued(waiting) | Record::Held(waiting) = &record {
            size += waiting.size();
        }
        batch.push(record);
        if size >= BATCH {
            grown += append(log, &batch).map_err(refused)?;
            batch.clear();
            size = 0;
        }
    }
    batch.push(Record::Complete(complete));
    grown += append(log, &batch).map_err(refused)?;
    log.sync_now()?;
    Ok(grown)
}

fn log_path(error: &AppendError) -> std::path::PathBuf {
    match error {
        AppendError::NoSpace { path, .. } => path.clone(),
        AppendError::Io(error) => error.path.clone(),
        _ => std::path::PathBuf::new(),
    }
}

fn append(log: &mut Log, records: &[Record]) -> Result<usize, AppendError> {
    let encoded: Vec<(u8, Vec<u8>)> = records.iter().map(Record::encode).collect();
    let entries: Vec<Entry<'_>> = encoded
        .iter()
        .map(|(kind, payload)| Entry { kind: *kind, payload })
        .collect();
    log.append(&entries)?;
    Ok(encoded.iter().map(|(_, payload)| payload.len()).sum())
}

/// What the records of a log come to.
fn fold(reader: &LogReader) -> Result<State, LogError> {
    let mut state = State::default();
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        match record {
            Ok(record) => match Record::decode(record.kind, record.payload) {
                Some(record) => state.apply(record),
                None => tracing::warn!("record {} of the queue of heartbeats is not readable", record.seq),
            },
            Err(damage) => tracing::warn!("the queue of heartbeats is damaged: {damage}"),
        }
    }
    Ok(state)
}

/// Deletes all files of a directory.
fn wipe(storage: &Arc<dyn Storage>) -> io::Result<()> {
    for name in storage.list()? {
        storage.remove(&name)?;
    }
    storage.sync_dir()
}
