//! `/api/0/buckets` and `/api/0/buckets/{bucket}`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode, Uri, header};
use serde_json::{Map, Value};
use timberline_model::json as model_json;
use timberline_views::BucketView;

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::param::Param;
use crate::api::v0::schema;
use crate::app::App;
use crate::http::guard::extension::{CREATOR_KEY, FromExtension};
use crate::http::{ApiError, Query, collect_json, json, json_answer, stream};
use crate::service::bucket::{LOCAL, is_usable_id, made, with_member};

/// Buckets that are listed in one piece. A list of more is streamed: it takes neither the memory nor a thread of the
/// requests.
const LISTED_AT_ONCE: usize = 256;

/// List buckets
///
/// All buckets that are not archived, by id. A browser extension sees only those that it has created, a token with `--bucket` only those that it is for.
#[utoipa::path(
    get,
    path = "/api/0/buckets",
    operation_id = "list_buckets",
    tag = "Buckets",
    params(AsOfParameter),
    responses((status = 200, description = "The buckets by id", body = std::collections::BTreeMap<String, schema::Bucket>)),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    extension: Option<Extension<FromExtension>>,
    granted: Option<Extension<Granted>>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    let snapshot = Arc::clone(&as_of.snapshot);
    let shown = move |view: &&BucketView| {
        let covered = granted
            .as_ref()
            .is_none_or(|granted| granted.covers(&view.bucket().id));
        covered && may_see(extension.as_deref(), view)
    };
    if snapshot.listed().count() > LISTED_AT_ONCE {
        let mut response = Response::new(stream(move |to| {
            let mut out = vec![b'{'];
            for (index, view) in snapshot.listed().filter(shown).enumerate() {
                write_listed(&mut out, index, view);
                to.send_full(&mut out)?;
            }
            out.push(b'}');
            to.send(out)
        }));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
        return Ok(as_of.mark(response));
    }
    let mut out = vec![b'{'];
    for (index, view) in snapshot.listed().filter(shown).enumerate() {
        write_listed(&mut out, index, view);
    }
    out.push(b'}');
    Ok(as_of.mark(json_answer(out)))
}

/// One bucket of the list, with the comma before it.
fn write_listed(out: &mut Vec<u8>, index: usize, view: &BucketView) {
    if index > 0 {
        out.push(b',');
    }
    json::write_string(out, &view.bucket().id);
    out.push(b':');
    write(out, view);
}

/// Get a bucket
#[utoipa::path(
    get,
    path = "/api/0/buckets/{bucket}",
    operation_id = "get_bucket",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket"), AsOfParameter),
    responses(
        (status = 200, description = "The bucket", body = schema::Bucket),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    extension: Option<Extension<FromExtension>>,
    Param(id): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    let view = as_of.snapshot.bucket(&id).ok_or(ApiError::NoSuchBucket(id))?;
    if !may_see(extension.as_deref(), view) {
        return Err(ApiError::ExtensionRefused(
            extension.map_or_else(String::new, |Extension(FromExtension(origin))| origin),
        ));
    }
    let mut out = Vec::new();
    write(&mut out, view);
    Ok(as_of.mark(json_answer(out)))
}

/// Create a bucket
///
/// If a bucket with this id exists, nothing changes.
#[utoipa::path(
    post,
    path = "/api/0/buckets/{bucket}",
    operation_id = "create_bucket",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket")),
    request_body = schema::NewBucket,
    responses(
        (status = 200, description = "The bucket was created"),
        (status = 304, description = "There is such a bucket already"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    extension: Option<Extension<FromExtension>>,
    Param(id): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    if !is_usable_id(&id) {
        return Err(ApiError::Unfit(
            "A bucket cannot be called '.' or '..': clients take that out of addresses".to_owned(),
        ));
    }
    let new = model_json::parse_bucket(&body)?;
    let mut bucket = made(&new, id, &app.identity, app.store.now());
    if let Some(Extension(FromExtension(origin))) = &extension {
        bucket.data = with_member(&bucket.data, CREATOR_KEY, origin);
    }
    let (created, receipt) = app
        .hold
        .write(body.len(), || app.store.create_bucket(&bucket))
        .await?;
    if !created {
        return Ok(StatusCode::NOT_MODIFIED);
    }
    let receipt = if new.events.is_empty() {
        receipt
    } else {
        let inserting = || app.store.insert_events(&bucket.id, &new.events);
        app.hold.write(body.len(), inserting).await?.1
    };
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

/// Change a bucket
///
/// Changes those of type, client, host name and data that are given.
#[utoipa::path(
    put,
    path = "/api/0/buckets/{bucket}",
    operation_id = "update_bucket",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket")),
    request_body = schema::BucketChange,
    responses(
        (status = 200, description = "The bucket was changed"),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let mut update = model_json::parse_bucket_update(&body)?;
    if update.hostname.as_deref() == Some(LOCAL) {
        update.hostname = Some(app.identity.hostname.clone());
    }
    let receipt = app
        .hold
        .write(body.len(), || app.store.update_bucket(&id, &update))
        .await?;
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

/// Delete a bucket
///
/// The bucket and its events stay in the trash for a while (`GET /api/1/trash`).
#[utoipa::path(
    delete,
    path = "/api/0/buckets/{bucket}",
    operation_id = "delete_bucket",
    tag = "Buckets",
    params(("bucket" = String, Path, description = "The id of the bucket")),
    responses(
        (status = 200, description = "The bucket was deleted"),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<StatusCode, ApiError> {
    let receipt = app.hold.write(id.len(), || app.store.delete_bucket(&id)).await?;
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

/// Delete a bucket whose id cannot be written in a path
///
/// Such ids (`.`, `..` and the empty one) can come from an old import.
#[utoipa::path(
    delete,
    path = "/api/1/buckets",
    operation_id = "delete_named_bucket",
    tag = "Buckets",
    params(("id" = String, Query, description = "The id of the bucket")),
    responses(
        (status = 200, description = "The bucket was deleted"),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 422, description = "The parameter `id` is missing", body = Error),
    ),
)]
pub(crate) async fn delete_named(State(app): State<Arc<App>>, uri: Uri) -> Result<StatusCode, ApiError> {
    let id = Query::of(&uri)
        .get("id")?
        .ok_or_else(|| ApiError::Unfit("The parameter id is missing".to_owned()))?
        .into_owned();
    if app.store.snapshot().bucket(&id).is_none() {
        return Err(ApiError::NoSuchBucket(id));
    }
    delete(State(app), Param(id)).await
}

/// Whether the client may see this bucket. An extension may see only buckets that it created.
fn may_see(extension: Option<&FromExtension>, view: &BucketView) -> bool {
    let Some(FromExtension(origin)) = extension else {
        return true;
    };
    let data: Map<String, Value> = serde_json::from_str(view.bucket().data.as_str()).unwrap_or_default();
    data.get(CREATOR_KEY).and_then(Value::as_str) == Some(origin)
}

fn write(out: &mut Vec<u8>, view: &BucketView) {
    out.push(b'{');
    model_json::write_bucket_fields(out, view.bucket(), view.start(), view.end());
    out.extend_from_slice(br#","events":null}"#);
}
