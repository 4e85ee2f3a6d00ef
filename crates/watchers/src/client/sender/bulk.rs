//! Many heartbeats in one request, to servers that take them (`POST /api/1/heartbeats`, `docs/events.md`).

use std::collections::BTreeMap;

use serde::Deserialize;
use timberline_model::{Duration, json};

use super::verdict::Verdict;
use super::{Backoff, Bulk, LONGEST_PAUSE, Now, Sender, Step, encoded, refusal};
use crate::queue::{Attempt, Refusal, Waiting};

/// The answer.
#[derive(Deserialize)]
struct Outcome {
    /// The refused ones; `None` if the server knows only that it has carried out the request before. What has no such field is not
    /// the answer of a server.
    #[serde(deserialize_with = "Option::deserialize")]
    answers: Option<Vec<Refused>>,
}

#[derive(Deserialize)]
struct Refused {
    index: usize,
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    r#type: String,
    #[serde(default)]
    message: String,
}

/// What is to be done with each heartbeat of an attempt.
#[derive(Default)]
struct Sorted<'a> {
    stored: Vec<u64>,
    refused: Vec<Refusal>,
    without_bucket: Vec<&'a Waiting>,
    without_right: Vec<&'a Waiting>,
    with_right: Vec<&'a str>,
}

impl Sender {
    pub(super) fn send_bulk(&mut self, attempt: &Attempt, waiting: &[Waiting], now: Now) -> Step {
        let body = match self.post("/api/1/heartbeats".to_owned(), body(attempt, waiting)) {
            Verdict::Stored(body) => body,
            Verdict::NotFound(_) => {
                self.bulk = Bulk::No;
                return Step::Again;
            }
            // 409: another request had this id. Any other refusal: perhaps one of them cannot be read, or it is too long.
            Verdict::Refused(_) => {
                self.alone = Some(attempt.id.clone());
                return Step::Again;
            }
            wait => return self.no_success(wait, now),
        };
        let Ok(outcome) = serde_json::from_slice::<Outcome>(&body) else {
            self.queue.lock().doubt();
            return self.wait(
                "the server's answer to many heartbeats cannot be read".to_owned(),
                None,
                now,
            );
        };
        self.bulk = Bulk::Yes;
        let sorted = match outcome.answers {
            Some(answers) => sort(waiting, answers),
            None => match self.sort_without_answers(waiting) {
                Ok(sorted) => sorted,
                Err(verdict) => return self.no_success(verdict, now),
            },
        };
        self.carry_out(&sorted, now)
    }

