//! `POST /api/1/purge` and `POST /api/1/redact`: losing for good.
//!
//! Asked without a token, both only tell what would go, and give the token that is needed to do it. What has begun is
//! completed, whatever the client does meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use parking_lot::Mutex;
use regex::{Regex, RegexBuilder};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Deserialize;
use serde_json::{Value, json};
use timberline_cancel::Cancel;
use timberline_model::{EventId, Timestamp};
use timberline_views::Redacting;
use timberline_views::erasure::{PurgeReceipt, Selected, Selection};
use timberline_views::record::PurgeBegun;
use timberline_views::{BucketKey, BucketView, Snapshot, TimeRange};

use super::past::beside;
use crate::app::App;
use crate::erasure::Copy;
use crate::http::{ApiError, collect_json, json_answer};
use crate::privacy::Field;

/// Examples in a preview.
const SAMPLES: usize = 20;
/// How long a token is good for.
const VALID: Duration = Duration::from_secs(600);
/// Previews whose token can be used at a time.
const MOST_PENDING: usize = 16;
/// What a pattern may take when it is compiled.
const PATTERN_BYTES: usize = 1 << 20;

/// The state of a receipt: all of it is gone; or it is out of sight, and goes as soon as files can be written; or only
/// some events of a redaction could be written down.
const COMPLETED: &str = "completed";
const ORDERED: &str = "ordered";
const PARTLY: &str = "partly";

/// Previews that may be confirmed.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<HashMap<String, (Instant, Arc<Request>)>>);

impl Pending {
    fn keep(&self, request: Request) -> Result<String, ApiError> {
        let mut bytes = [0u8; 16];
        getrandom(&mut bytes, GetRandomFlags::empty())
            .map_err(|error| ApiError::Internal(format!("The system has no random bytes: {error}")))?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| since.elapsed() < VALID);
        while kept.len() >= MOST_PENDING
            && let Some(oldest) = kept
                .iter()
                .min_by_key(|(_, (since, _))| *since)
                .map(|(token, _)| token.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(token.clone(), (timberline_clock::monotonic(), Arc::new(request)));
        Ok(token)
    }

    /// A token is good for one time.
    fn take(&self, token: &str, redact: bool) -> Result<Arc<Request>, ApiError> {
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| since.elapsed() < VALID);
        let known = kept
            .get(token)
            .is_some_and(|(_, request)| request.replacement.is_some() == redact);
        match known.then(|| kept.remove(token)).flatten() {
            Some((_, request)) => Ok(request),
            None => Err(ApiError::Conflict {
                message:
                    "This token is not known, was used, or is older than ten minutes: ask for a preview again"
                        .to_owned(),
                conflicts: Vec::new(),
            }),
        }
    }
}

/// What clients send, for both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    token: Option<String>,
    bucket: Option<Ids>,
    events: Option<Vec<u64>>,
    start: Option<String>,
    end: Option<String>,
    data: Option<Condition>,
    #[serde(default)]
    whole_bucket: bool,
    /// Of a redaction.
    field: Option<String>,
    pattern: Option<String>,
    replacement: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Ids {
    One(String),
    Many(Vec<String>),
}

/// Data in which a pattern is found: in all of it, or in one field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    pattern: String,
    field: Option<String>,
}

/// What data are asked for.
struct Data {
    pattern: Option<Regex>,
    field: Option<Field>,
}

impl Data {
    fn of(condition: Option<(&str, Option<&str>)>) -> Result<Data, ApiError> {
        let Some((pattern, field)) = condition else {
            return Ok(Data {
                pattern: None,
                field: None,
            });
        };
        let pattern = RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| ApiError::Unfit(format!("pattern: {error}")))?;
        Ok(Data {
            pattern: Some(pattern),
            field: field.map(Field::parse),
        })
    }

    fn matches(&self, data: &str) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        match &self.field {
            None => pattern.is_match(data),
            Some(field) => field.string(data).is_some_and(|value| pattern.is_match(&value)),
        }
    }

    /// The data with another value, if it matches.
    fn redacted(&self, data: &str, replacement: &str) -> Option<String> {
        let (pattern, field) = (self.pattern.as_ref()?, self.field.as_ref()?);
        let value = field.string(data)?;
        pattern
            .is_match(&value)
            .then(|| field.replaced(data, &pattern.replace_all(&value, replacement)))
    }
}

