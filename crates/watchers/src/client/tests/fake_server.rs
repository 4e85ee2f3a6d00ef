//! Servers that answer as those of the conformance corpus do, and a network between that fails as told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use timberline_model::json::{parse_events, parse_heartbeat, parse_heartbeats, write_event};
use timberline_model::{Duration, EventId, Heartbeat, Pulsetime, Timestamp, heartbeat};

use crate::client::transport::{Answer, Method, NotSent, Request, Transport};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// aw-server-rust: a heartbeat is compared with the event that the last heartbeat has written.
    Rust,
    /// aw-server: with the event that begins last; times are whole milliseconds.
    Python,
    /// Timberline: like aw-server-rust, and it takes many at once.
    Timberline,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    start: Timestamp,
    duration: Duration,
    data: String,
}

#[derive(Debug, Default)]
struct BucketState {
    events: Vec<Stored>,
    last: Option<usize>,
    created_with: Value,
}

/// A server's state.
#[derive(Debug)]
pub(crate) struct FakeServer {
    kind: Kind,
    buckets: BTreeMap<String, BucketState>,
    batches: BTreeMap<String, Value>,
    /// Buckets that the key may not write to.
    pub(crate) forbidden: Vec<String>,
    /// Data that a privacy filter drops.
    pub(crate) filtered: Option<String>,
    /// Data that the server refuses with 400.
    pub(crate) unreadable: Option<String>,
    /// Whether the key is for recording only.
    pub(crate) append_only: bool,
    /// Whether the server says that it creates buckets, and does not.
    pub(crate) forgets_buckets: bool,
    /// Whether the server knows of requests only that it has carried them out, as if their records were squashed.
    pub(crate) forgets_answers: bool,
    /// Each request, for tests that count them.
    pub(crate) requests: Vec<String>,
}

impl FakeServer {
    pub(crate) fn new(kind: Kind) -> FakeServer {
        FakeServer {
            kind,
            buckets: BTreeMap::new(),
            batches: BTreeMap::new(),
            forbidden: Vec::new(),
            filtered: None,
            unreadable: None,
            append_only: false,
            forgets_buckets: false,
            forgets_answers: false,
            requests: Vec::new(),
        }
    }

    pub(crate) fn created_with(&self, bucket: &str) -> Value {
        self.buckets
            .get(bucket)
            .map(|bucket| bucket.created_with.clone())
            .unwrap_or_default()
    }

    /// Forgets everything, as a server whose database was deleted.
    pub(crate) fn forget(&mut self) {
        self.buckets.clear();
        self.batches.clear();
    }

