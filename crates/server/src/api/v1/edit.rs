//! Changing events: one (`PATCH`), cutting one (`split`), joining several (`merge`), and all that match (`edit`, `delete`).
//! Every answer names the records, for `POST /api/1/undo`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use timberline_model::{Data, Duration, Event, EventId, Timestamp};
use timberline_views::{BucketKey, Edit, EditPlan, Edited, Snapshot, TimeRange, as_put};
use utoipa::ToSchema;

use crate::api::json_body::read_json;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::Instant;
use crate::api::param::Param;
use crate::api::v1::purge::Ids;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, json_answer, run_blocking};
use crate::service::edit::{
    Change, EditError, EditRequest, EventFilter, Matching, Values, between, edit, merged,
    split as split_event,
};
use crate::service::purge::pending::VALID;

/// Events that can be merged at once.
const MAX_MERGED: usize = 10_000;

/// The changes to an event.
#[derive(Deserialize, ToSchema)]
#[schema(as = EventPatch)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchRequest {
    /// When it begins.
    #[schema(format = DateTime)]
    timestamp: Option<String>,
    /// How many seconds it lasts.
    #[schema(value_type = Option<f64>, minimum = -9223372036i64, maximum = 9223372036u64)]
    duration: Option<Box<RawValue>>,
    /// A JSON merge patch (RFC 7386): members take the place of those of the data, null removes one.
    #[schema(value_type = Option<serde_json::Map<String, Value>>)]
    data: Option<Value>,
}

/// Where an event is to be cut.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = EventSplit)]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitRequest {
    /// Instants within the event, in RFC 3339.
    #[schema(min_items = 1, value_type = Vec<Instant>)]
    at: Vec<String>,
}

/// Events that are to become one.
#[derive(Deserialize, ToSchema)]
#[schema(as = EventsMerge)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeRequest {
    /// Their ids, at least two different ones. No other event of the bucket may start between them.
    #[schema(min_items = 2, max_items = 10_000)]
    events: Vec<u64>,
    /// The data of the event; those of the first, unless given.
    #[schema(value_type = Option<serde_json::Map<String, Value>>)]
    data: Option<Value>,
}

/// Which events to change, and how; or only the token from the preview.
#[derive(Deserialize, ToSchema)]
#[schema(as = EventsEdit)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    /// The token from a preview; then nothing else.
    token: Option<String>,
    /// Only events of these buckets.
    bucket: Option<Ids>,
    /// Only these events.
    events: Option<Vec<u64>>,
    /// Only events that end at or after this.
    #[schema(format = DateTime)]
    start: Option<String>,
    /// Only events that start at or before this.
    #[schema(format = DateTime)]
    end: Option<String>,
    /// Only events with this text in one of their strings, in upper or lower case.
    text: Option<String>,
    /// Only events in which this regular expression is found.
    regex: Option<String>,
    /// Where the regular expression is searched for, or which field has the `value`: names joined by dots.
    field: Option<String>,
    /// Only events whose field has this value.
    value: Option<Value>,
    /// For an edit: what is to be another.
    #[schema(value_type = Option<schema::EventChanges>)]
    change: Option<BulkChange>,
}

/// The changes to each event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkChange {
    /// By how many seconds it is moved.
    shift: Option<Box<RawValue>>,
    duration: Option<Box<RawValue>>,
    data: Option<Value>,
}

/// Change an event
///
/// Changes its time, its duration, or its data (with a JSON merge patch, RFC 7386).
#[utoipa::path(
    patch,
    path = "/api/1/buckets/{bucket}/events/{event}",
    operation_id = "patch_event",
    tag = "Events",
    params(
        ("bucket" = String, Path, description = "The id of the bucket"),
        ("event" = u64, Path, description = "The id of the event"),
    ),
    request_body = PatchRequest,
    responses(
        (status = 200, description = "The event as it is now", body = schema::EventsEdited),
        (status = 404, description = "There is no such bucket or event", body = Error),
    ),
)]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    Param((bucket, event)): Param<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: PatchRequest = read_json(&app, &headers, body, "The body").await?;
    let values = Values {
        start: time("timestamp", request.timestamp.as_deref())?,
        duration: seconds("duration", request.duration.as_deref())?,
        shift: None,
        data: object(request.data)?,
    };
    change_one(app, bucket, event, move |event| {
        let changed = values.applied(event)?;
        Ok(EditPlan {
            put: (changed != *event)
                .then(|| as_put(&changed))
                .into_iter()
                .collect(),
            removed: Vec::new(),
        })
    })
    .await
}

