//! Where the records are: a log in one of two directories.
//!
//! A log only grows. When it has grown, the state is written to a new log in the other directory, with a higher generation,
//! and the old one is deleted. A crash between leaves two logs; the complete one with the highest generation counts. If damage has
//! left none that is complete, what can be read of both counts.

use std::io;
use std::ops::RangeInclusive;
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
    /// Whether the log says that it is complete. If not, the next append says so.
    is_complete: bool,
    /// Bytes appended since the log was begun.
    pub(super) grown: usize,
    lock: Option<WriterLock>,
}

/// Bytes of records that are written as one batch when the state is written anew; a batch must fit a segment.
const BATCH: usize = 64 << 10;

/// How a log appends.
type Way = fn(&mut Log, &[Entry<'_>]) -> Result<RangeInclusive<Seq>, AppendError>;

impl Store {
    /// Opens the log, creating it if there is none, and returns its state.
    pub(super) fn open(place: Place, options: LogOptions) -> Result<(Store, State), LogError> {
        let lock = place.root.lock_writer()?;
        let read = |index: usize| {
            let reader = LogReader::open(Arc::clone(place.log(index)))?;
            fold(&reader.with_cipher(options.cipher.clone()))
        };
        let found = [read(0)?, read(1)?];
        let current = newest(&found);
        let other = 1 - current;
        let (log, recovery) = Log::open(Arc::clone(place.log(current)), options.clone())?;
        for damage in recovery.damage {
            tracing::warn!("the queue of heartbeats is damaged: {damage}");
        }
        let state = found.get(current).cloned().unwrap_or_default();
        let mut store = Store {
            generation: state.generation.unwrap_or(1),
            is_complete: state.generation.is_some(),
            grown: state.bytes,
            place,
            options,
            current,
            log: Some(log),
            lock: Some(lock),
        };
        let state = match found.get(other) {
            Some(left) if !store.is_complete => store.complete(state, left)?,
            _ => state,
        };
        if store.is_complete {
            store.empty(other)?;
        }
        Ok((store, state))
    }

    /// Completes a log that does not say that it is complete: it is new, its disk was full when it was begun, or the record
    /// that said so is damaged. If that happened while the state was written to the other directory, each of them may have
    /// heartbeats that the other one has not. So what only the other one has is taken over.
    fn complete(&mut self, mut state: State, other: &State) -> Result<State, LogError> {
        let records = state.missing(other);
        if state.next > 0 || !records.is_empty() {
            tracing::warn!("the queue of heartbeats was damaged; what can be read of it is sent");
        }
        match self.append(&records) {
            Ok(()) => records.into_iter().for_each(|record| state.apply(record)),
            // A full disk is reported when something is to be stored. The other log stays until then.
            Err(error) if records.is_empty() => tracing::debug!("the queue cannot be begun yet: {error}"),
            Err(error) => return Err(refused(error)),
        }
        Ok(state)
    }

    /// Appends a batch: all of it or nothing.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), AppendError> {
        self.append_by(records, Log::append)
    }

    /// The same for records whose loss in a power cut does no harm.
    pub(super) fn append_without_hurry(&mut self, records: &[Record]) -> Result<(), AppendError> {
        self.append_by(records, Log::append_without_hurry)
    }

    fn append_by(&mut self, records: &[Record], way: Way) -> Result<(), AppendError> {
        let Some(log) = self.log.as_mut() else {
            return Ok(());
        };
        let complete = Record::Complete(Complete {
            generation: self.generation,
            next: 0,
        });
        let first = (!self.is_complete).then_some(&complete);
        let appended = append_by(log, first.into_iter().chain(records), way)?;
        self.grown = self.grown.saturating_add(appended);
        self.is_complete = true;
        Ok(())
    }

    /// Writes the state to a new log, which takes the place of this one.
    pub(super) fn rewrite(&mut self, state: &State) -> Result<(), LogError> {
        let other = 1 - self.current;
        self.empty(other)?;
        let (mut log, _) = Log::open(Arc::clone(self.place.log(other)), self.options.clone())?;
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
                let _ = self.empty(other);
                return Err(error);
            }
        };
        drop(self.log.replace(log));
        // What is left of it has a lower generation, and is deleted when the queue is opened or written anew.
        let _ = self.empty(self.current);
        (self.current, self.generation, self.grown) = (other, generation, grown);
        self.is_complete = true;
        Ok(())
    }

    /// Deletes all files of a directory.
    fn empty(&self, index: usize) -> Result<(), LogError> {
        let storage = self.place.log(index);
        Ok(wipe(storage).map_err(IoError::at("empty", storage.path()))?)
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
    grown += append(log, &batch).map_err(refused)?;
    // The record that follows says that what is before it is durable: so damage of it is not taken for an unfinished write.
    log.sync_now()?;
    grown += append(log, [&Record::Complete(complete)]).map_err(refused)?;
    log.sync_now()?;
    Ok(grown)
}

fn refused(error: AppendError) -> LogError {
    LogError::Io(IoError {
        op: "write the queue to",
        path: log_path(&error),
        source: io::Error::other(error),
    })
}

fn log_path(error: &AppendError) -> std::path::PathBuf {
    match error {
        AppendError::NoSpace { path, .. } => path.clone(),
        AppendError::Io(error) => error.path.clone(),
        _ => std::path::PathBuf::new(),
    }
}

fn append<'a>(log: &mut Log, records: impl IntoIterator<Item = &'a Record>) -> Result<usize, AppendError> {
    append_by(log, records, Log::append)
}

/// Appends records, unless there are none. Returns the bytes of their payloads.
fn append_by<'a>(
    log: &mut Log,
    records: impl IntoIterator<Item = &'a Record>,
    way: Way,
) -> Result<usize, AppendError> {
    let encoded: Vec<(u8, Vec<u8>)> = records.into_iter().map(Record::encode).collect();
    let entries: Vec<Entry<'_>> = encoded
        .iter()
        .map(|(kind, payload)| Entry { kind: *kind, payload })
        .collect();
    if !entries.is_empty() {
        way(log, &entries)?;
    }
    Ok(encoded.iter().map(|(_, payload)| payload.len()).sum())
}

/// Which of two logs is the queue: the complete one that was begun last. If neither is complete, the one in which more waits.
fn newest(found: &[State; 2]) -> usize {
    let [first, second] = found.each_ref().map(|state| {
        let waiting = state.queued.len() + state.held.len();
        (state.generation, waiting)
    });
    usize::from(second > first)
}

/// The state that the records of a log fold to.
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
