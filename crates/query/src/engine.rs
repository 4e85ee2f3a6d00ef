//! Queries in, answers out.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rayon::prelude::*;
use timberline_cancel::Cancel;
use timberline_views::Snapshot;

use crate::activity::ActivityCache;
use crate::answer::{Answer, Part};
use crate::cache::{Kept, Key, Results};
use crate::catalog::Catalog;
use crate::categories::{Own, OwnRules};
use crate::error::{Limited, QueryError};
use crate::evaluate::evaluate;
use crate::json;
use crate::limits::{Budget, Guard, Limits};
use crate::period::Period;
use crate::program::{Prepared, Programs};
use crate::run::{Reads, Run};
use crate::scope::Scope;
use crate::timeline::Tiles;
use crate::trace::{Explanation, Trace};
use crate::value::Value;
use crate::warning::{Warning, Warnings};

/// The stack of each thread: enough for programs as deep as any configuration allows.
const STACK_BYTES: usize = 8 << 20;

/// The most periods that the caller's thread looks up; more are looked up on the engine's threads.
const MAX_QUICK_PERIODS: usize = 64;

/// A program and the periods to run it on.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its text; lines are separated by newlines.
    pub program: String,
    /// One result for each.
    pub periods: Vec<Period>,
    /// What `NAME` stands for in the program.
    pub name: String,
    /// Whether it runs on a past snapshot. Such queries neither use nor fill the cache of results.
    pub past: bool,
}

/// Runs queries on threads of its own, and caches what it can use again.
///
/// An engine belongs to one store: its caches are valid for the sequence numbers of that store.
#[derive(Debug)]
pub struct Engine {
    limits: Limits,
    threads: rayon::ThreadPool,
    budget: Arc<Budget>,
    catalog: Mutex<Arc<Catalog>>,
    programs: Programs,
    results: Results,
    pub(crate) tiles: Tiles,
    own_rules: OwnRules,
    pub(crate) activity: ActivityCache,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    queries: AtomicU64,
    failed: AtomicU64,
    warned: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    nanos: AtomicU64,
    catalogs: AtomicU64,
}

/// While the engine is idle, it keeps a catalog that uses less than this part of its limit.
const IDLE_PART: usize = 4;

/// What the engine has done, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Queries that were answered or refused.
    pub queries: u64,
    /// Those that were refused or cancelled.
    pub failed: u64,
    /// Those that were answered with warnings.
    pub warned: u64,
    /// Time spent on them, all together.
    pub time: Duration,
    /// Results that were found in the cache.
    pub cache_hits: u64,
    /// Results that had to be computed.
    pub cache_misses: u64,
    /// Results in the cache.
    pub cache_entries: u64,
    /// Their bytes.
    pub cache_bytes: u64,
    /// Bytes of the catalog.
    pub catalog_bytes: u64,
    /// How often the catalog was dropped because it had become too large.
    pub catalog_resets: u64,
    /// Bytes that running queries hold.
    pub memory_bytes: u64,
}