/// Split an event
///
/// Cuts it at the given instants. The first part keeps the id, the others get new ids. All parts have the data of the event.
#[utoipa::path(
    post,
    path = "/api/1/buckets/{bucket}/events/{event}/split",
    operation_id = "split_event",
    tag = "Events",
    params(
        ("bucket" = String, Path, description = "The id of the bucket"),
        ("event" = u64, Path, description = "The id of the event"),
    ),
    request_body = SplitRequest,
    responses(
        (status = 200, description = "The parts", body = schema::EventsEdited),
        (status = 404, description = "There is no such bucket or event", body = Error),
    ),
)]
pub(crate) async fn split(
    State(app): State<Arc<App>>,
    Param((bucket, event)): Param<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: SplitRequest = read_json(&app, &headers, body, "The body").await?;
    let at = request.at.iter().map(|text| required_time("at", text));
    let at = at.collect::<Result<Vec<Timestamp>, _>>()?;
    if at.is_empty() {
        return Err(ApiError::Unfit("at: expected one instant at least".to_owned()));
    }
    change_one(app, bucket, event, move |event| split_event(event, &at)).await
}

/// Merge events
///
/// Joins neighbouring events into one, from the start of the first to the latest end. It keeps the id of the first; the others
/// are deleted.
#[utoipa::path(
    post,
    path = "/api/1/buckets/{bucket}/events/merge",
    operation_id = "merge_events",
    tag = "Events",
    params(("bucket" = String, Path, description = "The id of the bucket")),
    request_body = MergeRequest,
    responses(
        (status = 200, description = "The event", body = schema::EventsEdited),
        (status = 404, description = "There is no such bucket or event", body = Error),
    ),
)]
pub(crate) async fn merge(
    State(app): State<Arc<App>>,
    Param(bucket): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: MergeRequest = read_json(&app, &headers, body, "The body").await?;
    let mut ids: Vec<EventId> = request.events.into_iter().map(EventId).collect();
    ids.sort_unstable();
    ids.dedup();
    if !(2..=MAX_MERGED).contains(&ids.len()) {
        let message = format!(
            "events: expected 2 to {MAX_MERGED} different ids, not {}",
            ids.len()
        );
        return Err(ApiError::Unfit(message));
    }
    let data = object(request.data)?.map(|data| Data::parse(&data.to_string()));
    let data = data
        .transpose()
        .map_err(|error| ApiError::Unfit(format!("data: {error}")))?;
    change(app, bucket, ids, move |snapshot, key, events| {
        let between = snapshot
            .bucket_of(key)
            .map_or(Ok(None), |view| between(view, events))?;
        match between {
            Some(other) => Err(EditError::Unfit(format!(
                "events: they are no neighbours, because event {other} starts between them"
            ))),
            None => Ok(merged(events, data.as_ref())),
        }
    })
    .await
}

async fn change_one(
    app: Arc<App>,
    bucket: String,
    event: String,
    plan: impl Fn(&Event) -> Result<EditPlan, EditError> + Send + 'static,
) -> Result<Response<Body>, ApiError> {
    let Ok(id) = event.parse().map(EventId) else {
        return Err(ApiError::NoSuchEvent { bucket, event });
    };
    change(app, bucket, vec![id], move |_, _, events| {
        events.first().map_or_else(|| Ok(EditPlan::default()), &plan)
    })
    .await
}

