//! Requests that were refused: a line in the log for each kind, and counters for `/metrics`.
//!
//! Many clients never look at an answer's status. What they lose is seen here or nowhere. A client that
//! tries again every second must not fill the log, so each kind (reason and route) has one line a minute,
//! which says how many were left out since the one before. No query string and no body is in a line.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, StatusCode};

/// From one line of a kind to its next.
const PAUSE: Duration = Duration::from_secs(60);
/// Kinds that are distinguished. Reasons are few, and routes have no names of buckets in them, but paths that
/// no route has are whatever a client sends.
const MAX_KINDS: usize = 256;
/// Of a path or a client's name, what a line repeats.
const SHOWN_CHARS: usize = 160;

/// Why a request was refused, in the extensions of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    /// A few words, always the same for the same reason.
    pub(crate) name: &'static str,
    /// What went wrong in the server itself; nothing that a client sent.
    pub(crate) detail: Option<String>,
}

/// What is counted and when each kind was last in the log.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<(u16, &'static str), u64>,
    kinds: HashMap<(&'static str, String), Kind>,
}

#[derive(Debug)]
struct Kind {
    logged: Instant,
    suppressed: u64,
}

/// What a refused request asked for, and who sent it.
pub(crate) struct Asked {
    method: Method,
    path: String,
    client: String,
}

impl Asked {
    pub(crate) fn new(method: Method, path: &str, agent: Option<&HeaderValue>, peer: IpAddr) -> Self {
        Self {
            method,
            path: shown(path),
            client: match agent.and_then(|agent| agent.to_str().ok()) {
                Some(agent) => format!("{peer} {}", shown(agent)),
                None => peer.to_string(),
            },
        }
    }
}

impl Refusals {
    /// Counts a refused request and logs it, if its kind was not logged lately.
    pub(crate) fn note(&self, asked: &Asked, status: StatusCode, reason: Option<&Reason>) {
        let name = reason.map_or("refused", |reason| reason.name);
        let kind = format!("{} {}", asked.method, route(&asked.path));
        let Some(suppressed) = self.count(status.as_u16(), name, kind, timberline_clock::monotonic()) else {
            return;
        };
        let Asked { method, path, client } = asked;
        let status = status.as_u16();
        let detail = reason.and_then(|reason| reason.detail.as_deref());
        match detail {
            Some(detail) => {
                tracing::error!(%method, path, status, reason = name, detail, client, suppressed, "a request failed");
            }
            // To ask for what is not there is how clients find that out.
            None if status == 404 && (*method == Method::GET || *method == Method::HEAD) => {
                tracing::info!(%method, path, status, reason = name, client, suppressed, "a request was refused");
            }
            None => {
                tracing::warn!(%method, path, status, reason = name, client, suppressed, "a request was refused");
            }
        }
    }

    /// Counts and logs a handshake of TLS that failed.
    pub(crate) fn note_handshake(&self, peer: IpAddr, error: &dyn std::fmt::Display) {
        const NAME: &str = "no TLS handshake";
        if let Some(suppressed) = self.count(400, NAME, String::new(), timberline_clock::monotonic()) {
            tracing::warn!(client = %peer, %error, suppressed, "a handshake failed (this server speaks TLS only: https://)");
        }
    }

    /// Counts and logs what came from `peer` and is no HTTP request.
    pub(crate) fn note_unreadable(&self, peer: IpAddr, error: &dyn std::fmt::Display) {
        const NAME: &str = "not an HTTP request";
        if let Some(suppressed) = self.count(400, NAME, String::new(), timberline_clock::monotonic()) {
            tracing::warn!(client = %peer, %error, suppressed, "what arrived is no HTTP request (TLS is not spoken here)");
        }
    }

