//! `/api/0/buckets` and `/api/0/buckets/{bucket}`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode, Uri, header};
use serde_json::{Map, Value};
use timberline_model::{Bucket, Data, NewBucket, Timestamp, json as model_json};
use timberline_views::BucketView;

use super::param::Param;
use super::past::picture;
use crate::app::App;
use crate::http::{ApiError, collect_json, json, json_answer, stream};
use crate::identity::Identity;

/// The host name by which a client asks for this machine's.
const LOCAL: &str = "!local";
/// Buckets that are listed in one piece. A list of more is streamed: it takes neither the memory nor a thread of the
/// requests.
const LISTED_AT_ONCE: usize = 256;

pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let picture = picture(&app, &uri).await?;
    let snapshot = Arc::clone(&picture.snapshot);
    if snapshot.bucket_count() > LISTED_AT_ONCE {
        let mut response = Response::new(stream(move |to| {
            let mut out = Vec::new();
            for (index, view) in snapshot.buckets().enumerate() {
                write_listed(&mut out, index, view);
                to.send_full(&mut out)?;
            }
            out.push(b'}');
            to.send(out)
        }));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
        return Ok(picture.mark(response));
    }
    let mut out = Vec::new();
    for (index, view) in snapshot.buckets().enumerate() {
        write_listed(&mut out, index, view);
    }
    if out.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(picture.mark(json_answer(out)))
}

/// One bucket of the list, with what comes before it.
fn write_listed(out: &mut Vec<u8>, index: usize, view: &BucketView) {
    out.push(if index > 0 { b',' } else { b'{' });
    json::write_string(out, &view.bucket().id);
    out.push(b':');
    write(out, view);
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let picture = picture(&app, &uri).await?;
    let view = picture.snapshot.bucket(&id).ok_or(ApiError::NoSuchBucket(id))?;
    let mut out = Vec::new();
    write(&mut out, view);
    Ok(picture.mark(json_answer(out)))
}

/// 200 when it was made; 304 when it exists, and then nothing of it changes.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let new = model_json::parse_bucket(&body)?;
    let bucket = made(&new, id, &app.identity);
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

/// Changes type, client, host name and data, each if it is given.
pub(super) async fn update(
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

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<StatusCode, ApiError> {
    let receipt = app.hold.write(id.len(), || app.store.delete_bucket(&id)).await?;
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

/// The bucket `id` as a client asked for it, with what only we know filled in.
pub(super) fn made(new: &NewBucket<'_>, id: String, identity: &Identity) -> Bucket {
    let local = new.hostname == LOCAL;
    Bucket {
        id,
        type_: new.type_.clone(),
        client: new.client.clone(),
        hostname: if local {
            identity.hostname.clone()
        } else {
            new.hostname.clone()
        },
        created: new.created.unwrap_or_else(Timestamp::now),
        data: if local {
            with_device_id(&new.data, &identity.device_id)
        } else {
            new.data.clone()
        },
        last_updated: None,
    }
}

fn with_device_id(data: &Data, device_id: &str) -> Data {
    // It is canonical text of an object; an empty one is what is left if that were not so.
    let mut map: Map<String, Value> = serde_json::from_str(data.as_str()).unwrap_or_default();
    map.insert("device_id".to_owned(), Value::from(device_id));
    Data::parse(&Value::from(map).to_string()).unwrap_or_else(|_| data.clone())
}

fn write(out: &mut Vec<u8>, view: &BucketView) {
    out.push(b'{');
    model_json::write_bucket_fields(out, view.bucket(), view.start(), view.end());
    out.extend_from_slice(br#","events":null}"#);
}