impl Request {
    fn condition(&self) -> Option<(&str, Option<&str>)> {
        let of_purge = self
            .data
            .as_ref()
            .map(|data| (data.pattern.as_str(), data.field.as_deref()));
        of_purge.or(self
            .pattern
            .as_deref()
            .map(|pattern| (pattern, self.field.as_deref())))
    }

    /// Refuses what would mean everything, or does not say all that it must.
    fn check(&self, redact: bool) -> Result<(), ApiError> {
        let refuse = |why: &str| Err(ApiError::Unfit(why.to_owned()));
        if redact {
            return match (&self.field, &self.pattern, &self.replacement) {
                (Some(_), Some(_), Some(_))
                    if self.data.is_none() && self.events.is_none() && !self.whole_bucket =>
                {
                    Ok(())
                }
                _ => refuse(
                    "A redaction is {\"field\": path, \"pattern\": regex, \"replacement\": text}, and \"bucket\", \
                     \"start\", \"end\" if not everything is meant",
                ),
            };
        }
        if self.field.is_some() || self.pattern.is_some() || self.replacement.is_some() {
            return refuse("A purge has its pattern in \"data\": {\"pattern\": regex, \"field\": path}");
        }
        let narrowed =
            self.events.is_some() || self.start.is_some() || self.end.is_some() || self.data.is_some();
        match (self.whole_bucket, &self.bucket) {
            (true, None) => refuse("\"whole_bucket\" needs \"bucket\": the ids of the buckets to purge"),
            (true, Some(_)) if narrowed => {
                refuse("\"whole_bucket\" is all of a bucket: leave out events, start, end and data")
            }
            (false, _) if !narrowed => refuse(
                "This would purge everything: say which \"events\", from \"start\" to \"end\", which \"data\", or which \
                 \"bucket\" with \"whole_bucket\": true",
            ),
            _ => Ok(()),
        }
    }

    /// A token stands for the request that it was given for. Another one beside it would not be what is carried out.
    fn check_alone(&self) -> Result<(), ApiError> {
        let purge =
            self.bucket.is_some() || self.events.is_some() || self.data.is_some() || self.whole_bucket;
        let range = self.start.is_some() || self.end.is_some();
        let redaction = self.field.is_some() || self.pattern.is_some() || self.replacement.is_some();
        match purge || range || redaction {
            true => Err(ApiError::Unfit(
                "A token stands for what was asked when it was given: send it alone".to_owned(),
            )),
            false => Ok(()),
        }
    }

