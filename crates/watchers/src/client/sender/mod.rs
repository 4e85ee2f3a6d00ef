//! What is sent next, and what an answer means.
//!
//! [`Sender::step`] makes at most a few requests and then says when to call it again, so that a thread can drive it with
//! the real clock and a test with a fake one.
//!
//! **Once in effect.** A heartbeat whose answer was lost may have been stored. Sending it again changes nothing as long as
//! the event that it made or extended is still the bucket's last; but another program may have written to the bucket
//! between, and then it would become a second event. So:
//!
//! - To a server that takes many heartbeats at once, they are sent with the id of the attempt, which is in the queue's log.
//!   The server carries out each id once, also if this process died between.
//! - Any other server is asked first whether the bucket has an event that covers the heartbeat with the same data.

mod bulk;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use serde_json::json;
use timberline_model::{Duration, Timestamp, json as model_json};

use super::api::encoded;
use super::transport::{self, Answer, Method, Request, Transport};
use crate::backoff::Backoff;
use crate::queue::{Bucket, Queue, Refusal, Waiting};
use verdict::{Verdict, judge};

/// The most heartbeats, and about the most bytes, of one request.
const MOST_AT_ONCE: (usize, usize) = (1_000, 512 << 10);

/// The same of an attempt whose heartbeats are sent one after another. The disk is synced once for each attempt, and after a
/// crash the server is asked about each of them.
const MOST_ALONE: (usize, usize) = (100, 512 << 10);

/// How long a heartbeat may take. Timberline holds a write for up to a minute while its disk is full, and the reference client
/// waits for two minutes.
const PATIENCE: StdDuration = StdDuration::from_secs(120);

/// The longest that is waited after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest that a server's `Retry-After` is followed.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Why nothing is sent while somebody else answers, such as the login page of a network.
const NOT_THE_SERVER: &str =
    "what answers is no ActivityWatch server: check the network and the server's address";

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Step again at once.
    Again,
    /// Nothing is to be sent.
    Idle,
    /// Step again at this time of the monotonic clock.
    WaitUntil(Duration),
}

/// The time, as a step sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) monotonic: Duration,
    pub(crate) wall: Timestamp,
}

/// Whether the server takes many heartbeats at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bulk {
    Unknown,
    Yes,
    No,
}

/// Sends what waits in a queue.
pub(crate) struct Sender {
    queue: Arc<Mutex<Queue>>,
    transport: Arc<dyn Transport>,
    backoff: Backoff,
    /// No request before this time.
    wait_until: Duration,
    bulk: Bulk,
    /// An attempt that was refused as a whole: its heartbeats are sent alone.
    alone: Option<String>,
    /// Buckets that the key may not write to, and until when nothing is sent for them.
    blocked: BTreeMap<String, (Duration, Backoff)>,
    /// Buckets that were created since something was last stored.
    created: BTreeSet<String>,
    /// Whether no server was listening at the last request.
    nobody_listens: bool,
    /// Why nothing is sent, as a text for the user.
    trouble: Option<String>,
}

impl Sender {
    pub(crate) fn new(queue: Arc<Mutex<Queue>>, transport: Arc<dyn Transport>) -> Sender {
        Sender {
            queue,
            transport,
            backoff: Backoff::up_to(LONGEST_PAUSE),
            wait_until: Duration::ZERO,
            bulk: Bulk::Unknown,
            alone: None,
            blocked: BTreeMap::new(),
            created: BTreeSet::new(),
            nobody_listens: false,
            trouble: None,
        }
    }

    /// Does the next step.
    pub(crate) fn step(&mut self, now: Now) -> Step {
        if now.monotonic < self.wait_until {
            return Step::WaitUntil(self.wait_until);
        }
        let limits = if self.bulk == Bulk::No {
            MOST_ALONE
        } else {
            MOST_AT_ONCE
        };
        let blocked = |bucket: &str| {
            self.blocked
                .get(bucket)
                .is_some_and(|(until, _)| *until > now.monotonic)
        };
        let chosen = self.queue.lock().attempt(blocked, limits, now.monotonic);
        let Some(mut outgoing) = chosen else {
            return self.next_unblocked(now);
        };
        outgoing.make_durable();
        let (attempt, waiting) = (outgoing.attempt, outgoing.waiting);
        // The log was damaged: what the attempt names is gone.
        let Some(first) = waiting.first() else {
            self.queue.lock().done(attempt.numbers, true, now.monotonic);
            return Step::Again;
        };
        if self.bulk == Bulk::No || self.alone.as_ref() == Some(&attempt.id) {
            self.send_alone(first, outgoing.doubtful, now)
        } else {
            self.send_bulk(&attempt, &waiting, now)
        }
    }

