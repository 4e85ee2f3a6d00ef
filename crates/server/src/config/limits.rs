//! The bounds on what clients may make the server do. Nothing here is unlimited.

use std::time::Duration;

use serde::Deserialize;

/// The longest time that means anything here; beyond some hundreds of years sums with it would overflow.
const MOST_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The `[limits]` section: what one client, and all of them together, may use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body in bytes; an import is not bound by it, because it is never held whole.
    pub body_bytes: usize,
    /// Memory for all request bodies above 1 MiB together; further ones wait their turn.
    pub body_pool_bytes: usize,
    /// Open connections; the next one waits in the listening socket's queue.
    pub connections: usize,
    /// Seconds a new connection may take to send its first request head.
    pub header_seconds: u64,
    /// Seconds in which something of a body must arrive, or be taken by the client.
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            body_pool_bytes: 128 << 20,
            connections: 512,
            header_seconds: 30,
            body_seconds: 120,
            idle_seconds: 600,
            waiting_requests: 1_000,
            waiting_bytes: 64 << 20,
            waiting_seconds: 60,
            drain_seconds: 30,
        }
    }
}

impl Limits {
    /// How long a held write waits.
    pub fn waiting_time(&self) -> Duration {
        Duration::from_secs(self.waiting_seconds)
    }

    /// The first key whose value leaves the server unable to serve anything (or that no clock can hold), with the
    /// reason.
    pub(super) fn unusable(&self) -> Option<(&'static str, String, &'static str)> {
        let seconds = [
            ("limits.header_seconds", self.header_seconds),
            ("limits.body_seconds", self.body_seconds),
            ("limits.idle_seconds", self.idle_seconds),
            ("limits.waiting_seconds", self.waiting_seconds),
            ("limits.drain_seconds", self.drain_seconds),
        ];
        let too_long = seconds.into_iter().find(|(_, value)| *value > MOST_SECONDS);
        if let Some((key, value)) = too_long {
            return Some((key, value.to_string(), "must be at most 31536000, a year"));
        }
        let at_least_one = "must be at least 1";
        [
            ("limits.body_bytes", self.body_bytes as u64),
            ("limits.body_pool_bytes", self.body_pool_bytes as u64),
            ("limits.connections", self.connections as u64),
            ("limits.header_seconds", self.header_seconds),
            ("limits.body_seconds", self.body_seconds),
            ("limits.idle_seconds", self.idle_seconds),
        ]
        .into_iter()
        .find(|(_, value)| *value == 0)
        .map(|(key, value)| (key, value.to_string(), at_least_one))
    }
}