impl Engine {
    /// An engine with empty caches.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(limits: Limits) -> Result<Engine, std::io::Error> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(limits.threads.max(1))
            .thread_name(|i| format!("query-{i}"))
            .stack_size(STACK_BYTES)
            .start_handler(|_| timberline_disk::os::process::lower_priority())
            .panic_handler(|_| tracing::error!("a query ended with a panic"))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Engine {
            budget: Arc::new(Budget::new(limits.memory_bytes, limits.spare_bytes())),
            results: Results::new(limits.cache_bytes),
            tiles: Tiles::new(limits.tile_bytes()),
            activity: ActivityCache::new(limits.activity_bytes()),
            catalog: Mutex::new(Arc::new(Catalog::new())),
            programs: Programs::new(),
            own_rules: OwnRules::default(),
            counters: Counters::default(),
            limits,
            threads,
        })
    }

    /// Runs `work` with the engine's threads, so that it can divide itself among them.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.threads.install(work)
    }

    /// The limits of what runs from now on.
    pub(crate) fn guard(&self, cancel: &Cancel) -> Guard {
        Guard::new(Arc::clone(&self.budget), cancel.clone(), &self.limits)
    }

    /// Runs a job on the engine's threads, which give way to all others.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        self.threads.spawn(job);
    }

    /// Answers a query. The periods of one query run in parallel.
    ///
    /// # Errors
    /// What is wrong with the query, or which limit it reached: for the first period that fails.
    pub fn run(&self, snapshot: &Snapshot, query: &Query, cancel: &Cancel) -> Result<Answer, QueryError> {
        let begun = timberline_clock::monotonic();
        let answer = self.answer(snapshot, query, cancel);
        self.count(begun, answer.as_ref());
        answer
    }

    /// Counts a query that has ended.
    fn count(&self, begun: Instant, answer: Result<&Answer, &QueryError>) {
        let count = |counter: &AtomicU64, n| counter.fetch_add(n, Ordering::Relaxed);
        count(&self.counters.queries, 1);
        count(&self.counters.failed, u64::from(answer.is_err()));
        let warned = answer.is_ok_and(|answer| !answer.warnings.is_empty());
        count(&self.counters.warned, u64::from(warned));
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        count(&self.counters.nanos, nanos);
    }

    /// The answer to a query, if all of its results are cached and valid. Quick enough for a thread that must not block.
    pub fn cached(&self, snapshot: &Snapshot, query: &Query) -> Option<Answer> {
        if query.past || query.periods.is_empty() || query.periods.len() > MAX_QUICK_PERIODS {
            return None;
        }
        let program = self.programs.known(&query.program)?.number;
        let catalog = Arc::clone(&self.catalog.lock());
        let guard = Guard::new(Arc::clone(&self.budget), Cancel::new(), &self.limits);
        let name: Arc<str> = query.name.as_str().into();
        let mut warnings = Warnings::default();
        let part = |period: &Period| {
            let key = Key {
                program,
                name: Arc::clone(&name),
                period: *period,
            };
            let kept = self.results.get(&key, snapshot)?;
            let charge = guard.charge(kept.json.len()).ok()?;
            warnings.add_all(&kept.warnings);
            Some(Part::Text(kept.json, charge))
        };
        let parts: Vec<Part> = query.periods.iter().map(part).collect::<Option<_>>()?;
        let answer = Answer {
            catalog,
            parts,
            warnings,
        };
        if answer.size() > self.limits.result_bytes {
            return None;
        }
        self.counters.queries.fetch_add(1, Ordering::Relaxed);
        let warned = u64::from(!answer.warnings.is_empty());
        self.counters.warned.fetch_add(warned, Ordering::Relaxed);
        let hits = query.periods.len() as u64;
        self.counters.hits.fetch_add(hits, Ordering::Relaxed);
        Some(answer)
    }

    fn answer(&self, snapshot: &Snapshot, query: &Query, cancel: &Cancel) -> Result<Answer, QueryError> {
        self.check(query)?;
        let catalog = self.catalog();
        if query.periods.is_empty() {
            return Ok(Answer {
                catalog,
                parts: Vec::new(),
                warnings: Warnings::default(),
            });
        }
        let prepared = self.programs.prepare(&query.program, &self.limits)?;
        let job = Job {
            engine: self,
            snapshot,
            catalog: &catalog,
            prepared: &prepared,
            name: query.name.as_str().into(),
            past: query.past,
            guard: Guard::new(Arc::clone(&self.budget), cancel.clone(), &self.limits),
            failed: AtomicBool::new(false),
            size: AtomicU64::new(0),
        };
        let results: Vec<Result<Made, QueryError>> = match query.periods.as_slice() {
            [only] => vec![job.part(*only)],
            many => self
                .threads
                .install(|| many.par_iter().map(|p| job.part(*p)).collect()),
        };
        self.catalog();
        // A period that was cancelled because another one had failed has no error of its own.
        let mut cancelled = None;
        let mut parts = Vec::with_capacity(results.len());
        let mut warnings = Warnings::default();
        for result in results {
            match result {
                Ok((part, more)) => {
                    parts.push(part);
                    warnings.add_all(&more);
                }
                Err(e) if e.kind == crate::error::ErrorKind::Cancelled => cancelled = Some(e),
                Err(error) => return Err(error),
            }
        }
        match cancelled {
            Some(error) => Err(error),
            None => Ok(Answer {
                catalog,
                parts,
                warnings,
            }),
        }
    }

    fn check(&self, query: &Query) -> Result<(), QueryError> {
        let (length, most) = (query.program.len(), self.limits.program_bytes);
        if length > most {
            let message = format!("the query is {length} bytes long, more than the {most} that are allowed");
            return Err(QueryError::limit(Limited::ProgramLength, message));
        }
        let (count, most) = (query.periods.len(), self.limits.periods);
        if count > most {
            let message =
                format!("the query asks for {count} periods, more than the {most} that are allowed at once");
            return Err(QueryError::limit(Limited::Periods, message));
        }
        Ok(())
    }

    /// The catalog, or a new one if it has grown too large. Running queries keep the old one until they end.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        // A query needs memory in addition to the catalog.
        let most = self.limits.catalog_bytes.min(self.limits.memory_bytes / 2);
        let current = &mut *self.catalog.lock();
        if current.bytes() > most {
            *current = Arc::new(Catalog::new());
            self.counters.catalogs.fetch_add(1, Ordering::Relaxed);
        }
        Arc::clone(current)
    }

    /// Drops everything that was computed from events: results, tiles of timelines and the catalog. Parsed programs are kept. To be called
    /// after an erasure.
    pub fn forget(&self) {
        self.results.clear();
        self.tiles.clear();
        self.activity.clear();
        *self.catalog.lock() = Arc::new(Catalog::new());
    }

    /// To be called after a while without queries: returns spare columns to the system, and the catalog if it is large.
    /// Results are kept, because they are likely to be asked for again.
    pub fn rest(&self) {
        self.budget.spare.clear();
        let current = &mut *self.catalog.lock();
        if current.bytes() > self.limits.catalog_bytes / IDLE_PART {
            *current = Arc::new(Catalog::new());
        }
    }

    /// Runs a query without the cache of results, and reports what was done for each period.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn explain(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        cancel: &Cancel,
    ) -> Result<(Answer, Vec<Explanation>), QueryError> {
        let begun = timberline_clock::monotonic();
        let explained = self.explained(snapshot, query, cancel);
        self.count(begun, explained.as_ref().map(|(answer, _)| answer));
        explained
    }

    fn explained(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        cancel: &Cancel,
    ) -> Result<(Answer, Vec<Explanation>), QueryError> {
        self.check(query)?;
        let begun = timberline_clock::monotonic();
        let prepared = self.programs.prepare(&query.program, &self.limits)?;
        let parsing = begun.elapsed();
        let catalog = self.catalog();
        let guard = Guard::new(Arc::clone(&self.budget), cancel.clone(), &self.limits);
        let (mut parts, mut explanations) = (Vec::new(), Vec::new());
        let mut warnings = Warnings::default();
        for period in &query.periods {
            let begun = timberline_clock::monotonic();
            let scope = Scope {
                guard: &guard,
                catalog: &catalog,
            };
            let run = self.new_run(snapshot, scope, &prepared, *period, &query.name, true);
            let value = evaluate(&run, &prepared.program, &prepared.last_uses)?;
            let running = begun.elapsed();
            let part = self.text(scope, &value, self.limits.result_bytes)?;
            warnings.add_all(run.warnings.into_inner().as_slice());
            explanations.push(Explanation {
                steps: run.trace.map(|t| t.into_inner().0).unwrap_or_default(),
                parsing,
                running,
                writing: begun.elapsed().saturating_sub(running),
                bytes: part.size(),
            });
            parts.push(part);
        }
        let answer = Answer {
            catalog,
            parts,
            warnings,
        };
        Ok((answer, explanations))
    }

    /// What it has done, and holds.
    pub fn metrics(&self) -> Metrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (results, result_bytes) = self.results.size();
        let (sums, sum_bytes) = self.activity.size();
        let (entries, bytes) = (results + sums, result_bytes + sum_bytes);
        Metrics {
            queries: read(&self.counters.queries),
            failed: read(&self.counters.failed),
            warned: read(&self.counters.warned),
            time: Duration::from_nanos(read(&self.counters.nanos)),
            cache_hits: read(&self.counters.hits),
            cache_misses: read(&self.counters.misses),
            cache_entries: entries as u64,
            cache_bytes: (bytes + self.tiles.bytes()) as u64,
            catalog_bytes: self.catalog.lock().bytes() as u64,
            catalog_resets: read(&self.counters.catalogs),
            memory_bytes: self.budget.used() as u64,
        }
    }

    /// The categories and the clock of a snapshot's settings.
    pub(crate) fn own_rules(&self, snapshot: &Snapshot) -> Arc<Own> {
        self.own_rules.of(snapshot)
    }

    /// How often a search of a backtracking pattern may go back.
    pub(crate) fn backtracking_steps(&self) -> usize {
        self.limits.backtracking_steps
    }

    /// Parses a program of our own, which may be longer than those of clients.
    pub(crate) fn prepare(&self, program: &str) -> Result<Arc<Prepared>, QueryError> {
        self.programs.prepare(program, &self.limits)
    }

    pub(crate) fn new_run<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        scope: Scope<'a>,
        prepared: &'a Prepared,
        period: Period,
        name: &'a str,
        traced: bool,
    ) -> Run<'a> {
        Run {
            snapshot,
            scope,
            program: &prepared.text,
            period,
            name,
            backtracking_steps: self.limits.backtracking_steps,
            own_rules: &self.own_rules,
            reads: RefCell::default(),
            warnings: RefCell::default(),
            trace: traced.then(|| RefCell::new(Trace::default())),
        }
    }

    /// A value as text, if that is at most so long.
    fn text(&self, scope: Scope<'_>, value: &Value, most: usize) -> Result<Part, QueryError> {
        let Some(size) = json::answer_size(scope.guard, scope.catalog, value, most)? else {
            return Err(self.too_large());
        };
        let charge = scope.guard.charge(size)?;
        let mut text = Vec::with_capacity(size.min(most));
        json::write_value(scope.catalog, value, &mut text);
        Ok(Part::Text(text.into(), charge))
    }

    fn too_large(&self) -> QueryError {
        let message = format!(
            "the answer would be larger than {} bytes; return less, with limit_events or \
             merge_events_by_keys, or ask for a shorter period",
            self.limits.result_bytes
        );
        QueryError::limit(Limited::ResultSize, message)
    }
}