    /// Forgets that it has to wait: the client is being closed.
    pub(crate) fn try_at_once(&mut self) {
        self.wait_until = Duration::ZERO;
        self.blocked.clear();
    }

    /// Whether no server was listening at the last request.
    pub(crate) fn nobody_listens(&self) -> bool {
        self.nobody_listens
    }

    /// Why nothing is sent.
    pub(crate) fn trouble(&self) -> Option<String> {
        let blocked = || {
            let bucket = self.blocked.keys().next()?;
            Some(format!(
                "the key may not write to the bucket '{bucket}': give it a token that may"
            ))
        };
        self.trouble.clone().or_else(blocked)
    }

    fn next_unblocked(&self, now: Now) -> Step {
        let untils = self.blocked.values().map(|(until, _)| *until);
        let next = untils.filter(|until| *until > now.monotonic).min();
        next.map_or(Step::Idle, Step::WaitUntil)
    }

    /// Sends one heartbeat as every server takes it.
    fn send_alone(&mut self, waiting: &Waiting, doubtful: bool, now: Now) -> Step {
        if doubtful {
            match self.is_stored(waiting) {
                Ok(false) => {}
                Ok(true) => return self.finish(vec![waiting.number], now),
                Err(verdict) => return self.no_success(verdict, now),
            }
        }
        let pulsetime = Duration::from(waiting.pulsetime).as_secs_f64();
        let path = format!(
            "/api/0/buckets/{}/heartbeat?pulsetime={pulsetime}",
            encoded(&waiting.bucket.id)
        );
        let mut body = Vec::new();
        model_json::write_event_without_id(&mut body, waiting.start, waiting.duration, waiting.data.as_str());
        match self.post(path, body) {
            Verdict::Stored(body) if is_event(&body) => self.finish(vec![waiting.number], now),
            Verdict::Stored(_) => {
                self.queue.lock().doubt();
                self.wait(NOT_THE_SERVER.to_owned(), None, now)
            }
            Verdict::NotFound(_) => match self.create(&waiting.bucket) {
                Verdict::Stored(_) => self.go_on_after_create(waiting, now),
                Verdict::Refused(reason) => self.set_aside(vec![refusal(waiting, &reason)], vec![], now),
                Verdict::NotFound(reason) => self.wait(reason, None, now),
                other => self.no_success(other, now),
            },
            // A server that refuses everything must not empty the queue into the file of refusals.
            Verdict::Refused(reason) => match self.ask("/api/0/info".to_owned()) {
                Verdict::Stored(info) if !is_info(&info) => self.wait(NOT_THE_SERVER.to_owned(), None, now),
                Verdict::Stored(_) | Verdict::Forbidden(_) => {
                    self.set_aside(vec![refusal(waiting, &reason)], vec![], now)
                }
                _ => self.wait(reason, None, now),
            },
            other => self.no_success(other, now),
        }
    }

    /// After a bucket was created, its heartbeats are sent at once; but a server that forgets buckets must not be asked
    /// without a pause.
    fn go_on_after_create(&mut self, waiting: &Waiting, now: Now) -> Step {
        let bucket = &waiting.bucket.id;
        if self.created.insert(bucket.clone()) {
            return Step::Again;
        }
        let reason = format!(
            "the server says that it has created the bucket '{bucket}', and then that it does not exist"
        );
        self.wait(reason, None, now)
    }

    /// Whether the bucket has an event that covers the heartbeat with the same data.
    fn is_stored(&mut self, waiting: &Waiting) -> Result<bool, Verdict> {
        // The Python server keeps milliseconds.
        let slack = Duration::from_nanos(1_000_000);
        let (start, end) = (waiting.start, waiting.end());
        let (from, to) = (start.saturating_sub(slack), end.saturating_add(slack));
        let path = format!(
            "/api/0/buckets/{}/events?start={}&end={}",
            encoded(&waiting.bucket.id),
            encoded(&from.to_string()),
            encoded(&to.to_string())
        );
        let body = match self.ask(path) {
            Verdict::Stored(body) => body,
            Verdict::NotFound(_) => return Ok(false),
            // The server does not tell, for example because the key is for recording only. Sending it again is harmless nearly
            // always, and not sending it never is.
            Verdict::Refused(_) | Verdict::Forbidden(_) => return Ok(false),
            wait => return Err(wait),
        };
        let Ok(events) = model_json::parse_events(&body) else {
            return Ok(false);
        };
        Ok(events.iter().any(|event| {
            event.data == waiting.data.as_str()
                && event.start <= start.saturating_add(slack)
                && event.end() >= end.saturating_sub(slack)
        }))
    }