/// Changes events of one bucket, all of which must be there.
async fn change(
    app: Arc<App>,
    bucket: String,
    ids: Vec<EventId>,
    plan: impl Fn(&Snapshot, BucketKey, &[Event]) -> Result<EditPlan, EditError> + Send + 'static,
) -> Result<Response<Body>, ApiError> {
    let store = Arc::clone(&app);
    let (edited, shown) = run_blocking(move |_| -> Result<_, EditError> {
        let snapshot = app.store.snapshot();
        let view = snapshot
            .bucket(&bucket)
            .ok_or_else(|| EditError::NoSuchBucket(bucket.clone()))?;
        let key = view.key();
        drop(snapshot);
        let edits = [Edit {
            bucket: key,
            ids: ids.clone(),
        }];
        let last = std::cell::RefCell::new(Vec::new());
        let edited = edit(&app, &edits, &|_, events| {
            let missing = ids.iter().find(|id| !events.iter().any(|event| event.id == **id));
            if let Some(event) = missing {
                return Err(EditError::NoSuchEvent {
                    bucket: bucket.clone(),
                    event: *event,
                });
            }
            let plan = plan(&app.store.snapshot(), key, events)?;
            *last.borrow_mut() = match plan.put.is_empty() {
                true => events.iter().map(as_put).collect(),
                false => plan.put.clone(),
            };
            Ok(plan)
        })?;
        Ok((edited, last.into_inner()))
    })
    .await?;
    let mut ids = edited.put.iter().flatten().copied();
    let events: Vec<Value> = shown
        .iter()
        .map(|event| {
            let id = ids.next().or(event.id).unwrap_or_default();
            event_json(id, event.start, event.duration, &event.data)
        })
        .collect();
    let mut answer = json!({ "events": events, "removed": edited.removed });
    finish(&store, &edited, &mut answer).await
}

/// Change all events that match
///
/// Without a token, nothing is changed: the answer says what would be changed, and contains the token for the second request.
#[utoipa::path(
    post,
    path = "/api/1/events/edit",
    operation_id = "edit_events",
    tag = "Events",
    request_body = BulkRequest,
    responses(
        (status = 200, description = "What would be changed, or was changed", body = schema::BulkEdited),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 409, description = "The token is not known", body = Error),
    ),
)]
pub(crate) async fn edit_all(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    bulk(app, headers, body, false).await
}

/// Delete all events that match
///
/// Works like `POST /api/1/events/edit`. Deleted events are in the trash.
#[utoipa::path(
    post,
    path = "/api/1/events/delete",
    operation_id = "delete_events",
    tag = "Events",
    request_body = BulkRequest,
    responses(
        (status = 200, description = "What would be deleted, or was deleted", body = schema::BulkEdited),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 409, description = "The token is not known", body = Error),
    ),
)]
pub(crate) async fn delete_all(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    bulk(app, headers, body, true).await
}

async fn bulk(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
    delete: bool,
) -> Result<Response<Body>, ApiError> {
    let request: BulkRequest = read_json(&app, &headers, body, "The body").await?;
    let now = timberline_clock::monotonic();
    if let Some(token) = &request.token {
        request.check_alone()?;
        let request = app
            .edits
            .take(token, |request| request.is_deletion() == delete, now)?;
        let worker = Arc::clone(&app);
        let (matching, edited) = run_blocking(move |cancel| request.carry_out(&worker, cancel)).await?;
        let mut answer = counts_json(&matching);
        answer["edited"] = json!(edited.put.iter().map(Vec::len).sum::<usize>());
        answer["removed"] = json!(edited.removed);
        return finish(&app, &edited, &mut answer).await;
    }
    let request = Arc::new(request.into_edit(delete)?);
    let (searched, wanted) = (Arc::clone(&app), Arc::clone(&request));
    let matching = run_blocking(move |cancel| wanted.matching(&searched.store.snapshot(), cancel)).await?;
    let request =
        Arc::into_inner(request).ok_or_else(|| ApiError::Internal("The preview broke off".to_owned()))?;
    let expires = app.store.now().nanos().saturating_add(VALID.as_nanos() as i64);
    let mut answer = counts_json(&matching);
    answer["samples"] = matching.samples.iter().map(sample_json).collect();
    answer["token"] = json!(app.edits.keep(request, now)?);
    answer["expires"] = json!(Timestamp::from_nanos(expires).to_string());
    Ok(json_answer(answer.to_string().into_bytes()))
}

impl BulkRequest {
    /// Refuses a token together with anything else.
    fn check_alone(&self) -> Result<(), ApiError> {
        let is_alone = self.is_wide() && self.bucket.is_none() && self.change.is_none();
        match is_alone && self.field.is_none() && self.value.is_none() {
            true => Ok(()),
            false => Err(ApiError::Unfit(
                "A token stands for what was asked when it was given: send it alone".to_owned(),
            )),
        }
    }

    /// Whether nothing but the bucket narrows it.
    fn is_wide(&self) -> bool {
        self.events.is_none()
            && self.start.is_none()
            && self.end.is_none()
            && self.text.is_none()
            && self.regex.is_none()
            && self.value.is_none()
    }