    /// What is to be done if the server has carried out the request and knows nothing else: its records were erased or squashed. What
    /// was stored must not be sent again, because the person may have erased it. But a bucket that is missing was missing then.
    fn sort_without_answers<'a>(&mut self, waiting: &'a [Waiting]) -> Result<Sorted<'a>, Verdict> {
        let mut missing: BTreeMap<&str, bool> = BTreeMap::new();
        let mut sorted = Sorted::default();
        for waiting in waiting {
            let bucket = waiting.bucket.id.as_str();
            let is_missing = match missing.get(bucket) {
                Some(known) => *known,
                None => {
                    let is_missing = self.is_missing(bucket)?;
                    missing.insert(bucket, is_missing);
                    is_missing
                }
            };
            if is_missing {
                sorted.without_bucket.push(waiting);
            } else {
                sorted.stored.push(waiting.number);
            }
        }
        Ok(sorted)
    }

    /// Whether the server does not have a bucket, as far as it says.
    fn is_missing(&mut self, bucket: &str) -> Result<bool, Verdict> {
        match self.ask(format!("/api/0/buckets/{}", encoded(bucket))) {
            Verdict::NotFound(_) => Ok(true),
            Verdict::Stored(_) | Verdict::Refused(_) | Verdict::Forbidden(_) => Ok(false),
            wait => Err(wait),
        }
    }

    fn carry_out(&mut self, sorted: &Sorted<'_>, now: Now) -> Step {
        // If it cannot be noted, the request can be sent again: the server knows its id.
        if let Err(wait) = self.note_refused(&sorted.refused, now) {
            return wait;
        }
        let mut queue = self.queue.lock();
        let refused = sorted.refused.iter().map(|refusal| refusal.number);
        let done: Vec<u64> = sorted.stored.iter().copied().chain(refused).collect();
        let is_progress = !done.is_empty();
        // What is left is sent with a new id: the server would repeat its answer for this one.
        queue.done(done, true, now.monotonic);
        drop(queue);
        if is_progress {
            self.is_well();
        }
        for bucket in &sorted.with_right {
            self.blocked.remove(*bucket);
        }
        for waiting in &sorted.without_right {
            let entry = self.blocked.entry(waiting.bucket.id.clone());
            let entry = entry.or_insert_with(|| (Duration::ZERO, Backoff::up_to(LONGEST_PAUSE)));
            if entry.0 <= now.monotonic {
                entry.0 = now.monotonic.saturating_add(entry.1.next());
            }
        }
        self.create_all(&sorted.without_bucket, now)
    }

    /// Creates the buckets that are missing.
    fn create_all(&mut self, without_bucket: &[&Waiting], now: Now) -> Step {
        let mut created: Vec<&str> = Vec::new();
        let mut step = Step::Again;
        for waiting in without_bucket {
            if created.contains(&waiting.bucket.id.as_str()) {
                continue;
            }
            match self.create(&waiting.bucket) {
                Verdict::Stored(_) => {
                    created.push(&waiting.bucket.id);
                    if self.go_on_after_create(waiting, now) != Step::Again {
                        step = Step::WaitUntil(self.wait_until);
                    }
                }
                Verdict::Refused(reason) => {
                    let same = without_bucket
                        .iter()
                        .filter(|other| other.bucket == waiting.bucket);
                    let refused = same.map(|other| refusal(other, &reason)).collect();
                    created.push(&waiting.bucket.id);
                    if let wait @ Step::WaitUntil(_) = self.set_aside(refused, Vec::new(), now) {
                        step = wait;
                    }
                }
                Verdict::NotFound(reason) => return self.wait(reason, None, now),
                wait => return self.no_success(wait, now),
            }
        }
        step
    }
}

fn sort<'a>(waiting: &'a [Waiting], answers: Vec<Refused>) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    let mut answers = answers.into_iter().peekable();
    for (index, waiting) in waiting.iter().enumerate() {
        let error = answers
            .next_if(|answer| answer.index == index)
            .map(|answer| answer.error);
        match error.as_ref().map(|error| error.r#type.as_str()) {
            // A privacy filter drops it, as the person wants.
            None | Some("filtered") => {
                sorted.stored.push(waiting.number);
                sorted.with_right.push(&waiting.bucket.id);
            }
            Some("no such bucket") => sorted.without_bucket.push(waiting),
            Some("not in the scope of the token") => sorted.without_right.push(waiting),
            Some(kind) => {
                let said = error.as_ref().map_or("", |error| &error.message);
                sorted.refused.push(refusal(waiting, &format!("{kind}: {said}")));
            }
        }
    }
    sorted
}

fn body(attempt: &Attempt, waiting: &[Waiting]) -> Vec<u8> {
    let mut out = br#"{"answers":"errors","batch":"#.to_vec();
    json::write_string(&mut out, &attempt.id);
    out.extend_from_slice(br#","heartbeats":["#);
    for (index, waiting) in waiting.iter().enumerate() {
        out.extend_from_slice(if index == 0 {
            b"{\"bucket\":"
        } else {
            b",{\"bucket\":"
        });
        json::write_string(&mut out, &waiting.bucket.id);
        out.extend_from_slice(b",\"pulsetime\":");
        Duration::from(waiting.pulsetime).write(&mut out);
        out.extend_from_slice(b",\"timestamp\":\"");
        waiting.start.write(&mut out);
        out.extend_from_slice(b"\",\"duration\":");
        waiting.duration.write(&mut out);
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(waiting.data.as_str().as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