    fn create(&mut self, bucket: &Bucket) -> Verdict {
        let body = json!({ "client": bucket.client, "type": bucket.type_, "hostname": bucket.hostname });
        let path = format!("/api/0/buckets/{}", encoded(&bucket.id));
        self.post(path, body.to_string().into_bytes())
    }

    fn post(&mut self, path: String, body: Vec<u8>) -> Verdict {
        self.send(Method::Post, path, Some(body))
    }

    fn ask(&mut self, path: String) -> Verdict {
        self.send(Method::Get, path, None)
    }

    fn send(&mut self, method: Method, path: String, body: Option<Vec<u8>>) -> Verdict {
        let request = Request {
            method,
            path,
            body,
            patience: PATIENCE,
        };
        let outcome = transport::send(&*self.transport, &request);
        self.nobody_listens = outcome.as_ref().is_err_and(|error| !error.may_have_arrived);
        let verdict = judge(outcome);
        if matches!(
            verdict,
            Verdict::Wait {
                may_have_arrived: true,
                ..
            }
        ) && request.method == Method::Post
        {
            self.queue.lock().doubt();
        }
        verdict
    }

    /// These are stored.
    fn finish(&mut self, numbers: Vec<u64>, now: Now) -> Step {
        self.set_aside(Vec::new(), numbers, now)
    }

    /// These are refused, and those are stored.
    fn set_aside(&mut self, refused: Vec<Refusal>, stored: Vec<u64>, now: Now) -> Step {
        if let Err(wait) = self.note_refused(&refused, now) {
            return wait;
        }
        let mut queue = self.queue.lock();
        let refused = refused.iter().map(|refusal| refusal.number);
        queue.done(stored.into_iter().chain(refused).collect(), false, now.monotonic);
        drop(queue);
        self.is_well();
        Step::Again
    }

    /// Notes what is refused, before it leaves the queue. `Err`: that cannot be written now, so it stays.
    fn note_refused(&mut self, refused: &[Refusal], now: Now) -> Result<(), Step> {
        let note = self.queue.lock().refused(refused, now.wall);
        note.write().map_err(|error| {
            self.wait(
                format!("a heartbeat that the server refused cannot be written to refused.ndjson: {error}"),
                None,
                now,
            )
        })
    }

    /// Something was stored, or refused for good.
    fn is_well(&mut self) {
        self.created.clear();
        self.backoff.reset();
        self.trouble = None;
        self.queue.lock().set_online(true);
    }

    fn no_success(&mut self, verdict: Verdict, now: Now) -> Step {
        match verdict {
            Verdict::Wait {
                reason, retry_after, ..
            } => self.wait(reason, retry_after, now),
            Verdict::Forbidden(reason) => self.wait(reason, None, now),
            Verdict::Stored(_) | Verdict::NotFound(_) | Verdict::Refused(_) => {
                self.wait("the server's answers contradict each other".to_owned(), None, now)
            }
        }
    }

    /// Waits before the next request.
    fn wait(&mut self, reason: String, retry_after: Option<StdDuration>, now: Now) -> Step {
        if self.trouble.is_none() {
            tracing::info!("heartbeats wait: {reason}");
        }
        self.trouble = Some(reason);
        self.queue.lock().set_online(false);
        // Perhaps it is another server when it answers again.
        if self.bulk == Bulk::No {
            self.bulk = Bulk::Unknown;
        }
        let asked = retry_after.map_or(Duration::ZERO, |time| {
            Duration::from_secs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)).min(LONGEST_WAIT)
        });
        self.wait_until = now.monotonic.saturating_add(self.backoff.next().max(asked));
        Step::WaitUntil(self.wait_until)
    }
}

fn refusal(waiting: &Waiting, reason: &str) -> Refusal {
    Refusal {
        number: waiting.number,
        reason: reason.to_owned(),
    }
}

/// Whether this is what every server answers to a heartbeat that it has stored or filtered: an event.
fn is_event(body: &[u8]) -> bool {
    has_text(body, "timestamp")
}

/// Whether this is what every server says of itself.
fn is_info(body: &[u8]) -> bool {
    has_text(body, "version")
}

/// Whether this is an object of JSON with a text of that name. A login page of a network, or a proxy's, is not.
fn has_text(body: &[u8], name: &str) -> bool {
    let value = serde_json::from_slice::<serde_json::Value>(body);
    value.is_ok_and(|value| value.get(name).is_some_and(serde_json::Value::is_string))
}

/// What a server says of its refusal.
fn message(answer: &Answer) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let message = value.as_ref().and_then(|value| value.get("message")?.as_str());
    match message {
        Some(message) => format!(
            "status {}: {}",
            answer.status,
            message.chars().take(300).collect::<String>()
        ),
        None => format!("status {}", answer.status),
    }
}
