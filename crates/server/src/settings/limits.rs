//! The bounds on what clients may make the server do. Nothing here is unlimited.

use std::time::Duration;

use serde::Deserialize;
use timberline_query::Limits as QueryLimits;

/// The longest time that means anything here; beyond some hundreds of years sums with it would overflow.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Brackets that may be open at once, whatever the configuration says.
const MAX_DEPTH: usize = 256;
const MAX_THREADS: usize = 256;
/// Kept between queries.
const CACHE_BYTES: usize = 96 << 20;

/// The `[limits]` section: what one client, and all of them together, may use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body in bytes; an import is not bound by it, because it is never held whole.
    pub body_bytes: usize,
    /// Memory for all request bodies above 16 KiB together; further ones wait their turn. A quarter of it is for bodies
    /// up to 1 MiB.
    pub body_pool_bytes: usize,
    /// Open connections; for the next one another makes way.
    pub connections: usize,
    /// Connections that may be live streams; at most half of all.
    pub streams: usize,
    /// Seconds a new connection may take to begin its first request, and any to send a request's head.
    pub header_seconds: u64,
    /// Seconds that a client may fall behind in sending a body or taking an answer.
    pub body_seconds: u64,
    /// Seconds a connection may stay open between two requests.
    pub idle_seconds: u64,
    /// Writes that may wait at once when the disk is full.
    pub waiting_requests: usize,
    /// Bytes of request bodies that may wait at once when the disk is full.
    pub waiting_bytes: usize,
    /// Seconds such a write waits before it is answered with 503.
    pub waiting_seconds: u64,
    /// Seconds that a stop waits for the requests in flight.
    pub drain_seconds: u64,
    /// Seconds that a query may take.
    pub query_seconds: f64,
    /// Memory that all running queries may take together.
    pub query_memory_bytes: usize,
    /// Largest answer to a query in bytes.
    pub query_result_bytes: usize,
    /// Brackets open at once in a query, and values within values.
    pub query_depth: usize,
    /// Longest query in bytes.
    pub query_program_bytes: usize,
    /// Periods of one query.
    pub query_periods: usize,
    /// Memory for all that is kept between queries: results, distinct data and what was found out about them, and
    /// columns that are used again.
    pub query_cache_bytes: usize,
    /// The part of it that distinct data may take, if that is to be less than half.
    pub query_catalog_bytes: usize,
    /// Steps that a regular expression with look-around or back-references may go back.
    pub query_backtracking_steps: usize,
    /// Threads that queries run on; 0 for as many as there are processors.
    pub query_threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let query = QueryLimits::default();
        Self {
            body_bytes: 32 << 20,
            body_pool_bytes: 128 << 20,
            connections: 512,
            streams: 256,
            header_seconds: 30,
            body_seconds: 120,
            idle_seconds: 600,
            waiting_requests: 1_000,
            waiting_bytes: 64 << 20,
            waiting_seconds: 60,
            drain_seconds: 30,
            query_seconds: query.time.as_secs_f64(),
            query_memory_bytes: query.memory_bytes,
            query_result_bytes: query.result_bytes,
            query_depth: query.depth,
            query_program_bytes: query.program_bytes,
            query_periods: query.periods,
            query_cache_bytes: CACHE_BYTES,
            query_catalog_bytes: CACHE_BYTES,
            query_backtracking_steps: query.backtracking_steps,
            query_threads: 0,
        }
    }
}

impl Limits {
    /// How long a held write waits.
    pub fn waiting_time(&self) -> Duration {
        Duration::from_secs(self.waiting_seconds)
    }

    /// Those of the query engine.
    pub fn queries(&self) -> QueryLimits {
        let default = QueryLimits::default();
        let caches = QueryLimits::default().with_caches(self.query_cache_bytes);
        QueryLimits {
            time: Duration::try_from_secs_f64(self.query_seconds).unwrap_or(default.time),
            memory_bytes: self.query_memory_bytes,
            result_bytes: self.query_result_bytes,
            depth: self.query_depth,
            program_bytes: self.query_program_bytes,
            periods: self.query_periods,
            backtracking_steps: self.query_backtracking_steps,
            threads: match self.query_threads {
                0 => default.threads,
                threads => threads,
            },
            cache_bytes: caches.cache_bytes,
            catalog_bytes: caches.catalog_bytes.min(self.query_catalog_bytes),
        }
    }

    /// The first key whose value leaves the server unable to serve anything (or that no clock can hold), with the
    /// reason.
    pub fn unusable(&self) -> Option<(&'static str, String, &'static str)> {
        let seconds = [
            ("limits.header_seconds", self.header_seconds),
            ("limits.body_seconds", self.body_seconds),
            ("limits.idle_seconds", self.idle_seconds),
            ("limits.waiting_seconds", self.waiting_seconds),
            ("limits.drain_seconds", self.drain_seconds),
        ];
        let too_long = seconds.into_iter().find(|(_, value)| *value > MAX_SECONDS);
        if let Some((key, value)) = too_long {
            return Some((key, value.to_string(), "must be at most 31536000, a year"));
        }
        if !(self.query_seconds > 0.0 && self.query_seconds <= MAX_SECONDS as f64) {
            let wanted = "must be more than 0 and at most 31536000, a year";
            return Some(("limits.query_seconds", self.query_seconds.to_string(), wanted));
        }
        // Deeper than this, walking a program could overflow the stack of a thread.
        if self.query_depth > MAX_DEPTH {
            let wanted = "must be at most 256";
            return Some(("limits.query_depth", self.query_depth.to_string(), wanted));
        }
        if self.query_threads > MAX_THREADS {
            let wanted = "must be at most 256, or 0 for as many as there are processors";
            return Some(("limits.query_threads", self.query_threads.to_string(), wanted));
        }
        let at_least_one = "must be at least 1";
        [
            ("limits.body_bytes", self.body_bytes as u64),
            ("limits.body_pool_bytes", self.body_pool_bytes as u64),
            ("limits.connections", self.connections as u64),
            ("limits.streams", self.streams as u64),
            ("limits.header_seconds", self.header_seconds),
            ("limits.body_seconds", self.body_seconds),
            ("limits.idle_seconds", self.idle_seconds),
            ("limits.query_memory_bytes", self.query_memory_bytes as u64),
            ("limits.query_result_bytes", self.query_result_bytes as u64),
            ("limits.query_depth", self.query_depth as u64),
            ("limits.query_program_bytes", self.query_program_bytes as u64),
            ("limits.query_periods", self.query_periods as u64),
            (
                "limits.query_backtracking_steps",
                self.query_backtracking_steps as u64,
            ),
        ]
        .into_iter()
        .find(|(_, value)| *value == 0)
        .map(|(key, value)| (key, value.to_string(), at_least_one))
    }
}
