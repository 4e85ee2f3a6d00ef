//! Second pass: make the buckets, read the events, store those that are new.
//!
//! Two threads take turns: while one stores its batch, the other cuts and reads the next. Batches are
//! stored in the order of the file, whichever thread read them.
//!
//! Privacy filters see events that are merged into existing buckets, not those of a new bucket: so does
//! aw-server-rust, and a backup comes back as it was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use timberline_model::{Bucket, NewEvent, json};
use timberline_views::{KnownEvents, Receipt, Snapshot};
use tokio::runtime::Handle;

use super::handoff::Handoff;
use super::layout::{BucketLayout, Layout};
use super::salvage::{Salvaged, Texts};
use super::screen::{Screened, screen};
use super::split::{Batch, Splitter};
use super::spool::{Spool, SpoolReader};
use super::{ImportError, Outcome};
use crate::app::App;
use crate::service::bucket::made;
use crate::service::privacy::Filters;

/// Threads that read and store.
const THREADS: usize = 2;

/// Stores what `layout` found in `spool`. Gives back what to wait for, if anything was stored.
///
/// # Errors
/// When the store refuses; what was stored until then stays, the error says how much that is, and importing the file again
/// adds only the rest.
pub(crate) fn replay(
    app: &App,
    spool: &Arc<Spool>,
    layout: Layout,
) -> Result<(Outcome, Option<Receipt>), ImportError> {
    // What was there before: within one file, events that are equal are kept.
    let known = app.store.snapshot();
    let stored = Stored::default();
    let mut import = Import {
        app,
        stored: &stored,
        before: &known,
        known: KnownEvents::of(&known),
        filters: app.privacy.filters(&known),
        outcome: Outcome {
            buckets_changed: layout.buckets_changed,
            buckets_left_out: layout.buckets_left_out,
            notes: layout.notes,
            ..Outcome::default()
        },
        newest: None,
    };
    for bucket in layout.buckets {
        import = import
            .bucket(spool, bucket)
            .map_err(|error| stored.before(error))?;
    }
    Ok((import.outcome, import.newest))
}

/// What was stored so far, for the case that the import fails: its outcome is lost then.
#[derive(Debug, Default)]
struct Stored {
    buckets: AtomicU64,
    events: AtomicU64,
}

impl Stored {
    /// The error, with what was stored before it.
    fn before(&self, error: ImportError) -> ImportError {
        let (buckets, events) = (
            self.buckets.load(Ordering::Relaxed),
            self.events.load(Ordering::Relaxed),
        );
        if buckets + events == 0 {
            return error;
        }
        ImportError::Partly {
            buckets,
            events,
            source: Box::new(error),
        }
    }
}

/// What there is to store with, and what was stored.
struct Import<'a> {
    app: &'a App,
    stored: &'a Stored,
    /// The store before it.
    before: &'a Snapshot,
    /// What events there were.
    known: KnownEvents<'a>,
    filters: Arc<Filters>,
    outcome: Outcome,
    newest: Option<Receipt>,
}