    /// `Some` when a line is due: how many had none since the last one.
    fn count(&self, status: u16, name: &'static str, kind: String, now: Instant) -> Option<u64> {
        let mut seen = self.lock();
        let count = seen.counts.entry((status, name)).or_default();
        *count = count.saturating_add(1);
        let mut key = (name, kind);
        if seen.kinds.len() >= MAX_KINDS && !seen.kinds.contains_key(&key) {
            seen.kinds
                .retain(|_, kind| now.saturating_duration_since(kind.logged) < PAUSE);
            if seen.kinds.len() >= MAX_KINDS {
                // Too many at once: they share one line. There are few reasons.
                key.1 = "…".to_owned();
            }
        }
        match seen.kinds.get_mut(&key) {
            Some(kind) if now.saturating_duration_since(kind.logged) < PAUSE => {
                kind.suppressed = kind.suppressed.saturating_add(1);
                None
            }
            Some(kind) => {
                kind.logged = now;
                Some(std::mem::take(&mut kind.suppressed))
            }
            None => {
                let kind = Kind {
                    logged: now,
                    suppressed: 0,
                };
                seen.kinds.insert(key, kind);
                Some(0)
            }
        }
    }

    /// The counters, in Prometheus' text format.
    pub(crate) fn write_metrics(&self, out: &mut String) {
        out.push_str(
            "# HELP timberline_requests_refused_total Requests that were refused or failed.\n\
             # TYPE timberline_requests_refused_total counter\n",
        );
        for ((status, reason), count) in &self.lock().counts {
            // A string takes whatever is written to it.
            let _ = writeln!(
                out,
                "timberline_requests_refused_total{{status=\"{status}\",reason=\"{reason}\"}} {count}"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Counters stay right when a thread panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `path` with the names of buckets, events and settings taken out.
fn route(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if !matches!(segments.first(), Some(&"api" | &"metrics")) {
        return "(file)".to_owned();
    }
    for index in 3..segments.len() {
        let stands_for = match segments.get(index - 1) {
            Some(&"buckets") => "{bucket}",
            Some(&"events") => "{event}",
            Some(&"settings") => "{key}",
            Some(&"trash") => "{id}",
            _ => continue,
        };
        if let Some(segment) = segments.get_mut(index).filter(|segment| **segment != "count") {
            *segment = stands_for;
        }
    }
    segments.truncate(8);
    segments.join("/")
}

/// The beginning of `text`, with whatever would break a line or a terminal escaped.
fn shown(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(SHOWN_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_line_a_minute_that_counts_the_others() {
        let refusals = Refusals::default();
        let begun = Instant::now();
        let count = |kind: &str, seconds| {
            refusals.count(
                404,
                "no such bucket",
                kind.to_owned(),
                begun + Duration::from_secs(seconds),
            )
        };
        assert_eq!(count("GET a", 0), Some(0));
        assert_eq!(count("GET a", 1), None);
        assert_eq!(count("GET b", 1), Some(0));
        assert_eq!(count("GET a", 59), None);
        assert_eq!(count("GET a", 60), Some(2));
        assert_eq!(count("GET a", 61), None);
        let mut metrics = String::new();
        refusals.write_metrics(&mut metrics);
        let line = "timberline_requests_refused_total{status=\"404\",reason=\"no such bucket\"} 6\n";
        assert!(metrics.ends_with(line), "{metrics}");
    }

    #[test]
    fn a_client_that_invents_paths_takes_no_more_memory() {
        let refusals = Refusals::default();
        let now = Instant::now();
        for number in 0..10 * MAX_KINDS {
            refusals.count(404, "no such path", format!("GET api/{number}"), now);
        }
        assert!(refusals.lock().kinds.len() <= MAX_KINDS + 1);
        let later = now + PAUSE;
        assert_eq!(
            refusals.count(404, "no such path", "GET api/x".to_owned(), later),
            Some(0)
        );
        assert_eq!(refusals.lock().kinds.len(), 1, "old kinds are forgotten");
    }

    #[test]
    fn routes_have_no_names_in_them() {
        for (path, expected) in [
            (
                "/api/0/buckets/aw-watcher_h/events/17",
                "api/0/buckets/{bucket}/events/{event}",
            ),
            (
                "/api/0/buckets/x/events/count",
                "api/0/buckets/{bucket}/events/count",
            ),
            ("/api/0/buckets/x/heartbeat", "api/0/buckets/{bucket}/heartbeat"),
            ("/api/0/settings/classes", "api/0/settings/{key}"),
            ("/api/0/buckets", "api/0/buckets"),
            ("/favicon.ico", "(file)"),
        ] {
            assert_eq!(route(path), expected);
        }
    }

    #[test]
    fn a_line_is_one_line_and_not_long() {
        assert_eq!(shown("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert!(shown(&"x".repeat(10_000)).len() < 200);
    }
}
