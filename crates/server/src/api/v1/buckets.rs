//! Buckets as the server keeps them: listed with their aliases, renamed, archived, merged.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use timberline_log::Seq;
use timberline_views::{BucketListing, BucketView};
use utoipa::{IntoParams, ToSchema};

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::json_body::read_json;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::param::Param;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Echo, Query, json_answer, run_blocking};
use crate::service::bucket::is_usable_id;
use crate::service::merge_buckets::{self, Asked};

/// Aliases that a request may give.
const MAX_ALIASES: usize = 1_000;

/// Which buckets are listed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Archived {
    /// Those that are not archived.
    #[default]
    False,
    /// Those that are.
    True,
    /// All.
    All,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes parameters and is never constructed")]
pub(crate) struct ListParameters {
    /// Which buckets: `false`, those that are not archived (the default), `true`, those that are, or `all`.
    #[param(nullable = false)]
    archived: Option<Archived>,
}

/// The changes to a bucket.
#[derive(Deserialize, ToSchema)]
#[schema(as = BucketPatch)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchRequest {
    /// Its new id. The one it had becomes an alias, unless `aliases` are given.
    #[schema(value_type = Option<UsableId>)]
    id: Option<String>,
    /// All of its aliases: other ids under which it is found.
    #[schema(max_items = 1_000, value_type = Option<Vec<UsableId>>)]
    aliases: Option<Vec<String>>,
    /// Whether it is archived: left out of lists and of results that are computed from all buckets.
    archived: Option<bool>,
}

/// The id of a bucket: any text but `.` and `..`, which clients take out of addresses.
#[derive(Serialize, ToSchema)]
#[schema(as = BucketId, min_length = 1, pattern = r"^(\.{0,2}[^.]|\.{3})")]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct UsableId(String);

/// Where the events of a bucket are to go.
#[derive(Deserialize, ToSchema)]
#[schema(as = BucketMerge)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeRequest {
    /// The id of the bucket that gets the events.
    into: String,
    /// Change nothing, and only say what would move.
    #[serde(default)]
    preview: bool,
}

/// List buckets with their aliases
///
/// The buckets, by id, with more than the list of v0 contains: how many events they have, their aliases, and whether they are
/// archived. A token with `--bucket` sees those that it is for.
#[utoipa::path(
    get,
    path = "/api/1/buckets",
    operation_id = "list_buckets_with_aliases",
    tag = "Buckets",
    params(ListParameters, AsOfParameter),
    responses((status = 200, description = "The buckets", body = schema::BucketList)),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let wanted = Archived::of(Query::of(&uri))?;
    let state = snapshot(&app, &uri).await?;
    let may_see = |view: &&BucketView| {
        let covers = |granted: &Extension<Granted>| granted.covers(&view.bucket().id);
        granted.as_ref().is_none_or(covers)
    };
    let buckets = state.snapshot.buckets().filter(may_see);
    let listed: Vec<Value> = buckets
        .filter(|view| wanted.includes(view))
        .map(bucket_json)
        .collect();
    Ok(state.mark(answer(&json!({ "buckets": listed }))))
}

/// Rename or archive a bucket
///
/// Gives it another id or other aliases, or archives it. Requests that name an alias reach the bucket.
#[utoipa::path(
    patch,
    path = "/api/1/buckets/{bucket}",
    operation_id = "patch_bucket",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket, or an alias")),
    request_body = PatchRequest,
    responses(
        (status = 200, description = "The bucket as it is now", body = schema::BucketPatched),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 409, description = "Another bucket has this id or alias", body = Error),
    ),
)]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    Param(bucket): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: PatchRequest = read_json(&app, &headers, body, "The body").await?;
    let change = request.checked(granted.as_deref())?;
    // The same bucket whatever it is called afterwards.
    let key = app.store.snapshot().bucket(&bucket).map(BucketView::key);
    let bytes = bucket.len();
    let receipt = app
        .hold
        .write(bytes, || app.store.list_bucket(&bucket, &change))
        .await?;
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    let snapshot = app.store.snapshot();
    let view = key.and_then(|key| snapshot.bucket_of(key));
    let view = view.ok_or(ApiError::NoSuchBucket(bucket))?;
    let seq = receipt.map(|receipt| receipt.seq.get());
    Ok(answer(
        &json!({ "bucket": bucket_json(view), "from": seq, "to": seq }),
    ))
}