    /// Erases the events of a bucket.
    pub(crate) fn erase(&mut self, bucket: &str) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.events.clear();
            bucket.last = None;
        }
    }

    /// Start and end in seconds, and data.
    pub(crate) fn events(&self, bucket: &str) -> Vec<(i64, i64, String)> {
        let events = self.buckets.get(bucket).map_or(&[][..], |bucket| &bucket.events);
        let seconds = |time: Timestamp| time.nanos() / 1_000_000_000;
        let event = |event: &Stored| {
            let data: Value = serde_json::from_str(&event.data).expect("data");
            let end = event.start.saturating_add(event.duration);
            (
                seconds(event.start),
                seconds(end),
                data["d"].as_str().unwrap_or_default().to_owned(),
            )
        };
        events.iter().map(event).collect()
    }

    /// The events of a bucket as they are stored: start and end in milliseconds since 1970, and the data.
    pub(crate) fn stored(&self, bucket: &str) -> Vec<(i64, i64, String)> {
        let events = self.buckets.get(bucket).map_or(&[][..], |bucket| &bucket.events);
        let millis = |time: Timestamp| time.nanos() / 1_000_000;
        let event = |event: &Stored| {
            let end = event.start.saturating_add(event.duration);
            (millis(event.start), millis(end), event.data.clone())
        };
        events.iter().map(event).collect()
    }

    /// A heartbeat of any client.
    pub(crate) fn beat(&mut self, id: &str, beat: &Heartbeat<'_>, pulsetime: Pulsetime) {
        let kind = self.kind;
        let bucket = self.buckets.entry(id.to_owned()).or_default();
        let last = match kind {
            Kind::Python => {
                let newest = bucket
                    .events
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, event)| event.start);
                newest.map(|(index, _)| index)
            }
            _ => bucket.last,
        };
        let beaten = Stored {
            start: beat.start,
            duration: beat.duration,
            data: beat.data.to_string(),
        };
        if let Some(event) = last.and_then(|last| bucket.events.get_mut(last)) {
            let same = event.data == beaten.data;
            let merged = heartbeat::merge(
                event.start,
                event.duration,
                same,
                beat.start,
                beat.duration,
                pulsetime,
            );
            if let Some(duration) = merged {
                event.duration = duration;
                return;
            }
        }
        bucket.last = Some(bucket.events.len());
        bucket.events.push(beaten);
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        self.requests.push(format!("{:?} {path}", request.method));
        let body = request.body.as_deref().unwrap_or_default();
        let parts: Vec<String> = path
            .split('/')
            .skip(2)
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if request.method == Method::Get && self.append_only {
            return answer(403, json!({}));
        }
        match (request.method, parts.as_slice()) {
            (Method::Get, ["0", "info"]) => answer(200, json!({ "hostname": "laptop", "version": "fake" })),
            (Method::Post, ["0", "buckets", id]) => self.create(id, body),
            (Method::Post, ["0", "buckets", id, "heartbeat"]) => self.heartbeat(id, query, body),
            (Method::Get, ["0", "buckets", id]) if self.buckets.contains_key(*id) => {
                answer(200, json!({ "id": id }))
            }
            (Method::Get, ["0", "buckets", id, "events"]) => self.list(id, query),
            (Method::Post, ["1", "heartbeats"]) if self.kind == Kind::Timberline => self.many(body),
            (Method::Post, _) if self.kind == Kind::Python => answer(405, json!({})),
            _ => answer(404, json!({})),
        }
    }

    fn create(&mut self, id: &str, body: &[u8]) -> Answer {
        if self.forbidden.iter().any(|forbidden| forbidden == id) {
            return answer(403, json!({}));
        }
        if self.buckets.contains_key(id) {
            return answer(304, Value::Null);
        }
        if self.forgets_buckets {
            return answer(200, Value::Null);
        }
        let bucket = BucketState {
            created_with: serde_json::from_slice(body).expect("JSON"),
            ..BucketState::default()
        };
        self.buckets.insert(id.to_owned(), bucket);
        answer(200, Value::Null)
    }

    fn heartbeat(&mut self, id: &str, query: &str, body: &[u8]) -> Answer {
        let pulsetime = query.strip_prefix("pulsetime=").expect("a pulsetime");
        let pulsetime = Pulsetime::from_secs_f64(pulsetime.parse().expect("a number")).expect("a pulsetime");
        let beat = parse_heartbeat(body).expect("a heartbeat");
        if self
            .unreadable
            .as_ref()
            .is_some_and(|text| beat.data.contains(text))
        {
            return answer(400, json!({ "message": "it is unreadable" }));
        }
        if !self.buckets.contains_key(id) {
            let message = format!("The requested bucket '{id}' does not exist");
            return answer(404, json!({ "message": message }));
        }
        self.beat(id, &beat, pulsetime);
        answer(200, json!({ "timestamp": beat.start.to_string() }))
    }

    fn list(&mut self, id: &str, query: &str) -> Answer {
        let Some(bucket) = self.buckets.get(id) else {
            return answer(404, json!({}));
        };
        let mut range = [Timestamp::MIN, Timestamp::MAX];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').expect("a pair");
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            let time = || Timestamp::parse(&value).expect("a time");
            match name {
                "start" => range[0] = time(),
                "end" => range[1] = time(),
                "limit" => assert_eq!(value, "-1"),
                _ => panic!("unknown parameter {name}"),
            }
        }
        let [from, to] = range;
        let mut out = b"[".to_vec();
        for (index, event) in bucket.events.iter().enumerate().rev() {
            let (start, end) = (
                event.start.max(from),
                event.start.saturating_add(event.duration).min(to),
            );
            if start > end {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            write_event(
                &mut out,
                EventId(index as u64 + 1),
                start,
                end.since(start),
                &event.data,
            );
        }
        out.push(b']');
        assert!(parse_events(&out).is_ok());
        Answer {
            status: 200,
            retry_after: None,
            body: out,
        }
    }

    fn many(&mut self, body: &[u8]) -> Answer {
        let request = parse_heartbeats(body).expect("heartbeats");
        let whole: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(whole["answers"], "errors");
        let id = whole["batch"].as_str().expect("an id").to_owned();
        if let Some(known) = self.batches.get(&id) {
            assert_eq!(
                known["heartbeats"], whole["heartbeats"],
                "an id names one request"
            );
            let mut said = known["answer"].clone();
            if self.forgets_answers {
                said["answers"] = Value::Null;
            }
            return answer(200, said);
        }
        if self
            .unreadable
            .as_ref()
            .is_some_and(|text| String::from_utf8_lossy(body).contains(text))
        {
            return answer(400, json!({}));
        }
        let (mut errors, mut stored) = (Vec::new(), 0);
        for (index, beat) in request.heartbeats.iter().enumerate() {
            let beat = beat.as_ref().expect("a heartbeat");
            let kind = if self.forbidden.contains(&beat.bucket.to_string()) {
                "not in the scope of the token"
            } else if !self.buckets.contains_key(beat.bucket.as_ref()) {
                "no such bucket"
            } else if self
                .filtered
                .as_ref()
                .is_some_and(|text| beat.heartbeat.data.contains(text))
            {
                "filtered"
            } else {
                self.beat(&beat.bucket, &beat.heartbeat, beat.pulsetime);
                stored += 1;
                continue;
            };
            errors.push(json!({ "index": index, "error": { "type": kind, "message": "no" } }));
        }
        let said = json!({ "answers": errors, "stored": stored });
        if stored > 0 {
            self.batches
                .insert(id, json!({ "heartbeats": whole["heartbeats"], "answer": said }));
        }
        answer(200, said)
    }
}

fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens.
    Refused,
    /// The connection breaks before the server has read the request.
    LostOnTheWay,
    /// The server carries it out, and the answer is lost.
    AnswerLost,
    /// The server answers with this status and does nothing.
    Status(u16),
    /// The server carries it out, and a proxy answers with this status.
    StatusAfterwards(u16),
    /// The server asks to come again after so many seconds.
    RetryAfter(u64),
    /// A network answers each request itself, with a page to log in.
    LoginPage,
    /// The same, and it refuses what is posted.
    LoginPageOnly,
}

/// The network to a server.
pub(crate) struct Link {
    pub(crate) server: Mutex<FakeServer>,
    /// What happens to the next requests.
    pub(crate) next: Mutex<VecDeque<Fault>>,
    /// What happens to all others.
    pub(crate) always: Mutex<Option<Fault>>,
    /// How often something was sent.
    pub(crate) sent: AtomicUsize,
}

impl Link {
    pub(crate) fn to(server: FakeServer) -> Link {
        Link {
            server: Mutex::new(server),
            next: Mutex::new(VecDeque::new()),
            always: Mutex::new(None),
            sent: AtomicUsize::new(0),
        }
    }
}

impl Transport for Link {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let lost = |may_have_arrived| {
            Err(NotSent {
                reason: "the network fails".to_owned(),
                may_have_arrived,
            })
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let next = self.next.lock().pop_front();
        let fault = next.or(*self.always.lock());
        let status = |status| Ok(answer(status, json!({ "message": "as told" })));
        match fault {
            None => Ok(self.server.lock().answer(request)),
            Some(Fault::Refused) => lost(false),
            Some(Fault::LostOnTheWay) => lost(true),
            Some(Fault::AnswerLost) => {
                self.server.lock().answer(request);
                lost(true)
            }
            Some(Fault::Status(code)) => status(code),
            Some(Fault::StatusAfterwards(code)) => {
                self.server.lock().answer(request);
                status(code)
            }
            Some(Fault::LoginPageOnly) if request.method == Method::Post => status(400),
            Some(Fault::LoginPage | Fault::LoginPageOnly) => Ok(Answer {
                body: b"<!DOCTYPE html><title>Log in</title>".to_vec(),
                ..answer(200, Value::Null)
            }),
            Some(Fault::RetryAfter(seconds)) => Ok(Answer {
                retry_after: Some(StdDuration::from_secs(seconds)),
                ..answer(429, json!({}))
            }),
        }
    }
}