    fn keys(&self, snapshot: &Snapshot) -> Result<Vec<BucketKey>, ApiError> {
        let ids = match &self.bucket {
            None => return Ok(Vec::new()),
            Some(Ids::One(id)) => std::slice::from_ref(id),
            Some(Ids::Many(ids)) if ids.is_empty() => {
                return Err(ApiError::Unfit("bucket: names none".to_owned()));
            }
            Some(Ids::Many(ids)) => ids.as_slice(),
        };
        let mut keys = Vec::new();
        for id in ids {
            let there = snapshot.bucket(id).map(|view| view.key());
            let trashed = snapshot.trashed().map(timberline_views::Trashed::view);
            let before = keys.len();
            keys.extend(there);
            keys.extend(
                trashed
                    .filter(|view| view.bucket().id == *id)
                    .map(|view| view.key()),
            );
            if keys.len() == before {
                return Err(ApiError::NoSuchBucket(id.clone()));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    fn range(&self) -> Result<TimeRange, ApiError> {
        let time = |name: &str, text: &Option<String>| {
            let parsed = text.as_deref().map(Timestamp::parse_clamped).transpose();
            parsed.map_err(|error| ApiError::Unfit(format!("{name}: {error}")))
        };
        Ok(TimeRange {
            start: time("start", &self.start)?,
            end: time("end", &self.end)?,
        })
    }
}

/// What is to go.
enum Doomed {
    Events(Selected),
    Buckets(Vec<BucketKey>),
}

/// `POST /api/1/purge`
pub(super) async fn purge(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    handle(app, headers, body, false).await
}

/// `POST /api/1/redact`
pub(super) async fn redact(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    handle(app, headers, body, true).await
}

async fn handle(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
    redact: bool,
) -> Result<Response<Body>, ApiError> {
    let request: Request = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        serde_json::from_slice(&body).map_err(|error| ApiError::Unfit(format!("The body: {error}")))?
    };
    if let Some(token) = &request.token {
        request.check_alone()?;
        let request = app.purges.take(token, redact)?;
        let done = tokio::task::spawn_blocking(move || carry_out(&app, &request)).await;
        let receipt = done.map_err(|_| ApiError::Internal("The purge broke off".to_owned()))??;
        let mut answer = json_answer(receipt.to_string().into_bytes());
        if receipt["state"] != COMPLETED {
            *answer.status_mut() = StatusCode::ACCEPTED;
        }
        return Ok(answer);
    }
    request.check(redact)?;
    // What cannot be read is told before anything is searched.
    let snapshot = app.store.snapshot();
    request.keys(&snapshot)?;
    request.range()?;
    Data::of(request.condition())?;
    let (store, asked) = (Arc::clone(&app), Arc::new(request));
    let searched = Arc::clone(&asked);
    let found = beside(move |cancel| Ok(search(&store, &searched, cancel))).await??;
    let request =
        Arc::into_inner(asked).ok_or_else(|| ApiError::Internal("The preview broke off".to_owned()))?;
    let expires = Timestamp::from_nanos(app.store.now().nanos().saturating_add(VALID.as_nanos() as i64));
    let mut told = preview(&snapshot, &found);
    told["token"] = json!(app.purges.keep(request)?);
    told["expires"] = json!(expires.to_string());
    Ok(json_answer(told.to_string().into_bytes()))
}

fn search(app: &App, request: &Request, cancel: &Cancel) -> Result<Doomed, ApiError> {
    let snapshot = app.store.snapshot();
    let buckets = request.keys(&snapshot)?;
    if request.whole_bucket {
        return Ok(Doomed::Buckets(buckets));
    }
    let data = Data::of(request.condition())?;
    let matches = |text: &str| data.matches(text);
    let selection = Selection {
        buckets,
        ids: request
            .events
            .as_ref()
            .map(|ids| ids.iter().copied().map(EventId).collect()),
        range: request.range()?,
        data: &matches,
    };
    Ok(Doomed::Events(app.store.select(&selection, SAMPLES, cancel)?))
}

fn name(snapshot: &Snapshot, key: BucketKey) -> String {
    let view = snapshot.kept_of(key);
    view.map(|view| view.bucket().id.clone()).unwrap_or_default()
}

fn preview(snapshot: &Snapshot, doomed: &Doomed) -> Value {
    match doomed {
        Doomed::Buckets(keys) => {
            let len = |key: &BucketKey| snapshot.kept_of(*key).map_or(0, BucketView::len);
            let buckets: Vec<Value> = keys
                .iter()
                .map(|key| json!({ "bucket": name(snapshot, *key), "count": len(key) }))
                .collect();
            json!({ "events": keys.iter().map(len).sum::<u64>(), "deleted": 0, "former": 0, "buckets": buckets, "samples": [] })
        }
        Doomed::Events(selected) => {
            let buckets: Vec<Value> = selected
                .by_bucket
                .iter()
                .map(|(key, count)| json!({ "bucket": name(snapshot, *key), "count": count }))
                .collect();
            let sample = |(key, id, start, duration, data): &(BucketKey, EventId, i64, i64, String)| {
                json!({
                    "bucket": name(snapshot, *key),
                    "id": id.0,
                    "timestamp": Timestamp::from_nanos(*start).to_string(),
                    "duration": *duration as f64 / 1e9,
                    "data": serde_json::from_str::<Value>(data).unwrap_or(Value::Null),
                })
            };
            json!({
                "events": selected.events,
                "deleted": selected.deleted,
                "former": selected.former,
                "buckets": buckets,
                "samples": selected.samples.iter().map(sample).collect::<Vec<_>>(),
            })
        }
    }
}

/// Orders the erasure and completes it. The receipt says how far that came. When nothing could be ordered, this is an
/// error, and nothing has happened. What is ordered is never ordered again: the store completes it as soon as it can.
fn carry_out(app: &Arc<App>, request: &Request) -> Result<Value, ApiError> {
    let snapshot = app.store.snapshot();
    let doomed = search(app, request, &Cancel::new())?;
    let counts = preview(&snapshot, &doomed);
    let missing = order(app, request, &doomed)?;
    let mut receipt = match app.store.complete_purges() {
        Ok(receipt) => {
            let copies = app.erasure.reach_copies(app);
            completed(receipt, &copies, app.store.now())
        }
        Err(error) => {
            tracing::warn!(%error, "a purge is ordered and could not be completed; it is tried again");
            app.engine.forget();
            json!({
                "state": ORDERED,
                "message": format!("Nobody can see it any more. It is not erased yet, and will be without being asked for again: {error}"),
                "completed": null,
            })
        }
    };
    if let Some(missing) = missing {
        receipt["state"] = json!(PARTLY);
        receipt["redacted"] = json!(missing.redacted);
        receipt["message"] = json!(format!(
            "{} events are redacted. The others are as they were: {}. Redact again for these, with a new preview",
            missing.redacted, missing.reason
        ));
    }
    receipt["what"] = json!(if request.replacement.is_some() {
        "redacted"
    } else {
        "purged"
    });
    for count in ["events", "deleted", "former", "buckets"] {
        receipt[count] = counts[count].clone();
    }
    Ok(receipt)
}

fn completed(receipt: Option<PurgeReceipt>, copies: &[Copy], now: Timestamp) -> Value {
    let backups: Vec<Value> = copies
        .iter()
        .map(|copy| match copy {
            Copy::Clean { path, segments } => {
                json!({ "path": path, "done": true, "segments": segments })
            }
            Copy::Waiting(waiting) => {
                json!({ "path": waiting.path, "done": false, "waiting": true, "message": waiting.why })
            }
        })
        .collect();
    let log = receipt.map(|receipt| receipt.log).unwrap_or_default();
    json!({
        "state": COMPLETED,
        "log_segments": log.segments,
        "records": log.records,
        "view_segments": receipt.map_or(0, |receipt| receipt.view_segments),
        "backups": backups,
        "completed": receipt.map_or(now, |receipt| receipt.completed).to_string(),
    })
}

/// What of a redaction could not be written down.
struct Missing {
    redacted: u64,
    reason: String,
}

/// Writes the orders down. A write that waits for space is done again, what was written before it is not.
fn order(app: &App, request: &Request, doomed: &Doomed) -> Result<Option<Missing>, ApiError> {
    let ordering = |purges: &[PurgeBegun]| app.hold.change_blocking(|| app.store.order_purge(purges));
    match (doomed, &request.replacement) {
        (Doomed::Events(selected), Some(replacement)) => {
            let data = Data::of(request.condition())?;
            let redacted = |text: &str| data.redacted(text, replacement);
            let mut redacting = Redacting::of(selected);
            let done = app
                .hold
                .change_blocking(|| app.store.redact_on(&mut redacting, &redacted));
            match done {
                Err(error) if redacting.redacted() > 0 => Ok(Some(Missing {
                    redacted: redacting.redacted(),
                    reason: error.to_string(),
                })),
                done => done.map(|()| None),
            }
        }
        (Doomed::Events(selected), None) => ordering(selected.purges()).map(|()| None),
        // In one go: the log is rewritten once, and the receipt is of all of them.
        (Doomed::Buckets(keys), _) => {
            ordering(&keys.iter().copied().map(PurgeBegun::whole).collect::<Vec<_>>()).map(|()| None)
        }
    }
}