/// Merge a bucket into another one
///
/// Moves its events to the other bucket. Its id and aliases become aliases of the other bucket, so that watchers that use them
/// continue to record. The bucket itself goes to the trash.
#[utoipa::path(
    post,
    path = "/api/1/buckets/{bucket}/merge",
    operation_id = "merge_buckets",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket, or an alias")),
    request_body = MergeRequest,
    responses(
        (status = 200, description = "What was moved, or with `preview`, what would be moved", body = schema::BucketsMerged),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn merge(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    Param(bucket): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: MergeRequest = read_json(&app, &headers, body, "The body").await?;
    let asked = Asked::of(&app.store.snapshot(), &bucket, &request.into)?;
    if let Some(Extension(granted)) = &granted
        && !granted.covers(&asked.into)
    {
        return Err(granted.refusal().into());
    }
    let mut answer_json = json!({
        "bucket": asked.bucket,
        "into": asked.into,
        "preview": request.preview,
        "events": asked.events,
        "undo": [],
    });
    if !request.preview {
        let worker = Arc::clone(&app);
        let merged = run_blocking(move |_| merge_buckets::merge(&worker.store, &worker.hold, &asked)).await?;
        app.settle(merged.receipt).await?;
        answer_json["events"] = json!(merged.events);
        answer_json["undo"] = merged.ranges.iter().map(range_json).collect();
    }
    Ok(answer(&answer_json))
}

impl Archived {
    fn of(query: Query<'_>) -> Result<Archived, ApiError> {
        match query.get("archived")?.as_deref() {
            None | Some("false") => Ok(Archived::False),
            Some("true") => Ok(Archived::True),
            Some("all") => Ok(Archived::All),
            Some(other) => Err(ApiError::Malformed(format!(
                "archived: expected false, true or all, not '{}'",
                Echo(other)
            ))),
        }
    }

    fn includes(self, view: &BucketView) -> bool {
        match self {
            Archived::False => !view.is_archived(),
            Archived::True => view.is_archived(),
            Archived::All => true,
        }
    }
}

impl PatchRequest {
    /// What it asks for, if every name can be used and the sender's token is for it.
    fn checked(self, granted: Option<&Granted>) -> Result<BucketListing, ApiError> {
        if self.id.is_none() && self.aliases.is_none() && self.archived.is_none() {
            return Err(ApiError::Unfit(
                "Expected \"id\", \"aliases\" or \"archived\"".to_owned(),
            ));
        }
        let aliases = self.aliases.iter().flatten();
        if aliases.clone().count() > MAX_ALIASES {
            return Err(ApiError::Unfit(format!("aliases: at most {MAX_ALIASES}")));
        }
        for name in self.id.iter().chain(aliases) {
            if !is_usable_id(name) {
                return Err(ApiError::Unfit(format!(
                    "A bucket cannot be called '{name}': clients take that out of addresses"
                )));
            }
            if let Some(granted) = granted.filter(|granted| !granted.covers(name)) {
                return Err(granted.refusal().into());
            }
        }
        Ok(BucketListing {
            id: self.id,
            aliases: self.aliases,
            archived: self.archived,
        })
    }
}

fn range_json((from, to): &(Seq, Seq)) -> Value {
    json!({ "from": from.get(), "to": to.get() })
}

fn bucket_json(view: &BucketView) -> Value {
    let bucket = view.bucket();
    json!({
        "id": bucket.id,
        "type": bucket.type_,
        "client": bucket.client,
        "hostname": bucket.hostname,
        "created": bucket.created.to_string(),
        "count": view.len(),
        "first": view.start().map(|start| start.to_string()),
        "last": view.end().map(|end| end.to_string()),
        "aliases": view.aliases().collect::<Vec<_>>(),
        "archived": view.is_archived(),
    })
}

fn answer(value: &Value) -> Response<Body> {
    json_answer(value.to_string().into_bytes())
}