    fn into_edit(self, delete: bool) -> Result<EditRequest, ApiError> {
        if self.bucket.is_none() && self.is_wide() {
            return Err(ApiError::Unfit(
                "This would mean everything: say which \"events\", from \"start\" to \"end\", with which \"text\", \
                 \"regex\" or \"value\" of a \"field\", or which \"bucket\""
                    .to_owned(),
            ));
        }
        let ids = self.events.map(|ids| ids.into_iter().map(EventId).collect());
        let mut filter = EventFilter::default()
            .with_ids(ids)
            .with_text(self.text.as_deref());
        match (&self.regex, &self.field, &self.value) {
            (Some(regex), field, None) => filter = filter.with_pattern(regex, field.as_deref())?,
            (None, Some(field), Some(value)) => filter = filter.with_value(field, value),
            (None, None, None) => {}
            _ => {
                return Err(ApiError::Unfit(
                    "Expected \"regex\" with or without a \"field\", or a \"field\" with its \"value\""
                        .to_owned(),
                ));
            }
        }
        let change = match (delete, self.change) {
            (true, None) => Change::Delete,
            (false, Some(change)) => Change::Edit(change.values()?),
            (true, Some(_)) => return Err(ApiError::Unfit("change: a deletion has none".to_owned())),
            (false, None) => {
                return Err(ApiError::Unfit(
                    "change: expected {\"data\": {…}}, {\"duration\": seconds} or {\"shift\": seconds}"
                        .to_owned(),
                ));
            }
        };
        Ok(EditRequest {
            buckets: self.bucket.map(|ids| ids.as_slice().to_vec()).unwrap_or_default(),
            range: TimeRange {
                start: time("start", self.start.as_deref())?,
                end: time("end", self.end.as_deref())?,
            },
            filter,
            change,
        })
    }
}

impl BulkChange {
    fn values(self) -> Result<Values, ApiError> {
        let values = Values {
            start: None,
            duration: seconds("duration", self.duration.as_deref())?,
            shift: seconds("shift", self.shift.as_deref())?,
            data: object(self.data)?,
        };
        match values == Values::default() {
            true => Err(ApiError::Unfit("change: it says nothing".to_owned())),
            false => Ok(values),
        }
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    text.map(|text| required_time(name, text)).transpose()
}

fn required_time(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    Timestamp::parse_clamped(text).map_err(|error| ApiError::Unfit(format!("{name}: {error}")))
}

fn seconds(name: &str, raw: Option<&RawValue>) -> Result<Option<Duration>, ApiError> {
    let parsed = raw.map(|raw| Duration::parse(raw.get())).transpose();
    parsed.map_err(|error| ApiError::Unfit(format!("{name}: {error}")))
}

fn object(data: Option<Value>) -> Result<Option<Value>, ApiError> {
    match data {
        Some(Value::Object(_)) | None => Ok(data),
        Some(_) => Err(ApiError::Unfit("data: expected an object".to_owned())),
    }
}

/// Waits for the records, and names them.
async fn finish(app: &App, edited: &Edited, answer: &mut Value) -> Result<Response<Body>, ApiError> {
    if let Some((first, receipt)) = edited.records {
        app.settle(receipt).await?;
        answer["from"] = json!(first.get());
        answer["to"] = json!(receipt.seq.get());
    } else {
        answer["from"] = Value::Null;
        answer["to"] = Value::Null;
    }
    Ok(json_answer(answer.to_string().into_bytes()))
}

fn event_json(id: EventId, start: Timestamp, duration: Duration, data: &str) -> Value {
    json!({
        "id": id.0,
        "timestamp": start.to_string(),
        "duration": duration.as_secs_f64(),
        "data": serde_json::from_str::<Value>(data).unwrap_or(Value::Null),
    })
}

fn counts_json(matching: &Matching) -> Value {
    let buckets: Vec<Value> = matching
        .counts
        .iter()
        .map(|(bucket, count)| json!({ "bucket": bucket, "count": count }))
        .collect();
    json!({
        "matching": matching.counts.iter().map(|(_, count)| count).sum::<usize>(),
        "buckets": buckets,
    })
}

fn sample_json((bucket, before, after): &(String, Event, Option<Event>)) -> Value {
    let shown = |event: &Event| event_json(event.id, event.start, event.duration, event.data.as_str());
    json!({
        "bucket": bucket,
        "before": shown(before),
        "after": after.as_ref().map(shown),
    })
}
