//! What a query may use, and the checks that enforce it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use timberline_cancel::Cancel;

use crate::error::{Limited, QueryError};
use crate::spare::Spare;

/// Memory for everything that is kept between queries: results, the catalog, tiles of timelines and spare columns.
const DEFAULT_CACHES_BYTES: usize = 96 << 20;

/// The limits of queries. Each has a value; nothing is unlimited.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Wall time of one query.
    pub time: Duration,
    /// Bytes that all queries which run at the same time may hold together.
    pub memory_bytes: usize,
    /// Bytes of one answer.
    pub result_bytes: usize,
    /// Brackets open at once in a program, and values within values.
    pub depth: usize,
    /// Bytes of a program.
    pub program_bytes: usize,
    /// Periods of one query.
    pub periods: usize,
    /// Bytes of cached results.
    pub cache_bytes: usize,
    /// Bytes of the catalog: distinct data, and the answers about them.
    pub catalog_bytes: usize,
    /// Backtracking steps of a regular expression with look-around or back-references.
    pub backtracking_steps: usize,
    /// Threads that queries run on.
    pub threads: usize,
}

impl Limits {
    /// Divides the memory for what is kept between queries: a sixth for results, half for the catalog, a twelfth for
    /// timelines, a sixth for activity, the rest for spare columns.
    #[must_use]
    pub fn with_caches(self, bytes: usize) -> Limits {
        Limits {
            cache_bytes: bytes / 6,
            catalog_bytes: bytes / 2,
            ..self
        }
    }

    /// Bytes of spare columns: see [`Limits::with_caches`].
    pub(crate) fn spare_bytes(&self) -> usize {
        (self.cache_bytes.saturating_add(self.catalog_bytes) / 2)
            .saturating_sub(self.tile_bytes())
            .saturating_sub(self.activity_bytes())
    }

    /// Bytes of the sums of activity: as many as of results. A page that shows a year by all dimensions needs about so many.
    pub(crate) fn activity_bytes(&self) -> usize {
        self.cache_bytes
    }

    /// Bytes of the tiles of timelines: half as many as of results.
    pub(crate) fn tile_bytes(&self) -> usize {
        self.cache_bytes / 2
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(60),
            memory_bytes: 1 << 30,
            result_bytes: 512 << 20,
            depth: 64,
            program_bytes: 1 << 20,
            periods: 4_096,
            cache_bytes: DEFAULT_CACHES_BYTES / 6,
            catalog_bytes: DEFAULT_CACHES_BYTES / 2,
            backtracking_steps: 100_000,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// The memory of all running queries.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// Columns that are not in use.
    pub(crate) spare: Spare,
}

impl Budget {
    pub(crate) fn new(limit: usize, spare: usize) -> Budget {
        Budget {
            limit,
            used: AtomicUsize::new(0),
            spare: Spare::new(spare),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<(), QueryError> {
        let fits = |used: usize| used.checked_add(bytes).filter(|n| *n <= self.limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(used) => {
                let message = format!(
                    "the queries that run now would need more memory than {} bytes; {used} are \
                     in use; ask for a shorter period, or filter earlier",
                    self.limit
                );
                Err(QueryError::limit(Limited::Memory, message))
            }
        }
    }
}

/// A part of the [`Budget`], returned when it is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Charge {
    /// The place for columns whose memory this was.
    pub(crate) fn spare(&self) -> &Spare {
        &self.budget.spare
    }

    /// Takes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.budget.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The limits of one running query.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    budget: Arc<Budget>,
    cancel: Cancel,
    /// The deepest nesting of values.
    pub(crate) depth: usize,

    deadline: Instant,
    time: Duration,
}

impl Guard {
    pub(crate) fn new(budget: Arc<Budget>, cancel: Cancel, limits: &Limits) -> Guard {
        Guard {
            budget,
            cancel,
            depth: limits.depth,
            // A time that the clock cannot represent never comes.
            deadline: timberline_clock::monotonic()
                .checked_add(limits.time)
                .unwrap_or_else(|| timberline_clock::monotonic() + Duration::from_secs(1 << 30)),
            time: limits.time,
        }
    }

    /// To be called every few thousand steps: whether to continue.
    #[inline(never)]
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        self.cancel.check().map_err(|_| QueryError::cancelled())?;
        if timberline_clock::monotonic() >= self.deadline {
            let message = format!(
                "the query took longer than {} s; ask for a shorter period, or filter earlier",
                self.time.as_secs_f64()
            );
            return Err(QueryError::limit(Limited::Time, message));
        }
        Ok(())
    }

    /// [`Guard::check`] for loops: checks at every 4096th step.
    #[inline(always)]
    pub(crate) fn check_at(&self, step: usize) -> Result<(), QueryError> {
        if step.is_multiple_of(4096) {
            self.check()
        } else {
            Ok(())
        }
    }

    /// Whether so many bytes fit into the memory of queries, in addition to what is in use.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        bytes.saturating_add(self.budget.used()) <= self.budget.limit
    }

    /// Columns that are not in use.
    pub(crate) fn spare(&self) -> &Spare {
        &self.budget.spare
    }

    /// Takes memory from the budget.
    pub(crate) fn charge(&self, bytes: usize) -> Result<Charge, QueryError> {
        let mut charge = Charge {
            budget: Arc::clone(&self.budget),
            bytes: 0,
        };
        charge.grow(bytes)?;
        Ok(charge)
    }
}