impl Import<'_> {
    fn bucket(mut self, spool: &Arc<Spool>, layout: BucketLayout) -> Result<Self, ImportError> {
        let app = self.app;
        let last_updated = layout.fields.last_updated;
        let bucket = Bucket {
            last_updated,
            ..made(&layout.fields, layout.id, &app.identity, app.store.now())
        };
        let creating = || app.store.create_bucket(&bucket);
        let (created, receipt) = app.hold.write_blocking(bucket.id.len(), creating)?;
        self.note(receipt);
        self.outcome.buckets_created += u64::from(created);
        self.stored
            .buckets
            .fetch_add(u64::from(created), Ordering::Relaxed);
        self.outcome.by_bucket.entry(bucket.id.clone()).or_default();
        for offset in layout.events {
            self = self.events(&bucket.id, SpoolReader::at(spool, offset))?;
        }
        Ok(self)
    }

    /// Stores the list of events that `source` stands before.
    fn events(self, bucket: &str, source: SpoolReader) -> Result<Self, ImportError> {
        let batches = Mutex::new(Numbered {
            splitter: Splitter::new(source),
            taken: 0,
            events: 0,
        });
        let handoff = Handoff::new(Ok(self));
        let runtime = Handle::current();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    // A write that has to wait does so in the runtime.
                    let _context = runtime.enter();
                    take_turns(bucket, &batches, &handoff);
                });
            }
        });
        // Should a thread panic, the scope does so too, and there is nothing to finish.
        handoff.finish().unwrap_or_else(|| Err(ImportError::BrokeOff))
    }

    /// Stores the events of a batch that could be read.
    fn store(
        mut self,
        bucket: &str,
        events: &[NewEvent<'_>],
        salvaged: &Salvaged,
    ) -> Result<Self, ImportError> {
        let (store, mut known) = (&self.app.store, self.known.bucket(bucket));
        // Making views is slower than storing; without a word to it memory would fill.
        store.wait_for_room(bucket);
        let Screened {
            events,
            known: same,
            dropped,
        } = screen(&self.filters, &mut known, (self.before, bucket), events)?;
        // Before the write, which may be repeated.
        let missing = known.missing(&events)?;
        let added = missing.len();
        let receipt = self
            .app
            .hold
            .write_blocking(0, || store.import_events(bucket, &missing))?;
        self.note(receipt);
        self.outcome.events_added += added as u64;
        self.stored.events.fetch_add(added as u64, Ordering::Relaxed);
        self.outcome.events_known += (same + events.len().saturating_sub(added)) as u64;
        self.outcome.events_dropped += dropped as u64;
        if let Some(counts) = self.outcome.by_bucket.get_mut(bucket) {
            counts.added += added as u64;
            counts.known += (same + events.len().saturating_sub(added)) as u64;
            counts.dropped += dropped as u64;
        }
        self.outcome.events_unreadable += salvaged.left_out;
        self.outcome.events_changed += salvaged.changed;
        for (number, reason, left_out) in &salvaged.notes {
            let place = format!("event {number}");
            self.outcome.notes.push(bucket, &place, reason, *left_out);
        }
        Ok(self)
    }

    fn note(&mut self, receipt: Receipt) {
        if receipt.sync {
            self.newest = Some(receipt);
        }
    }
}

/// Reads batches and stores each when it is its turn, until there are none or something fails.
fn take_turns(bucket: &str, batches: &Mutex<Numbered>, handoff: &Handoff<Result<Import<'_>, ImportError>>) {
    loop {
        // In a statement of its own: the lock must not outlive it.
        let next = batches.lock().next();
        let Some((number, first, batch)) = next else {
            return;
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                handoff.run(number, |import| import.and(Err(ImportError::Read(error))));
                return;
            }
        };
        let store = |events: &[NewEvent<'_>], salvaged: &Salvaged| {
            handoff.run(number, |import| import?.store(bucket, events, salvaged));
        };
        match json::parse_events(&batch.text) {
            Ok(events) => store(&events, &Salvaged::default()),
            Err(_) => {
                let texts = Texts::of(&batch);
                let (events, salvaged) = texts.events(first);
                store(&events, &salvaged);
            }
        }
        if handoff.is_lost_or(Result::is_err) {
            return;
        }
    }
}

/// Batches with their numbers in the file.
struct Numbered {
    splitter: Splitter<SpoolReader>,
    taken: u64,
    /// Events in the batches that were taken.
    events: u64,
}

impl Numbered {
    /// The next batch, its number, and that of its first event.
    fn next(&mut self) -> Option<(u64, u64, io::Result<Batch>)> {
        let batch = self.splitter.next().transpose()?;
        let (number, first) = (self.taken, self.events);
        self.taken += 1;
        self.events += batch.as_ref().map_or(0, |batch| batch.count as u64);
        Some((number, first, batch))
    }
}