/// The result of a period, with its warnings.
type Made = (Part, Arc<[Warning]>);

/// One query, while it runs.
struct Job<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    catalog: &'a Catalog,
    prepared: &'a Prepared,
    name: Arc<str>,
    past: bool,
    guard: Guard,
    /// Whether a period has failed, and with it the query.
    failed: AtomicBool,
    /// Bytes of the results so far.
    size: AtomicU64,
}

impl Job<'_> {
    fn part(&self, period: Period) -> Result<Made, QueryError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(QueryError::cancelled());
        }
        let part = self.known_or_made(period);
        if part.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        part
    }

    fn known_or_made(&self, period: Period) -> Result<Made, QueryError> {
        self.guard.check()?;
        let engine = self.engine;
        let key = Key {
            program: self.prepared.number,
            name: Arc::clone(&self.name),
            period,
        };
        if !self.past
            && let Some(kept) = engine.results.get(&key, self.snapshot)
        {
            engine.counters.hits.fetch_add(1, Ordering::Relaxed);
            self.add_size(kept.json.len())?;
            let charge = self.guard.charge(kept.json.len())?;
            return Ok((Part::Text(kept.json, charge), kept.warnings));
        }
        engine.counters.misses.fetch_add(1, Ordering::Relaxed);
        let (value, reads, warnings) = self.evaluate(period)?;
        let warnings = warnings.share();
        let most = engine.limits.result_bytes;
        let Some(size) = json::answer_size(&self.guard, self.catalog, &value, most)? else {
            return Err(engine.too_large());
        };
        self.add_size(size)?;
        if size > engine.results.largest() {
            return Ok((Part::Value(value, size), warnings));
        }
        let part = engine.text(self.scope(), &value, size)?;
        if let Part::Text(text, _) = &part
            && !self.past
        {
            let kept = Kept {
                json: Arc::clone(text),
                warnings: Arc::clone(&warnings),
            };
            engine.results.put(key, kept, self.snapshot.seq(), reads);
        }
        Ok((part, warnings))
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            guard: &self.guard,
            catalog: self.catalog,
        }
    }

    fn evaluate(&self, period: Period) -> Result<(Value, Reads, Warnings), QueryError> {
        let prepared = self.prepared;
        let run = self
            .engine
            .new_run(self.snapshot, self.scope(), prepared, period, &self.name, false);
        let value = evaluate(&run, &prepared.program, &prepared.last_uses)?;
        Ok((value, run.reads.into_inner(), run.warnings.into_inner()))
    }

    fn add_size(&self, bytes: usize) -> Result<(), QueryError> {
        let size = self.size.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if size > self.engine.limits.result_bytes as u64 {
            return Err(self.engine.too_large());
        }
        Ok(())
    }
}
